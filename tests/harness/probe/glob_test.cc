#include "harness/probe/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace trireme {
namespace {

TEST(Glob, MatchesTheWholeTextOnly) {
  EXPECT_TRUE(MatchesGlob("", ""));
  EXPECT_TRUE(MatchesGlob("reader-1", "reader-1"));
  EXPECT_FALSE(MatchesGlob("reader-1", "reader-12"));
  EXPECT_FALSE(MatchesGlob("reader-12", "reader-1"));
  EXPECT_FALSE(MatchesGlob("", "a"));
  EXPECT_FALSE(MatchesGlob("a", ""));
}

TEST(Glob, AStarIsAnyText) {
  EXPECT_TRUE(MatchesGlob("*", ""));
  EXPECT_TRUE(MatchesGlob("reader-*", "reader-"));
  EXPECT_TRUE(MatchesGlob("1.*.2", "1.3.2.2"));
  EXPECT_TRUE(MatchesGlob("*a*b", "xaxbxab"));
  EXPECT_FALSE(MatchesGlob("*a*b", "xaxbxa"));
  EXPECT_TRUE(MatchesGlob("**", "a"));
}

TEST(Glob, AQuestionMarkIsOneByte) {
  EXPECT_TRUE(MatchesGlob("1.?", "1.3"));
  EXPECT_FALSE(MatchesGlob("1.?", "1."));
  EXPECT_FALSE(MatchesGlob("1.?", "1.12"));
}

TEST(Glob, BracketsAreOneOfTheirBytes) {
  EXPECT_TRUE(MatchesGlob("[a-cx]", "b"));
  EXPECT_TRUE(MatchesGlob("[a-cx]", "x"));
  EXPECT_FALSE(MatchesGlob("[a-cx]", "d"));
  EXPECT_TRUE(MatchesGlob("[!a-c]", "d"));
  EXPECT_FALSE(MatchesGlob("[!a-c]", "b"));
  EXPECT_TRUE(MatchesGlob("[]]", "]"));
  EXPECT_TRUE(MatchesGlob("[a-]", "-"));
  EXPECT_TRUE(MatchesGlob("x*[0-9]", "xa1b2"));
}

TEST(Glob, ABracketWithoutAnEndStandsForItself) {
  EXPECT_TRUE(MatchesGlob("[ab", "[ab"));
  EXPECT_FALSE(MatchesGlob("[ab", "a"));
  EXPECT_TRUE(MatchesGlob("[", "["));
}

TEST(Glob, ABackslashTakesTheNextByteAsItIs) {
  EXPECT_TRUE(MatchesGlob("\\*", "*"));
  EXPECT_FALSE(MatchesGlob("\\*", "a"));
  EXPECT_TRUE(MatchesGlob("\\\\", "\\"));
  EXPECT_TRUE(MatchesGlob("a\\", "a\\"));
}

TEST(Glob, ManyStarsTakeNoExponentialTime) {
  const std::string text(2000, 'a');
  EXPECT_FALSE(MatchesGlob("*a*a*a*a*a*a*a*a*a*a*a*a*b", text.c_str()));
}

}  // namespace
}  // namespace trireme
