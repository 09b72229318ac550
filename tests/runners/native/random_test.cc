#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "trireme/runtime.h"

namespace trireme {
namespace {

// One line of the file: what is drawn, in the file's words, against the value there.
void ExpectDraw(Random& random, const std::string& call, std::istringstream& words) {
  std::string argument, value;
  if (call != "next" && call != "real") words >> argument;
  words >> value;
  if (call == "next") {
    EXPECT_EQ(std::to_string(random.Next()), value);
  } else if (call == "real") {
    EXPECT_EQ(random.Real(), std::strtod(value.c_str(), nullptr));
  } else if (call == "below") {
    EXPECT_EQ(std::to_string(random.Below(std::strtoull(argument.c_str(), nullptr, 10))), value);
  } else if (call == "choice") {
    EXPECT_EQ(std::string(1, random.Choice(argument)), value);
  } else {
    ASSERT_EQ(call, "shuffle");
    random.Shuffle(argument);
    EXPECT_EQ(argument, value);
  }
}

TEST(RandomTest, DrawsTheNumbersOfEveryLanguage) {
  std::ifstream file(TRIREME_RANDOM_VALUES);
  std::optional<Random> random;
  int drawn = 0;
  for (std::string line; std::getline(file, line);) {
    SCOPED_TRACE(line);
    std::istringstream words(line);
    std::string call;
    words >> call;
    if (call == "task") {
      std::string inputs, path;
      words >> inputs >> path;
      random.emplace(std::strtoull(inputs.c_str(), nullptr, 0), path);
    } else if (call != "#") {
      ASSERT_TRUE(random.has_value());
      ExpectDraw(*random, call, words);
      ++drawn;
    }
  }
  EXPECT_GT(drawn, 20);
}

}  // namespace
}  // namespace trireme
