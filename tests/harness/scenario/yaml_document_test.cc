#include "harness/scenario/yaml_document.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

std::string ErrorOf(const std::string& text) {
  const Result<YamlDocument> document = YamlDocument::Parse(text, "a.yaml");
  return document.ok() ? "" : document.error().Render();
}

YamlNode Parse(const std::string& text) {
  Result<YamlDocument> document = YamlDocument::Parse(text, "a.yaml");
  EXPECT_TRUE(document.ok()) << ErrorOf(text);
  return document.ok() ? document->root() : YamlNode{};
}

// The value of a plain scalar, as JSON text.
std::string ValueOf(const std::string& scalar) {
  return DumpJson(ScalarValue(Parse("v: " + scalar).items[0]));
}

std::string Repeat(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(YamlDocumentTest, ReadsScalarsAsTheCoreSchemaDoes) {
  EXPECT_EQ(ValueOf("true"), "true");
  EXPECT_EQ(ValueOf("False"), "false");
  EXPECT_EQ(ValueOf("~"), "null");
  EXPECT_EQ(ValueOf("-12"), "-12");
  EXPECT_EQ(ValueOf("+7"), "7");
  EXPECT_EQ(ValueOf("0777"), "777");
  EXPECT_EQ(ValueOf("0o17"), "15");
  EXPECT_EQ(ValueOf("0xff"), "255");
  EXPECT_EQ(ValueOf("1.5"), "1.5");
  EXPECT_EQ(ValueOf(".5"), "0.5");
  EXPECT_EQ(ValueOf("1e3"), "1000.0");
}

TEST(YamlDocumentTest, ReadsIntegersOf64BitsWithTheirLastDigit) {
  EXPECT_EQ(ValueOf("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(ValueOf("9223372036854775809"), "9223372036854775809");
  EXPECT_EQ(ValueOf("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(ValueOf("0xffffffffffffffff"), "18446744073709551615");
  EXPECT_EQ(ValueOf("18446744073709551616"), "1.8446744073709552e+19");
}

TEST(YamlDocumentTest, ReadsWhatYaml11CalledSomethingElseAsText) {
  for (const char* text : {"no", "yes", "on", "off", "y", "1_000", "12:30", "0b11", "1.2.3", "e5",
                           "0x", "0o9", "2001-12-14"})
    EXPECT_EQ(ValueOf(text), "\"" + std::string(text) + "\"");
}

TEST(YamlDocumentTest, ReadsAnythingQuotedAsText) {
  EXPECT_EQ(ValueOf("'12'"), "\"12\"");
  EXPECT_EQ(ValueOf("\"true\""), "\"true\"");
  EXPECT_EQ(ValueOf("''"), "\"\"");
}

TEST(YamlDocumentTest, KeepsPlacesAndLengths) {
  const YamlNode root = Parse("a: [x, 'it''s']\n");
  EXPECT_EQ(root.keys[0].column, 1);
  EXPECT_EQ(root.items[0].column, 4);
  EXPECT_EQ(root.items[0].items[1].column, 8);
  EXPECT_EQ(root.items[0].items[1].length, 7);
  EXPECT_EQ(root.items[0].items[1].text, "it's");
}

TEST(YamlDocumentTest, CopiesWhatAnAliasNames) {
  const YamlNode root = Parse("a: &x [1]\nb: *x\n");
  ASSERT_EQ(root.items[1].items.size(), 1U);
  EXPECT_EQ(root.items[1].items[0].text, "1");
}

TEST(YamlDocumentTest, SkipsAByteOrderMark) {
  EXPECT_EQ(ErrorOf("\xEF\xBB\xBF"
                    "a: 1\n"),
            "");
}

TEST(YamlDocumentTest, AcceptsLinesOfWindows) {
  EXPECT_EQ(Parse("a: 1\r\nb: 2\r\n").Find("b")->text, "2");
}

TEST(YamlDocumentTest, RejectsAnEmptyFile) {
  const std::string error =
      "a.yaml: error: the file is empty\nhint: it is to begin with 'version: 1'\n";
  EXPECT_EQ(ErrorOf(""), error);
  EXPECT_EQ(ErrorOf("# nothing\n"), error);
  EXPECT_EQ(ErrorOf("---\n"), error);
}

TEST(YamlDocumentTest, AcceptsOneDocumentWithItsMarker) { EXPECT_EQ(ErrorOf("---\na: 1\n"), ""); }

TEST(YamlDocumentTest, RejectsASecondDocument) {
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 2\n"),
            "a.yaml:2:1: error: a second document begins\n---\n^\n"
            "hint: a scenario is one document: remove the '---'\n");
}

TEST(YamlDocumentTest, RejectsADuplicateKey) {
  EXPECT_EQ(ErrorOf("a: 1\nb: 2\na: 3\n"),
            "a.yaml:3:1: error: duplicate key 'a'\na: 3\n^\nhint: the first is in line 1\n");
}

TEST(YamlDocumentTest, AcceptsOneKeyInTwoMappings) {
  EXPECT_EQ(ErrorOf("x: {a: 1}\ny: {a: 1}\n"), "");
}

TEST(YamlDocumentTest, RejectsAKeyThatIsNoText) {
  EXPECT_EQ(ErrorOf("? [a]\n: 1\n"),
            "a.yaml:1:3: error: a key must be text, not a list\n? [a]\n  ^\n");
  EXPECT_EQ(ErrorOf(": 1\n"), "a.yaml:1:1: error: a key must be text, not nothing\n: 1\n^\n");
}

TEST(YamlDocumentTest, RejectsAMergeKey) {
  EXPECT_EQ(ErrorOf("a: &x {b: 1}\nc: {<<: *x}\n"),
            "a.yaml:2:5: error: merge keys are not supported\nc: {<<: *x}\n    ^~\n"
            "hint: repeat the keys, or name the whole value by an alias\n");
}

TEST(YamlDocumentTest, RejectsATag) {
  EXPECT_EQ(ErrorOf("a: !!int 1\n"),
            "a.yaml:1:4: error: tags are not supported\na: !!int 1\n   ^\n"
            "hint: quote the value to make it text\n");
}

TEST(YamlDocumentTest, RejectsAnAliasInsideWhatItNames) {
  EXPECT_EQ(ErrorOf("a: &x [*x]\n"),
            "a.yaml:1:8: error: this alias stands inside what it names\na: &x [*x]\n       ^\n");
}

TEST(YamlDocumentTest, RejectsAnAliasOfNothing) {
  EXPECT_EQ(
      ErrorOf("a: *x\n"),
      "a.yaml:1:4: error: not valid YAML: the referenced anchor is not defined\na: *x\n   ^\n");
}

TEST(YamlDocumentTest, RejectsAnAliasBomb) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string previous = std::string("*") + static_cast<char>(c - 1);
    bomb += std::string(1, c) + ": &" + c + " [" + Repeat(previous + ", ", 9) + previous + "]\n";
  }
  EXPECT_EQ(ErrorOf(bomb),
            "a.yaml:4:4: error: anchors and aliases repeat more than 20000 values\n"
            "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n   ^\n"
            "hint: an alias repeats everything that it names\n");
}

TEST(YamlDocumentTest, TakesAsManyValuesAsTheFileHas) {
  EXPECT_EQ(ErrorOf("[" + Repeat("a, ", 100'000) + "a]"), "");
}

TEST(YamlDocumentTest, RejectsTooManyCopies) {
  const std::string named = "- &x a\n";
  EXPECT_EQ(ErrorOf(named + Repeat("- *x\n", 19'999)), "");
  EXPECT_EQ(ErrorOf(named + Repeat("- *x\n", 20'000)),
            "a.yaml:20001:3: error: anchors and aliases repeat more than 20000 values\n- *x\n  ^\n"
            "hint: an alias repeats everything that it names\n");
}

TEST(YamlDocumentTest, RejectsDeepNesting) {
  EXPECT_EQ(ErrorOf(Repeat("[", 64) + Repeat("]", 64)), "");
  const std::string line = Repeat("[", 65) + Repeat("]", 65);
  EXPECT_EQ(ErrorOf(line), "a.yaml:1:65: error: nested deeper than 64 levels\n" + line + "\n" +
                               Repeat(" ", 64) + "^\n");
}

// Each of these shapes overflows the stack of a parser that recurses without a guard.
TEST(YamlDocumentTest, SurvivesBottomlessNesting) {
  std::string indented;
  for (int i = 0; i < 1000; ++i) indented += Repeat(" ", i) + "a:\n";
  for (const std::string& text :
       {Repeat("[", 200'000), Repeat("{a: ", 200'000), Repeat("- ", 200'000), Repeat("? ", 200'000),
        Repeat("[a: ", 200'000), Repeat("? - ", 200'000), Repeat("- ? ", 200'000), indented})
    EXPECT_NE(ErrorOf(text).find("error: nested deeper than 64 levels\n"), std::string::npos)
        << text.substr(0, 16);
}

TEST(YamlDocumentTest, RejectsBytesThatAreNoUtf8) {
  EXPECT_EQ(ErrorOf("a: 1\nb: x\xFFy\n"),
            "a.yaml:2:5: error: not valid UTF-8\nb: x\xEF\xBF\xBDy\n    ^\nhint: YAML is "
            "UTF-8 text\n");
  EXPECT_EQ(ErrorOf(std::string("\xFF\xFE"
                                "a\0",
                                4))
                .substr(0, 37),
            "a.yaml:1:1: error: not valid UTF-8\n\xEF\xBF");
}

TEST(YamlDocumentTest, RejectsControlCharactersAndShowsNone) {
  EXPECT_EQ(
      ErrorOf("a: \x1B[31m\n"),
      "a.yaml:1:4: error: a control character\na: ?[31m\n   ^\nhint: YAML is UTF-8 text\n");
  EXPECT_EQ(ErrorOf(std::string("a\0b: 1", 6)),
            "a.yaml:1:2: error: a control character\na?b: 1\n ^\nhint: YAML is UTF-8 text\n");
  EXPECT_EQ(
      ErrorOf("a: 1\rb: 2\n"),
      "a.yaml:1:5: error: a control character\na: 1?b: 2\n    ^\nhint: YAML is UTF-8 text\n");
}

TEST(YamlDocumentTest, RejectsAFileThatIsTooLarge) {
  EXPECT_EQ(ErrorOf(std::string((1 << 20) + 1, '#')),
            "a.yaml: error: larger than 1 MiB\n"
            "hint: it is to be a short text: a workload reads data from a file of its own\n");
}

TEST(YamlDocumentTest, PointsAtATabThatIndents) {
  EXPECT_EQ(ErrorOf("a:\n\tb: 1\n"),
            "a.yaml:2:1: error: a tab indents this line\n\tb: 1\n^\nhint: indent with spaces\n");
  EXPECT_EQ(ErrorOf("a:\n  b: 1\n\tc: 1\n"),
            "a.yaml:3:1: error: a tab indents this line\n\tc: 1\n^\nhint: indent with spaces\n");
}

TEST(YamlDocumentTest, PointsAtTheBracketThatNeverCloses) {
  EXPECT_EQ(ErrorOf("a: [1,\n  {b: 2\n"),
            "a.yaml:2:3: error: this bracket never closes\n  {b: 2\n  ^\n");
}

TEST(YamlDocumentTest, PointsAtTheQuoteThatNeverCloses) {
  EXPECT_EQ(ErrorOf("a: \"b\nc: 1\n"),
            "a.yaml:1:4: error: this quote never closes\na: \"b\n   ^\n");
  EXPECT_EQ(ErrorOf("a: 'b''\n"), "a.yaml:1:4: error: this quote never closes\na: 'b''\n   ^\n");
  EXPECT_EQ(ErrorOf("a: 'b'''\n"), "");
}

TEST(YamlDocumentTest, SaysWhatIsNoYaml) {
  EXPECT_EQ(ErrorOf("a: b: c\n"),
            "a.yaml:1:5: error: not valid YAML: illegal map value\na: b: c\n    ^\n");
}

TEST(YamlDocumentTest, LeavesOutALineThatIsTooLongToShow) {
  EXPECT_EQ(ErrorOf("a: [" + Repeat("x, ", 100) + "!!int 1]\n"),
            "a.yaml:1:305: error: tags are not supported\nhint: quote the value to make it text\n");
}

}  // namespace
}  // namespace trireme
