#include "harness/cli/python_options.h"

#include <gtest/gtest.h>

namespace trireme {
namespace {

TEST(PythonOptionsTest, FindsWhatKeepsSitecustomizeOut) {
  EXPECT_EQ(OptionWithoutSite({"python3", "-I", "a.py"}), "-I");
  EXPECT_EQ(OptionWithoutSite({"/usr/bin/python3.13t", "-sEu", "a.py"}), "-E");
  EXPECT_EQ(OptionWithoutSite({"python", "-W", "error", "-X", "dev", "-Sc", "pass"}), "-S");
  EXPECT_EQ(OptionWithoutSite({"python3", "--check-hash-based-pycs", "never", "-I"}), "-I");
}

TEST(PythonOptionsTest, LeavesWhatIsTheProgramsOwn) {
  EXPECT_EQ(OptionWithoutSite({"python3", "a.py", "-I"}), "");
  EXPECT_EQ(OptionWithoutSite({"python3", "-m", "tool", "-S"}), "");
  EXPECT_EQ(OptionWithoutSite({"python3", "-c", "pass", "-E"}), "");
  EXPECT_EQ(OptionWithoutSite({"python3", "-", "-E"}), "");
  EXPECT_EQ(OptionWithoutSite({"python3", "-WI", "-X", "-S", "-u"}), "");
  EXPECT_EQ(OptionWithoutSite({"python3", "-mSE"}), "");
  EXPECT_EQ(OptionWithoutSite({"pythonist", "-I"}), "");
  EXPECT_EQ(OptionWithoutSite({"ls", "-I"}), "");
  EXPECT_EQ(OptionWithoutSite({}), "");
}

}  // namespace
}  // namespace trireme
