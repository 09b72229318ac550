#include "harness/cli/interpreters.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/cli/python_packages.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

// Places in a folder of their own, filled with programs that answer as a Python would.
class InterpretersTest : public testing::Test {
 protected:
  void Program(const std::string& path, const std::string& script) {
    const std::string whole = Path(path);
    ASSERT_TRUE(MakeDirectories(DirName(whole)).ok());
    ASSERT_TRUE(WriteFile(whole, "#!/bin/sh\n" + script + "\n").ok());
    ASSERT_EQ(::chmod(whole.c_str(), 0755), 0);
  }

  // A CPython; its prefix is the folder above bin/.
  void Python(const std::string& path, const std::string& version, const std::string& gil = "gil") {
    Program(path,
            "echo trireme " + version + " cpython " + gil + " " + DirName(DirName(Path(path))));
  }

  void Environment(const std::string& name, const std::string& version,
                   const std::string& gil = "gil") {
    Python("venvs/" + name + "/bin/python", version, gil);
    ASSERT_TRUE(WriteFile(Path("venvs/" + name + "/trireme.json"), "{}").ok());
  }

  void LateEnvironment(const std::string& name) {
    Program("venvs/" + name + "/bin/python", "exec sleep 60");
    ASSERT_TRUE(WriteFile(Path("venvs/" + name + "/trireme.json"), "{}").ok());
  }

  std::string Path(const std::string& path) const { return JoinPath(folder_.path(), path); }

  InterpreterPlaces Places() const {
    return {.setup = Path("venvs"), .pyenv = Path("pyenv"), .path = {Path("usr/bin")}};
  }

  InterpreterPlaces Impatient() const {
    InterpreterPlaces places = Places();
    places.timeout = 500 * kNanosecondsPerMillisecond;
    return places;
  }

  // "3.11 3.11.7 pyenv" for each, the choice of `names`.
  std::vector<std::string> Chosen(const InterpreterPlaces& places,
                                  const std::vector<std::string>& names = {}) const {
    return Describe(ChooseInterpreters(places, names));
  }

  static std::vector<std::string> Describe(const Result<std::vector<Interpreter>>& chosen) {
    if (!chosen.ok()) return {chosen.error().message};
    std::vector<std::string> lines;
    for (const Interpreter& one : *chosen)
      lines.push_back(one.name + " " + one.version + (one.gil ? " " : "t ") + one.origin);
    return lines;
  }

  TemporaryDirectory folder_;
};

using Lines = std::vector<std::string>;

TEST_F(InterpretersTest, PrefersEachPlaceInItsTurn) {
  Python("usr/bin/python3.11", "3.11.9");
  EXPECT_EQ(Chosen(Places(), {"3.11"}), Lines{"3.11 3.11.9 PATH"});
  Python("pyenv/versions/3.11.7/bin/python", "3.11.7");
  EXPECT_EQ(Chosen(Places(), {"3.11"}), Lines{"3.11 3.11.7 pyenv"});
  Environment("3.11", "3.11.6");
  EXPECT_EQ(Chosen(Places(), {"3.11"}), Lines{"3.11 3.11.6 setup"});
  Python("active/bin/python", "3.11.5");
  InterpreterPlaces places = Places();
  places.virtual_environment = Path("active");
  EXPECT_EQ(Chosen(places, {"3.11"}), Lines{"3.11 3.11.5 active"});
  Python("own/bin/python", "3.11.4");
  places.given = {"3.11=" + Path("own/bin/python")};
  EXPECT_EQ(Chosen(places, {"3.11"}), Lines{"3.11 3.11.4 --python"});
}

TEST_F(InterpretersTest, TakesTheNewestPatchAndTheOneAskedFor) {
  Python("pyenv/versions/3.13.0/bin/python", "3.13.0");
  Python("pyenv/versions/3.13.5/bin/python", "3.13.5");
  EXPECT_EQ(Chosen(Places(), {"3.13"}), Lines{"3.13 3.13.5 pyenv"});
  EXPECT_EQ(Chosen(Places(), {"3.13.0"}), Lines{"3.13.0 3.13.0 pyenv"});
}

TEST_F(InterpretersTest, TellsFreeThreadedBuildsApart) {
  Python("pyenv/versions/3.13.5t/bin/python", "3.13.5", "t");
  Python("pyenv/versions/3.13.0/bin/python", "3.13.0");
  EXPECT_EQ(Chosen(Places(), {"3.13", "3.13t"}),
            (Lines{"3.13 3.13.0 pyenv", "3.13t 3.13.5t pyenv"}));
}

