// What workloads do that the runtimes cannot prevent: it has to look like what it is.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coroutine>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "tests/runners/native/contract.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

// More threads than there is room for; the tasks that were started are cancelled on the way out.
Task<> SpawnsTooMany(Runtime& rt) {
  const rlimit room = {.rlim_cur = rlim_t{1} << 30, .rlim_max = RLIM_INFINITY};
  ::setrlimit(RLIMIT_AS, &room);
  Event event = rt.Event();
  std::vector<TaskHandle<>> tasks;
  for (int i = 0; i < 10'000; ++i)
    tasks.push_back(rt.Spawn([event]() mutable -> Task<> { co_await event.Wait(); }));
  co_await rt.Gather(tasks);
}

TEST(MisuseTest, SpawningTooManyThreadsIsAnExceptionOfMain) {
  if (kAddressSanitizer || kThreadSanitizer)
    GTEST_SKIP() << "a sanitizer needs more addresses than the test leaves";
  const auto check = [](const Recording& recording) {
    EXPECT_EQ(recording.One(TRIREME_END, "raised").json()["error"], "std::system_error");
    EXPECT_EQ(recording.Of(TRIREME_TASK_END).size(), recording.Of(TRIREME_TASK_START).size());
    EXPECT_TRUE(recording.Of(TRIREME_CENSUS, "tasks").empty());
  };
  EXPECT_EQ(RunInChild({.name = "", .main = SpawnsTooMany, .check = check}, "thread"), 0);
}

Task<> Exits(Runtime& rt) {
  Event event = rt.Event();
  TaskHandle<> task = rt.Spawn([event]() mutable -> Task<> { co_await event.Wait(); });
  co_await rt.Settle();
  std::exit(3);
}

TEST(MisuseTest, ExitingEndsTheProcessOnEveryRuntime) {
  if (kAddressSanitizer) GTEST_SKIP() << "an early exit leaves what LeakSanitizer then looks for";
  for (const std::string& runtime : CppRuntimes()) {
    const int status = RunInChild({.name = "", .main = Exits, .check = nullptr}, runtime);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3) << runtime << ": " << status;
  }
}

// Two that main left: one ends with an exception, one never does.
Task<> LeavesTasks(Runtime& rt) {
  rt.Spawn([] { throw std::runtime_error("nobody asks"); }).Detach();
  rt.Spawn([&rt]() -> Task<> { co_await rt.Event().Wait(); }).Detach();
  co_await rt.Checkpoint();
}

// What is left may end the process at any moment: END must not say before that all was told.
TEST(MisuseTest, TheEndIsRecordedAfterWhatMainLeftBehind) {
  const auto check = [](const Recording& recording) {
    recording.One(TRIREME_CENSUS, "tasks");
    recording.One(TRIREME_EXCEPTION, "task");
    EXPECT_EQ(recording.Last().kind, TRIREME_END);
  };
  for (const std::string& runtime : CppRuntimes())
    EXPECT_EQ(RunInChild({.name = "", .main = LeavesTasks, .check = check}, runtime), 0) << runtime;
}

// As a coroutine that its compiler got wrong does: it suspends, and no call of the API resumes it.
Task<> GoesAway(Runtime& rt) {
  TaskHandle<> lost = rt.Spawn("lost", []() -> Task<> { co_await std::suspend_always(); });
  TaskHandle<> late = rt.Spawn(
      "late",
      [](Runtime& inner) -> Task<> {
        co_await inner.Checkpoint();
        co_await std::suspend_always();
      },
      rt);
  EXPECT_TRUE(co_await Raises<std::logic_error>([&] { return lost.Join(); }));
  co_await late.Join();
}

TEST(MisuseTest, ATaskThatNothingWillResumeEndsWithAnExceptionThatSaysSo) {
  const auto check = [](const Recording& recording) {
    const std::string message = recording.One(TRIREME_END, "raised").json()["message"];
    EXPECT_THAT(message, testing::HasSubstr("coroutine of late"));
    EXPECT_EQ(recording.Of(TRIREME_TASK_END, "raised").size(), 3U);
  };
  for (const std::string& runtime : CppRuntimes())
    EXPECT_EQ(RunInChild({.name = "", .main = GoesAway, .check = check}, runtime), 0) << runtime;
}

