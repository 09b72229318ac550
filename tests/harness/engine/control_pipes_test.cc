#include "harness/engine/control_pipes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/file.h"

namespace trireme {
namespace {

using ::testing::ElementsAre;

class ControlPipesTest : public ::testing::Test {
 protected:
  ControlPipesTest() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
    gone_ = std::to_string(child);
  }
  std::string Path(const std::string& file) const { return folder_.path() + "/" + file; }
  void Pipe(const std::string& file) const { EXPECT_EQ(::mkfifo(Path(file).c_str(), 0600), 0); }
  std::vector<std::string> Left() const { return ListDirectory(folder_.path()); }

  TemporaryDirectory folder_;
  std::string gone_;  // the number of a process that ended
};

TEST_F(ControlPipesTest, RemovesThoseOfAProcessThatIsGone) {
  Pipe("fiu-" + gone_ + ".in");
  Pipe("fiu-" + gone_ + ".out");
  RemoveControlPipesOfTheDead(Path("fiu"));
  EXPECT_THAT(Left(), ElementsAre());
}

TEST_F(ControlPipesTest, LeavesThoseOfAProcessThatRuns) {
  const std::string pipe = "fiu-" + std::to_string(::getpid()) + ".in";
  Pipe(pipe);
  RemoveControlPipesOfTheDead(Path("fiu"));
  EXPECT_THAT(Left(), ElementsAre(pipe));
}

TEST_F(ControlPipesTest, LeavesWhatIsNoPipeOfThatName) {
  const std::string file = "fiu-" + gone_ + ".in", other = "fiu2-" + gone_ + ".in",
                    longer = "fiu-" + gone_ + ".inn", word = "fiu-x.in";
  EXPECT_TRUE(WriteFile(Path(file), "text").ok());
  for (const std::string& pipe : {other, longer, word}) Pipe(pipe);
  RemoveControlPipesOfTheDead(Path("fiu"));
  EXPECT_EQ(Left().size(), 4u);
}

}  // namespace
}  // namespace trireme