TEST_F(InterpretersTest, DefaultsToTheNewestOfSetupThatHasAGil) {
  Python("pyenv/versions/3.13.0/bin/python", "3.13.0");
  Environment("3.11", "3.11.7");
  Environment("3.12", "3.12.1");
  Environment("3.13t", "3.13.5", "t");
  EXPECT_EQ(Chosen(Places()), Lines{"3.12 3.12.1 setup"});
}

TEST_F(InterpretersTest, DefaultsToTheActiveEnvironment) {
  Environment("3.12", "3.12.1");
  Python("active/bin/python", "3.10.13");
  InterpreterPlaces places = Places();
  places.virtual_environment = Path("active");
  EXPECT_EQ(Chosen(places), Lines{"3.10 3.10.13 active"});
}

TEST_F(InterpretersTest, DefaultsToAllThatAreGiven) {
  Environment("3.12", "3.12.1");
  Python("own/bin/python", "3.11.4");
  InterpreterPlaces places = Places();
  places.given = {"mine=" + Path("own/bin/python"), "yours=" + Path("own")};
  EXPECT_EQ(Chosen(places), (Lines{"mine 3.11.4 --python", "yours 3.11.4 --python"}));
}

TEST_F(InterpretersTest, TakesOneOfEachNameForAll) {
  Environment("3.11", "3.11.7");
  Environment("3.12", "3.12.1");
  Python("active/bin/python", "3.11.5");
  InterpreterPlaces places = Places();
  places.virtual_environment = Path("active");
  EXPECT_EQ(Describe(AllInterpreters(places)), (Lines{"3.11 3.11.5 active", "3.12 3.12.1 setup"}));
}

TEST_F(InterpretersTest, IgnoresAnEnvironmentWithoutItsStamp) {
  Python("venvs/3.12/bin/python", "3.12.1");
  Python("usr/bin/python3", "3.11.2");
  EXPECT_EQ(Chosen(Places()), Lines{"3.11 3.11.2 PATH"});
}

TEST_F(InterpretersTest, PassesNoneOverThatWasKilled) {
  Program("venvs/3.12/bin/python", "kill -KILL $$");
  ASSERT_TRUE(WriteFile(Path("venvs/3.12/trireme.json"), "{}").ok());
  Python("usr/bin/python3.11", "3.11.9");
  const auto chosen = ChooseInterpreters(Places(), {});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().kind, ErrorKind::kInfrastructure);
  EXPECT_EQ(chosen.error().message, Path("venvs/3.12/bin/python") + " was killed while it started");
}

TEST_F(InterpretersTest, PassesNoneOfSetupOverThatIsLate) {
  LateEnvironment("3.11");
  Python("pyenv/versions/3.11.7/bin/python", "3.11.7");
  const Lines late = {"setup's " + Path("venvs/3.11/bin/python") + " does not answer within 500ms"};
  EXPECT_EQ(Chosen(Impatient(), {"3.11"}), late);
  EXPECT_EQ(Chosen(Impatient(), {"3.11.7"}), late);
  EXPECT_EQ(Chosen(Impatient()), late);
  EXPECT_EQ(Describe(AllInterpreters(Impatient())), late);
  const auto chosen = ChooseInterpreters(Impatient(), {"3.11"});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().kind, ErrorKind::kInfrastructure);
  EXPECT_EQ(chosen.error().hint,
            "the machine may be busy: run again when it is less so; if it never answers, remove " +
                Path("venvs/3.11") +
                " and run 'trireme setup', or choose another with --interpreters");
}

TEST_F(InterpretersTest, TakesWhatIsAskedForBesideOneThatIsLate) {
  LateEnvironment("3.11");
  Environment("3.12", "3.12.1");
  Environment("3.13t", "3.13.5", "t");
  Python("pyenv/versions/3.1.7/bin/python", "3.10.7");
  EXPECT_EQ(Chosen(Impatient(), {"3.12"}), Lines{"3.12 3.12.1 setup"});
  EXPECT_EQ(Chosen(Impatient(), {"3.13t"}), Lines{"3.13t 3.13.5t setup"});
  EXPECT_EQ(Chosen(Impatient(), {"3.10"}), Lines{"3.10 3.10.7 pyenv"});
  EXPECT_EQ(Chosen(Impatient()), Lines{"3.12 3.12.1 setup"}) << "3.11 would not be the default";
  EXPECT_FALSE(AllInterpreters(Impatient()).ok());
}

