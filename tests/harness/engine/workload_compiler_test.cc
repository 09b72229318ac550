#include "harness/engine/workload_compiler.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <set>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/engine/compile_folder.h"

namespace trireme {
namespace {

// A header that compiles in no time stands for Trireme's.
class WorkloadCompilerTest : public testing::Test {
 protected:
  WorkloadCompilerTest() {
    ::unsetenv("TRIREME_WORKLOADS");
    EXPECT_TRUE(MakeDirectories(JoinPath(locations_.include, "trireme")).ok());
    EXPECT_TRUE(
        WriteFile(JoinPath(locations_.include, "trireme/workload.h"), "#define ANSWER 42\n").ok());
    EXPECT_TRUE(MakeDirectories(locations_.workloads).ok());
    Write("#include \"trireme/workload.h\"\nint Answer() { return ANSWER; }\n");
  }

  // With what TRIREME_WORKLOAD defines, last, so that no line is another one.
  void Write(const std::string& text) {
    EXPECT_TRUE(
        WriteFile(source_, text + "extern \"C\" int trireme_workload() { return 0; }\n").ok());
  }
  std::string Compiled() {
    const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
    EXPECT_TRUE(compiled.ok()) << compiled.error().Render();
    return compiled.ok() ? compiled->object : "";
  }

