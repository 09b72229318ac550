#include "harness/scan/python_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/base/file.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FindPythonFilesTest : public ::testing::Test {
 protected:
  void Write(const std::string& name) {
    ASSERT_TRUE(MakeDirectories(DirName(At(name))).ok());
    ASSERT_TRUE(WriteFile(At(name), "x = 1\n").ok());
  }
  std::string At(const std::string& name) const { return JoinPath(folder_.path(), name); }
  PythonFiles Find(const std::vector<std::string>& names) const {
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(At(name));
    const Result<PythonFiles> found = FindPythonFiles(paths);
    EXPECT_TRUE(found.ok());
    return found.ok() ? *found : PythonFiles{};
  }

 private:
  TemporaryDirectory folder_;
};

TEST_F(FindPythonFilesTest, FindsSourcesBelowFoldersInOrder) {
  Write("b.py");
  Write("a/c.py");
  Write("a/text.txt");
  EXPECT_THAT(Find({""}).files, ElementsAre(At("a/c.py"), At("b.py")));
}

TEST_F(FindPythonFilesTest, TakesAFileOfAnyNameThatIsNamed) {
  Write("tool");
  EXPECT_THAT(Find({"tool"}).files, ElementsAre(At("tool")));
}

TEST_F(FindPythonFilesTest, SkipsWhatIsNobodysSource) {
  for (const char* name : {".git/a.py", "__pycache__/a.py", "node_modules/a.py", "build/a.py",
                           "env/pyvenv.cfg", "env/lib/a.py"})
    Write(name);
  const PythonFiles found = Find({""});
  EXPECT_THAT(found.files, IsEmpty());
  EXPECT_THAT(found.skipped, ElementsAre(At("build"), At("env"), At("node_modules")));
}

TEST_F(FindPythonFilesTest, TakesAPackageThatIsNamedBuild) {
  Write("build/__init__.py");
  EXPECT_THAT(Find({""}).files, ElementsAre(At("build/__init__.py")));
}

TEST_F(FindPythonFilesTest, SkipsNothingThatIsNamed) {
  Write("build/a.py");
  EXPECT_THAT(Find({"build"}).files, ElementsAre(At("build/a.py")));
}

TEST_F(FindPythonFilesTest, TakesEachFileOnceAndEndsWhereLinksLeadBack) {
  Write("a/b.py");
  ASSERT_EQ(::symlink("..", At("a/loop").c_str()), 0);
  ASSERT_EQ(::symlink("b.py", At("a/c.py").c_str()), 0);
  const PythonFiles found = Find({"", "a", "a/b.py"});
  EXPECT_THAT(found.files, ElementsAre(At("a/b.py")));
  EXPECT_THAT(found.skipped, ElementsAre(At("a/loop")));
}

TEST_F(FindPythonFilesTest, TakesALinkThatLeadsNowhereSoThatItIsTold) {
  ASSERT_EQ(::symlink("nowhere", At("a.py").c_str()), 0);
  ASSERT_EQ(::symlink("nowhere", At(".#b.py").c_str()), 0);
  EXPECT_THAT(Find({""}).files, ElementsAre(At("a.py")));
}

// Root may read everything, but not without a descriptor.
TEST_F(FindPythonFilesTest, TellsOfAFolderThatCannotBeRead) {
  if (kAddressSanitizer) GTEST_SKIP() << "UBSan needs a descriptor of its own";
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const PythonFiles found = Find({"."});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_EQ(found.unreadable.size(), 1U);
  EXPECT_EQ(found.unreadable[0].reason, "cannot read " + At(".") + ": Too many open files");
}

TEST_F(FindPythonFilesTest, RefusesAPathThatDoesNotExist) {
  const Result<PythonFiles> found = FindPythonFiles({At("nope")});
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().message, "there is no file or folder '" + At("nope") + "'");
}

}  // namespace
}  // namespace trireme