TEST_F(InterpretersTest, DoesNotDefaultToAnOlderOneThanOneThatIsLate) {
  LateEnvironment("3.13");
  Environment("3.12", "3.12.1");
  EXPECT_EQ(Chosen(Impatient()),
            Lines{"setup's " + Path("venvs/3.13/bin/python") + " does not answer within 500ms"});
}

TEST_F(InterpretersTest, DoesNotWaitForAFreeThreadedDefault) {
  LateEnvironment("3.13t");
  Environment("3.12", "3.12.1");
  EXPECT_EQ(Chosen(Impatient()), Lines{"3.12 3.12.1 setup"});
  EXPECT_EQ(Chosen(Impatient(), {"3.12"}), Lines{"3.12 3.12.1 setup"});
  EXPECT_FALSE(ChooseInterpreters(Impatient(), {"3.13t"}).ok());
}

TEST_F(InterpretersTest, PassesNoActiveEnvironmentOverThatIsLate) {
  Program("active/bin/python", "exec sleep 60");
  Environment("3.11", "3.11.6");
  Environment("3.12", "3.12.1");
  InterpreterPlaces places = Impatient();
  places.virtual_environment = Path("active");
  const Lines late = {"the active environment's " + Path("active/bin/python") +
                      " does not answer within 500ms"};
  EXPECT_EQ(Chosen(places), late);
  EXPECT_EQ(Chosen(places, {"3.12"}), late) << "nothing says that it is not 3.12";
  ASSERT_TRUE(WriteFile(Path("active/pyvenv.cfg"), "home = /usr\nversion = 3.11.6\n").ok());
  EXPECT_EQ(Chosen(places), late);
  EXPECT_EQ(Chosen(places, {"3.11"}), late);
  EXPECT_EQ(Chosen(places, {"3.12"}), Lines{"3.12 3.12.1 setup"});
}

TEST_F(InterpretersTest, FindsNoOtherForAReferenceThatIsLate) {
  LateEnvironment("3.11");
  Environment("3.12", "3.12.1");
  Python("pyenv/versions/3.11.7/bin/python", "3.11.7");
  EXPECT_FALSE(FindInterpreters(Impatient(), {"3.11"}).ok());
  EXPECT_TRUE(FindInterpreters(Impatient(), {"3.12"}).ok());
  const auto listed = FindInterpreters(Impatient());  // as doctor does
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->broken.size(), 1u);
  EXPECT_EQ(listed->broken[0].path, Path("venvs/3.11/bin/python"));
}

TEST_F(InterpretersTest, SaysThatAGivenOneIsLate) {
  Program("own/bin/python", "exec sleep 60");
  InterpreterPlaces places = Impatient();
  places.given = {"mine=" + Path("own/bin/python")};
  const auto chosen = ChooseInterpreters(places, {});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().Render(),
            "error: --python " + Path("own/bin/python") +
                ": does not answer within 500ms\n"
                "hint: the machine may be busy: run again when it is less so\n");
}

TEST_F(InterpretersTest, SaysThatTheMachineMayBeBusyWhenPackagesAreLate) {
  Program("own/bin/python", "exec sleep 60");
  const auto packages =
      ReadPackages({.path = Path("own/bin/python")}, 500 * kNanosecondsPerMillisecond);
  ASSERT_FALSE(packages.ok());
  EXPECT_EQ(packages.error().Render(),
            "error: importing its packages takes more than 500ms: the machine may be busy\n"
            "hint: run again when it is less so\n");
}

TEST_F(InterpretersTest, PassesNoneOverForWantOfDescriptors) {
  if (kAddressSanitizer) GTEST_SKIP() << "UBSan's check of objects needs a descriptor";
  Python("active/bin/python", "3.12.1");
  InterpreterPlaces places = Places();
  places.virtual_environment = Path("active");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = 4, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto chosen = ChooseInterpreters(places, {});
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().kind, ErrorKind::kInfrastructure);
  EXPECT_EQ(chosen.error().message, "cannot make a pipe: Too many open files");
}

TEST_F(InterpretersTest, HasNothingWhereThereIsNoPython) {
  const auto chosen = ChooseInterpreters(Places(), {});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().kind, ErrorKind::kNothing);
}