  TemporaryDirectory folder_;
  Locations locations_{.workloads = folder_.path() + "/prebuilt",
                       .include = folder_.path() + "/include",
                       .data = folder_.path() + "/data",
                       .cache = folder_.path() + "/cache"};
  std::string source_ = folder_.path() + "/workload.cc";
};

// What a header refuses is the workload's to mend, and so is the place.
TEST_F(WorkloadCompilerTest, SaysWhereTheWorkloadAsksForWhatAHeaderRefuses) {
  EXPECT_TRUE(WriteFile(JoinPath(locations_.include, "trireme/workload.h"),
                        "template <typename T> struct Small {\n"
                        "  static_assert(sizeof(T) < 8, \"too large\");\n"
                        "};\n")
                  .ok());
  Write("#include \"trireme/workload.h\"\nSmall<char> good;\nSmall<long> bad;\n");
  const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
  ASSERT_FALSE(compiled.ok());
  EXPECT_EQ(compiled.error().file, source_);
  EXPECT_EQ(compiled.error().line, 3);
  EXPECT_EQ(compiled.error().source_line, "Small<long> bad;");
  EXPECT_NE(compiled.error().message.find("too large"), std::string::npos);
}

TEST_F(WorkloadCompilerTest, SaysWhereTheWorkloadNamesAFunctionThatCannotBeMain) {
  EXPECT_TRUE(WriteFile(JoinPath(locations_.include, "trireme/workload.h"),
                        "#define TRIREME_MAIN(Main) int (*const trireme_main)() = &Main;\n")
                  .ok());
  Write("#include \"trireme/workload.h\"\nvoid Main() {}\nTRIREME_MAIN(Main)\n");
  const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
  ASSERT_FALSE(compiled.ok());
  EXPECT_EQ(compiled.error().file, source_);
  EXPECT_EQ(compiled.error().line, 3);
  EXPECT_EQ(compiled.error().source_line, "TRIREME_MAIN(Main)");
}

// What g++ 12 says, and where, of a braced list in an awaited call: nothing of the list.
TEST_F(WorkloadCompilerTest, SaysWhatTheArrayIsThatGccSpeaksOf) {
  Write("#error array used as initializer\n");
  const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
  ASSERT_FALSE(compiled.ok());
  EXPECT_EQ(compiled.error().hint,
            "g++ 12 cannot await a call that a braced list is written in: name what is made of it "
            "first, `std::vector<int> items{1, 2};`, or compile with CXX=clang++");
  Write("#error another\n");
  EXPECT_EQ(CompileWorkload(source_, locations_).error().hint, "");
}

int64_t ModifiedAt(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
}

TEST_F(WorkloadCompilerTest, CompilesOnce) {
  const std::string object = Compiled();
  const int64_t then = ModifiedAt(object);
  EXPECT_EQ(Compiled(), object);
  EXPECT_EQ(ModifiedAt(object), then);
}

TEST_F(WorkloadCompilerTest, CompilesAgainWhenTheSourceOrAHeaderChanges) {
  const std::string object = Compiled();
  EXPECT_TRUE(
      WriteFile(JoinPath(locations_.include, "trireme/workload.h"), "#define ANSWER 43\n").ok());
  const std::string with_other_header = Compiled();
  EXPECT_NE(with_other_header, object);
  Write("int Answer() { return 44; }\n");
  EXPECT_NE(Compiled(), with_other_header);
}

// Wherever it is and whatever its name: the compiler says what it read.
TEST_F(WorkloadCompilerTest, CompilesAgainWhenAnyIncludedFileChanges) {
  const std::string searched = JoinPath(folder_.path(), "searched");
  const std::string files[] = {JoinPath(folder_.path(), "with space/deep.inc"),
                               JoinPath(folder_.path(), "beside.h"),
                               JoinPath(searched, "searched.h")};
  for (const std::string& file : files) {
    EXPECT_TRUE(MakeDirectories(DirName(file)).ok());
    EXPECT_TRUE(WriteFile(file, "").ok());
  }
  source_ = JoinPath(folder_.path(), "scenario/workload.cc");
  EXPECT_TRUE(MakeDirectories(DirName(source_)).ok());
  Write("#include \"../with space/deep.inc\"\n#include \"../beside.h\"\n#include \"searched.h\"\n");
  ::setenv("CPATH", searched.c_str(), 1);
  std::set<std::string> objects = {Compiled()};
  EXPECT_EQ(Compiled(), *objects.begin());
  for (const std::string& file : files) {
    EXPECT_TRUE(WriteFile(file, "extern int changed;\n").ok());
    EXPECT_TRUE(objects.insert(Compiled()).second) << file;
  }
  ::unsetenv("CPATH");
}

TEST_F(WorkloadCompilerTest, TakesNothingBuiltBeforeFromOtherHeaders) {
  Write("#include \"own.h\"\n");
  const std::string header = JoinPath(folder_.path(), "own.h");
  EXPECT_TRUE(WriteFile(header, "#define OWN 1\n").ok());
  const std::string prebuilt = JoinPath(
      locations_.workloads,
      Sha256(Sha256(ReadFile(source_).value()) + "\n" + Sha256("#define OWN 1\n")) + ".so");
  EXPECT_TRUE(WriteFile(prebuilt, "").ok());
  EXPECT_EQ(Compiled(), prebuilt);
  EXPECT_TRUE(WriteFile(header, "#define OWN 2\n").ok());
  EXPECT_NE(Compiled(), prebuilt);
}

TEST_F(WorkloadCompilerTest, TakesWhatWasBuiltBefore) {
  const std::string prebuilt =
      JoinPath(locations_.workloads, Sha256(ReadFile(source_).value()) + ".so");
  EXPECT_TRUE(WriteFile(prebuilt, "").ok());
  EXPECT_EQ(Compiled(), prebuilt);
}

TEST_F(WorkloadCompilerTest, PointsAtTheFirstError) {
  Write("int Answer() {\n  return nothing;\n}\n");
  const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
  ASSERT_FALSE(compiled.ok());
  EXPECT_EQ(compiled.error().kind, ErrorKind::kUsage);
  EXPECT_EQ(compiled.error().file, source_);
  EXPECT_EQ(compiled.error().line, 2);
  EXPECT_EQ(compiled.error().column, 10);
  EXPECT_EQ(compiled.error().source_line, "  return nothing;");
}

TEST_F(WorkloadCompilerTest, LeavesNothingOfAFailedCompile) {
  Write("#include \"trireme/workload.h\"\nint Answer() { return nothing; }\n");
  EXPECT_FALSE(CompileWorkload(source_, locations_).ok());
  EXPECT_TRUE(ListDirectory(JoinPath(locations_.cache, "workloads")).empty());
}

TEST_F(WorkloadCompilerTest, RemovesWhatAKilledCompileLeftButNotWhatAnotherIsWriting) {
  const std::string workloads = JoinPath(locations_.cache, "workloads");
  const auto make_with_file = [&workloads] {
    Result<CompileFolder> folder = CompileFolder::Make(workloads);
    EXPECT_TRUE(folder.ok());
    EXPECT_TRUE(WriteFile(JoinPath(folder->path(), "workload.so.d"), "").ok());
    return *std::move(folder);
  };
  ASSERT_TRUE(MakeDirectories(workloads).ok());
  const pid_t killed = ::fork();
  if (killed == 0) {
    const CompileFolder folder = make_with_file();
    ::raise(SIGKILL);
  }
  EXPECT_EQ(::waitpid(killed, nullptr, 0), killed);
  EXPECT_EQ(ListDirectory(workloads).size(), 1U);
  const CompileFolder other = make_with_file();
  EXPECT_EQ(ListDirectory(workloads), std::vector<std::string>{BaseName(other.path())});
  EXPECT_NE(Compiled(), "");
  EXPECT_TRUE(FileExists(JoinPath(other.path(), "workload.so.d")));
  EXPECT_EQ(ListDirectory(workloads).size(), 3U);  // that one, the object and its list
}

// It may be killed, too, and leaves nothing beside its own folder.
TEST_F(WorkloadCompilerTest, LetsTheCompilerWriteInThatFolderOnly) {
  const std::string compiler = JoinPath(folder_.path(), "compiler");
  EXPECT_TRUE(WriteFile(compiler, "#!/bin/sh\necho \"temporary $TMPDIR\"\nexit 1\n").ok());
  EXPECT_EQ(::chmod(compiler.c_str(), 0755), 0);
  ::setenv("CXX", compiler.c_str(), 1);
  const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
  ::unsetenv("CXX");
  ASSERT_FALSE(compiled.ok());
  EXPECT_NE(compiled.error().message.find("temporary " + locations_.cache + "/workloads/compile."),
            std::string::npos)
      << compiled.error().message;
}

TEST_F(WorkloadCompilerTest, RefusesAResultThatMayNotBeDropped) {
  Write("struct [[nodiscard]] Task {};\nTask Sleep();\nvoid Main() { Sleep(); }\n");
  const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
  ASSERT_FALSE(compiled.ok());
  EXPECT_EQ(compiled.error().line, 3);
  EXPECT_NE(compiled.error().message.find("ignoring return"), std::string::npos)
      << compiled.error().message;
}

TEST_F(WorkloadCompilerTest, RefusesAWorkloadWithoutMain) {
  EXPECT_TRUE(WriteFile(source_, "int Main() { return 0; }\n").ok());
  for (int times = 0; times < 2; ++times) {
    const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
    ASSERT_FALSE(compiled.ok());
    EXPECT_EQ(compiled.error().kind, ErrorKind::kUsage);
    EXPECT_EQ(compiled.error().file, source_);
    EXPECT_EQ(compiled.error().message, "the workload has no TRIREME_WORKLOAD(Main)");
    EXPECT_TRUE(ListDirectory(JoinPath(locations_.cache, "workloads")).empty());
  }
}

// Any program stands for the runner: both find printf() in the C library.
TEST_F(WorkloadCompilerTest, NamesWhatIsNowhereDefined) {
  locations_.runner = "/bin/true";
  Write(
      "#include <cstdio>\nint Lost(int);\nextern \"C\" int f();\n"
      "int Main() { return Lost(1) + f() + std::printf(\"\"); }\n");
  for (int times = 0; times < 2; ++times) {
    const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
    ASSERT_FALSE(compiled.ok());
    EXPECT_EQ(compiled.error().kind, ErrorKind::kUsage);
    EXPECT_EQ(compiled.error().file, source_);
    EXPECT_EQ(
        compiled.error().message,
        "the workload does not link: 'Lost(int)', 'f' are declared and used, but nowhere defined");
    EXPECT_TRUE(ListDirectory(JoinPath(locations_.cache, "workloads")).empty());
  }
}

TEST_F(WorkloadCompilerTest, TakesWhatIsDefined) {
  locations_.runner = "/bin/true";
  locations_.cache += "/with a space:and a colon";
  Write(
      "#include <cstdio>\nint Lost(int) { return 1; }\n__attribute__((weak)) int Maybe();\n"
      "int Main() { return Lost(1) + (Maybe ? Maybe() : 0) + std::printf(\"\"); }\n");
  EXPECT_TRUE(FileExists(Compiled()));
}

// A source that reads /dev/zero would take all that the machine has.
TEST_F(WorkloadCompilerTest, GivesTheCompilerSoMuchMemory) {
  const std::string compiler = folder_.path() + "/compiler";
  EXPECT_TRUE(WriteFile(compiler, "#!/bin/sh\nulimit -v >&2\nexit 1\n").ok());
  ASSERT_EQ(::chmod(compiler.c_str(), 0700), 0);
  ::setenv("CXX", compiler.c_str(), 1);
  const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
  ::unsetenv("CXX");
  ASSERT_FALSE(compiled.ok());
  EXPECT_EQ(compiled.error().message, "the workload does not compile: 4194304");
}

TEST_F(WorkloadCompilerTest, IsUnsupportedWithoutACompiler) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder_.path().c_str(), 1);
  const Result<CompiledWorkload> compiled = CompileWorkload(source_, locations_);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(compiled.ok());
  EXPECT_EQ(compiled->object, "");
  EXPECT_EQ(compiled->unsupported, "no C++ compiler to compile workload.cc with");
}

}  // namespace
}  // namespace trireme