// Whether a call that is awaited takes what is handed to it as an F.
template <typename F>
constexpr bool Takes(F&&) {
  return internal::kSurvivesAwait<F>;
}

TEST(MisuseTest, GxxBefore13RefusesALambdaInAnAwaitedCallWhoseCapturesItWouldDestroyTwice) {
  const std::string text = "text";
  const auto named = [text] { return text.size(); };
  EXPECT_TRUE(Takes(named));
  EXPECT_TRUE(Takes([&] { return text.size(); }));
  EXPECT_TRUE(Takes([count = text.size()] { return count; }));
  EXPECT_TRUE(Takes(std::string("no lambda")));
  EXPECT_TRUE(Takes([only = std::make_unique<int>(1)] { return *only; }));
#if defined(__clang__) || __GNUC__ >= 13
  EXPECT_TRUE(Takes([text] { return text.size(); }));
#else
  EXPECT_FALSE(Takes([text] { return text.size(); }));
#endif
}

Task<> LeavesNoDescriptorToLookWith(Runtime& rt) {
  co_await rt.Checkpoint();
  const rlimit none = {.rlim_cur = 0, .rlim_max = 0};
  ::setrlimit(RLIMIT_NOFILE, &none);
}

TEST(MisuseTest, TheCensusTellsWhatItCouldNotSee) {
  if (kAddressSanitizer) GTEST_SKIP() << "UBSan's check of objects needs a descriptor";
  const auto check = [](const Recording& recording) {
    const Json unseen = recording.One(TRIREME_CENSUS, "unseen").json();
    EXPECT_EQ(unseen, Json({{{"name", "threads"}, {"reason", "Too many open files"}},
                            {{"name", "descriptors"}, {"reason", "Too many open files"}}}));
    recording.One(TRIREME_END, "returned");
  };
  for (const std::string& runtime : CppRuntimes())
    EXPECT_EQ(
        RunInChild({.name = "", .main = LeavesNoDescriptorToLookWith, .check = check}, runtime), 0)
        << runtime;
}

// The status of a child that returned from main as its parent does.
Task<> Forks(Runtime& rt) {
  const pid_t child = ::fork();
  if (child == 0) co_return;
  int status = -1;
  ::waitpid(child, &status, 0);
  rt.Observe("status", status);
}

TEST(MisuseTest, TheChildOfAForkEndsNoTrial) {
  const auto check = [](const Recording& recording) {
    EXPECT_EQ(recording.One(TRIREME_OBSERVE, "status").value, "0");
  };
  for (const std::string& runtime : CppRuntimes())
    EXPECT_EQ(RunInChild({.name = "", .main = Forks, .check = check}, runtime), 0) << runtime;
}

// The task that is cancelled on the way out throws something, too.
Task<> ThrowsBesideATask(Runtime& rt) {
  Event event = rt.Event();
  const Operation op = rt.Op("left open");
  TaskHandle<> task = rt.Spawn([event]() mutable -> Task<> { co_await event.Wait(); });
  co_await rt.Settle();
  throw std::runtime_error("of main");
}

TEST(MisuseTest, AnOperationIsLeftOpenByTheExceptionOfItsOwnTask) {
  const auto check = [](const Recording& recording) {
    EXPECT_EQ(recording.One(TRIREME_INFO).json()["message"], "of main");
    EXPECT_FALSE(recording.One(TRIREME_END, "raised").json()["stack"].empty());
  };
  for (const std::string& runtime : CppRuntimes())
    EXPECT_EQ(RunInChild({.name = "", .main = ThrowsBesideATask, .check = check}, runtime), 0)
        << runtime;
}

Task<> Terminates(Runtime&) { std::terminate(); }

TEST(MisuseTest, TerminatingAborts) {
  for (const std::string& runtime : CppRuntimes()) {
    const int status = RunInChild({.name = "", .main = Terminates, .check = nullptr}, runtime);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << runtime << ": " << status;
  }
}

}  // namespace
}  // namespace trireme