TEST_F(InterpretersTest, ReportsWhatIsBroken) {
  Program("usr/bin/python3.12", "echo 'no libpython' >&2; exit 127");
  Program("usr/bin/python3.11", "exec sleep 60");
  Program("usr/bin/python3.13", "echo hello");
  Program("usr/bin/python3.10", "echo trireme 3.10.1 pypy gil /x");
  Program("pyenv/versions/3.9.1/bin/python", "echo trireme 3.9.1 cpython gil /y");
  InterpreterPlaces places = Places();
  places.timeout = 500 * kNanosecondsPerMillisecond;
  const auto inventory = FindInterpreters(places);
  ASSERT_TRUE(inventory.ok());
  EXPECT_TRUE(inventory->usable.empty());
  std::vector<std::string> problems;
  for (const BrokenInterpreter& broken : inventory->broken)
    problems.push_back(BaseName(broken.path) + " " + broken.problem);
  std::sort(problems.begin(), problems.end());
  EXPECT_EQ(problems, (Lines{"python is Python 3.9.1: 3.10 is the oldest that works",
                             "python3.10 is pypy 3.10.1: the recorder needs CPython",
                             "python3.11 does not answer within 500ms",
                             "python3.12 ends with status 127: no libpython",
                             "python3.13 is no Python: it prints 'hello'"}));
}

TEST_F(InterpretersTest, SaysHowToGetOneThatIsAbsent) {
  Python("usr/bin/python3", "3.11.2");
  const auto chosen = ChooseInterpreters(Places(), {"3.12"});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().Render(),
            "error: no interpreter '3.12' here; found: 3.11\n"
            "hint: install it ('pyenv install 3.12'), then run 'trireme setup', or give it as "
            "--python 3.12=PATH\n");
  EXPECT_EQ(chosen.error().kind, ErrorKind::kInfrastructure);
}

TEST_F(InterpretersTest, SaysThatTheOneAskedForIsTooOld) {
  Python("usr/bin/python3", "3.11.2");
  const auto chosen = ChooseInterpreters(Places(), {"3.9"});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().Render(),
            "error: Python 3.9 is too old for the runtimes; found: 3.11\n"
            "hint: choose 3.10 or newer\n");
}

TEST_F(InterpretersTest, SaysThatTheOneAskedForIsBroken) {
  Program("usr/bin/python3.12", "exit 1");
  const auto chosen = ChooseInterpreters(Places(), {"3.12"});
  ASSERT_FALSE(chosen.ok());
  EXPECT_NE(chosen.error().hint.find("python3.12 ends with status 1; "), std::string::npos)
      << chosen.error().hint;
}

TEST_F(InterpretersTest, RejectsAGivenOneThatDoesNotRun) {
  InterpreterPlaces places = Places();
  places.given = {"mine=/nowhere/python"};
  const auto chosen = ChooseInterpreters(places, {});
  ASSERT_FALSE(chosen.ok());
  EXPECT_EQ(chosen.error().Render(),
            "error: --python /nowhere/python: no such file\n"
            "hint: give the path of a CPython 3.10 or newer, or of an environment made with one\n");
}

TEST_F(InterpretersTest, RejectsMalformedOptions) {
  for (const std::string given : {"mine", "=/x", "mine=", "a/b=/x", "a,b=/x"}) {
    InterpreterPlaces places = Places();
    places.given = {given};
    const auto chosen = ChooseInterpreters(places, {});
    ASSERT_FALSE(chosen.ok()) << given;
    EXPECT_EQ(chosen.error().kind, ErrorKind::kUsage) << given;
  }
}

TEST_F(InterpretersTest, NeedsAny) {
  EXPECT_EQ(Chosen(Places()), Lines{"no Python 3.10 or newer was found"});
}

TEST(ParsePythonVersionTest, TakesTwoOrThreeNumbers) {
  EXPECT_EQ(ParsePythonVersion("3.13"), (PythonVersion{3, 13, 0}));
  EXPECT_EQ(ParsePythonVersion("3.13.5"), (PythonVersion{3, 13, 5}));
  for (const char* text : {"", "3", "3.", "3.x", "3.13.5.1", "3.-1", "3.13t", "3.99999"})
    EXPECT_FALSE(ParsePythonVersion(text).has_value()) << text;
}

}  // namespace
}  // namespace trireme
