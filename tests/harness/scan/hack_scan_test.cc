#include "harness/scan/hack_scan.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "harness/base/file.h"

namespace trireme {
namespace {

// A shell script in the place of the interpreter: $7 is the list of files.
class ScanHacksTest : public ::testing::Test {
 protected:
  Result<HackScan> Scan(const std::string& script, const PythonFiles& files) {
    const std::string interpreter = JoinPath(folder_.path(), "python");
    EXPECT_TRUE(WriteFile(interpreter, "#!/bin/sh\nlist=$7\n" + script).ok());
    EXPECT_EQ(::chmod(interpreter.c_str(), 0700), 0);
    return ScanHacks(interpreter, "/agent", files);
  }
  std::string Interpreter() const { return JoinPath(folder_.path(), "python"); }

 private:
  TemporaryDirectory folder_;
};

TEST_F(ScanHacksTest, GivesFindingsTheirFilesInTheOrderOfPlaces) {
  const Result<HackScan> scan = Scan(
      R"(echo 0; echo 1; echo '{"findings": [)"
      R"({"file": 1, "line": 2, "column": 3, "end_line": 2, "end_column": 9, "kind": "hub-choice", "subject": "s"},)"
      R"({"file": 0, "line": 9, "column": 1, "end_line": 9, "end_column": 2, "kind": "trampoline", "subject": "t"}],)"
      R"("unscanned": []}')",
      {.files = {"a.py", "b.py"}, .skipped = {"build"}});
  ASSERT_TRUE(scan.ok());
  ASSERT_EQ(scan->findings.size(), 2U);
  EXPECT_EQ(scan->findings[0].file, "a.py");
  EXPECT_EQ(scan->findings[0].kind->name, "trampoline");
  EXPECT_EQ(scan->findings[1].column, 3);
  EXPECT_EQ(scan->scanned, 2U);
  EXPECT_EQ(scan->skipped, std::vector<std::string>{"build"});
}

TEST_F(ScanHacksTest, GoesOnWithoutTheFileThatTheInterpreterDiesOf) {
  const Result<HackScan> scan = Scan(
      "grep -q bad \"$list\" && { echo 0; echo 1; echo 'Segmentation fault' >&2; exit 139; }\n"
      R"(echo 0; echo '{"findings": [{"file": 1, "kind": "trampoline"}], "unscanned": []}')",
      {.files = {"a.py", "bad.py", "c.py"}});
  ASSERT_TRUE(scan.ok());
  ASSERT_EQ(scan->unscanned.size(), 1U);
  EXPECT_EQ(scan->unscanned[0].file, "bad.py");
  EXPECT_EQ(scan->unscanned[0].reason, "the interpreter ends with status 139: Segmentation fault");
  ASSERT_EQ(scan->findings.size(), 1U);
  EXPECT_EQ(scan->findings[0].file, "c.py");
  EXPECT_EQ(scan->scanned, 2U);
}

TEST_F(ScanHacksTest, FailsWhenTheInterpreterDoesNotWorkAtAll) {
  const Result<HackScan> scan =
      Scan("echo 'no module named json' >&2; exit 1", {.files = {"a.py"}});
  ASSERT_FALSE(scan.ok());
  EXPECT_EQ(scan.error().kind, ErrorKind::kInfrastructure);
  EXPECT_EQ(scan.error().message,
            Interpreter() + " cannot scan: it ends with status 1: no module named json");
}

TEST_F(ScanHacksTest, FailsWhenTheInterpreterDiesOfEverything) {
  const std::vector<std::string> files(30, "a.py");
  EXPECT_FALSE(Scan("echo 0; exit 139", {.files = files}).ok());
}

TEST_F(ScanHacksTest, CountsFoldersThatCannotBeReadAsNotScanned) {
  const Result<HackScan> scan =
      Scan(R"(echo '{"findings": [], "unscanned": []}')",
           {.files = {"a.py"}, .unreadable = {{.file = "b", .reason = "cannot read b"}}});
  ASSERT_TRUE(scan.ok());
  EXPECT_EQ(scan->scanned, 1U);
  EXPECT_EQ(scan->unscanned.size(), 1U);
}

TEST(FindHackKindTest, KnowsEveryKindByItsName) {
  for (const HackKind& kind : HackKinds()) EXPECT_EQ(FindHackKind(kind.name), &kind);
  EXPECT_EQ(FindHackKind("hub"), nullptr);
}

}  // namespace
}  // namespace trireme
