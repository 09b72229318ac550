#include "harness/base/base64.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(Base64Test, ComesBackForEveryLength) {
  std::string bytes;
  for (int size = 0; size < 300; ++size) {
    EXPECT_EQ(DecodeBase64(EncodeBase64(bytes)), bytes);
    bytes += static_cast<char>(size);
  }
  EXPECT_EQ(EncodeBase64("hi\xff"), "aGn/");
  EXPECT_EQ(EncodeBase64("hi"), "aGk=");
}

TEST(Base64Test, RefusesWhatNobodyEncoded) {
  for (const char* text : {"a", "aGk", "aGl=", "aGk=aGk=", "aG k", "a===", "=", "-_=="})
    EXPECT_EQ(DecodeBase64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace trireme
