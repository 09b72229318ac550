#include "trireme/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace trireme {
namespace {

constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kLargestSigned = std::numeric_limits<int64_t>::max();

TEST(ValueTest, KeepsUnsignedIntegersAtAndAboveTheLargestSignedOne) {
  EXPECT_EQ(Value(kLargestSigned).type(), Value::Type::kInt);
  EXPECT_EQ(Value(kLargestSigned).ToJson(), "9223372036854775807");
  EXPECT_EQ(Value(kLargestSigned + 1).ToJson(), "9223372036854775808");
  EXPECT_EQ(Value(kLargest).ToJson(), "18446744073709551615");
  EXPECT_EQ(Value(std::vector<uint64_t>{1, kLargest}).ToJson(), "[1,18446744073709551615]");
  EXPECT_EQ(Value(-1).ToJson(), "-1");
}

TEST(ValueTest, GivesALargeIntegerBackAsWhatCanHoldIt) {
  const Value large = Value::FromJson("18446744073709551615");
  EXPECT_EQ(large.ToJson(), "18446744073709551615");
  EXPECT_EQ(large.As<uint64_t>(), kLargest);
  EXPECT_EQ(large.As<double>(), static_cast<double>(kLargest));
  EXPECT_THROW(large.As<int64_t>(), std::invalid_argument);
  EXPECT_EQ(Value::FromJson("7").As<uint64_t>(), 7U);
  EXPECT_THROW(Value::FromJson("[7]").As<uint64_t>(), std::invalid_argument);
}

TEST(ValueTest, MarksWhatJsonHasOnlyTextForBesideTheTextThatLooksLikeIt) {
  const Value list = Value::List({Value::Bytes("A"), "QQ==", NAN, -HUGE_VAL, 1, Value("k")});
  EXPECT_EQ(list.type(), Value::Type::kMarked);
  EXPECT_EQ(list.text(), R"(["bQQ==","tQQ==","fNaN","f-Infinity",1,"tk"])");
  EXPECT_EQ(list.ToJson(), R"(["QQ==","QQ==","NaN","-Infinity",1,"k"])");
  EXPECT_EQ(Value::Object({{"a", list}, {"b", std::vector<std::string>{"c"}}}).text(),
            R"({"a":["bQQ==","tQQ==","fNaN","f-Infinity",1,"tk"],"b":["tc"]})");
  EXPECT_EQ(Value::List({Value::Bytes("A")}).As<std::vector<std::string>>(),
            std::vector<std::string>{"QQ=="});
}

TEST(ValueTest, KeepsTheBytesOfATextThatIsNoUtf8) {
  EXPECT_EQ(Value::List({"a\xff", "a"}).text(), R"(["rYf8=","ta"])");
  EXPECT_EQ(Value::List({"a\xff", "a"}).ToJson(), "[\"a\xEF\xBF\xBD\",\"a\"]");
}

TEST(ValueTest, KeepsTheBytesOfANameThatIsNoUtf8) {
  const Value broken = Value::Object({{"a\xff", 1}, {"a\xfe", 2}, {"a", "b"}});
  EXPECT_EQ(broken.type(), Value::Type::kMarked);
  EXPECT_EQ(broken.text(), R"({"\u0000rYf8=":1,"\u0000rYf4=":2,"a":"tb"})");
  EXPECT_EQ(Value::Object({{"a\xff", "b"}}).ToJson(), "{\"a\xEF\xBF\xBD\":\"b\"}");
  EXPECT_EQ(Value::List({Value::Object({{"a\xff", 1}}), 2}).text(), R"([{"\u0000rYf8=":1},2])");
  EXPECT_EQ(Value::Object({{"a\xEF\xBF\xBD", 1}}).type(), Value::Type::kJson);
}

TEST(ValueTest, TakesNoNameForAMark) {
  const std::string_view name("\0rYf8=", 6);
  EXPECT_EQ(Value::Object({{name, 1}}).text(), R"({"\u0000t\u0000rYf8=":1})");
  EXPECT_EQ(Value::Object({{name, 1}}).ToJson(), R"({"\u0000rYf8=":1})");
}

TEST(ValueTest, IsPlainJsonWhereNothingNeedsAMark) {
  const Value list = Value::List({"QQ==", 1.5, Value::Object({{"a", nullptr}})});
  EXPECT_EQ(list.type(), Value::Type::kJson);
  EXPECT_EQ(list.text(), R"(["QQ==",1.5,{"a":null}])");
}

}  // namespace
}  // namespace trireme
