#include <atomic>

#include "tests/runners/native/contract.h"

namespace trireme {
namespace {

CONTRACT(spawn_returns_result) {
  TaskHandle<int> task = rt.Spawn(
      "adder", [](int a, int b) -> Task<int> { co_return a + b; }, 2, 3);
  EXPECT_EQ(co_await task.Join(), 5);
  EXPECT_EQ(co_await task.Join(), 5);
}

CONTRACT(spawn_takes_plain_function) {
  TaskHandle<std::string> task = rt.Spawn([](std::string text) { return text + "!"; }, "plain");
  EXPECT_EQ(co_await task.Join(), "plain!");
}

CONTRACT(spawn_after_waits) {
  const double begin = rt.Now();
  TaskHandle<double> task = rt.SpawnAfter(
      0.03, [](Runtime& inner) { return inner.Now(); }, rt);
  EXPECT_GE(co_await task.Join() - begin, 0.03);
}

CONTRACT_WITH_RECORDS(join_raises) {
  TaskHandle<> task = rt.Spawn([]() -> Task<> {
    throw std::invalid_argument("bad");
    co_return;
  });
  EXPECT_TRUE(co_await Raises<std::invalid_argument>([&] { return task.Join(); }));
}
CONTRACT_RECORDS(join_raises) {
  EXPECT_TRUE(recording.Of(TRIREME_EXCEPTION).empty());
  EXPECT_EQ(recording.One(TRIREME_JOIN).id, recording.TaskOf("1.1"));
}

CONTRACT(join_of_ended_task) {
  TaskHandle<int> task = rt.Spawn([] { return 4; });
  while (!task.Done()) co_await rt.Checkpoint();
  EXPECT_EQ(co_await task.Join(), 4);
}

CONTRACT(done_tells_the_end) {
  Event event = rt.Event();
  TaskHandle<> waits = rt.Spawn([](Event gate) -> Task<> { co_await gate.Wait(); }, event);
  TaskHandle<> raises = rt.Spawn([] { throw std::runtime_error("raised"); });
  TaskHandle<> cancelled = rt.Spawn([](Event gate) -> Task<> { co_await gate.Wait(); }, rt.Event());
  co_await rt.Settle();
  EXPECT_FALSE(waits.Done());
  EXPECT_TRUE(raises.Done());
  event.Set();
  cancelled.Cancel();
  co_await rt.Settle();
  EXPECT_TRUE(waits.Done());
  EXPECT_TRUE(cancelled.Done());
  EXPECT_TRUE(co_await Raises<std::runtime_error>([&] { return raises.Join(); }));
}

CONTRACT(gather_keeps_argument_order) {
  auto late = [](Runtime& inner, int value, double delay) -> Task<int> {
    co_await inner.Sleep(delay);
    co_return value;
  };
  TaskHandle<int> first = rt.Spawn(late, rt, 1, 0.03);
  TaskHandle<int> second = rt.Spawn(late, rt, 2, 0.0);
  const std::vector<int> results = co_await rt.Gather(first, second);
  EXPECT_THAT(results, testing::ElementsAre(1, 2));
}

CONTRACT(gather_first_exception_after_all) {
  auto fail = [](Runtime& inner, std::string text, double delay) -> Task<int> {
    co_await inner.Sleep(delay);
    throw std::runtime_error(text);
  };
  TaskHandle<int> first = rt.Spawn(fail, rt, "first", 0.03);
  TaskHandle<int> second = rt.Spawn(fail, rt, "second", 0.0);
  std::string what;
  try {
    co_await rt.Gather(first, second);
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  EXPECT_EQ(what, "first");
  EXPECT_TRUE(first.Done() && second.Done());
}

CONTRACT(gather_of_nothing) {
  std::vector<TaskHandle<int>> none;
  EXPECT_TRUE((co_await rt.Gather(none)).empty());
}

CONTRACT(checkpoint_lets_others_run) {
  std::atomic<bool> flag = false;
  TaskHandle<> task = rt.Spawn([&flag] { flag = true; });
  while (!flag) co_await rt.Checkpoint();
  co_await task.Join();
}

CONTRACT(sleep_of_nothing_lets_others_run) {
  std::atomic<bool> flag = false;
  TaskHandle<> task = rt.SpawnAfter(0.02, [&flag] { flag = true; });
  while (!flag) co_await rt.Sleep(0);
  co_await task.Join();
}

CONTRACT(sleep_takes_its_time) {
  const double begin = rt.Now();
  co_await rt.Sleep(0.02);
  EXPECT_GE(rt.Now() - begin, 0.02);
}

CONTRACT(current_task_is_the_running_one) {
  TaskHandle<std::string> task = rt.Spawn(
      "named",
      [](Runtime& inner) -> Task<std::string> {
        co_await inner.Sleep(0.001);
        co_return inner.CurrentTask().path + " " + inner.CurrentTask().name;
      },
      rt);
  EXPECT_EQ(co_await task.Join(), task.path() + " named");
  EXPECT_EQ(task.name(), "named");
  EXPECT_EQ(rt.CurrentTask().path, "1");
}

CONTRACT(local_per_task) {
  rt.Local<int>("count") = 5;
  TaskHandle<int> task = rt.Spawn(
      [](Runtime& inner) -> Task<int> {
        inner.Local<int>("count") += 1;
        co_await inner.Checkpoint();
        co_return inner.Local<int>("count");
      },
      rt);
  EXPECT_EQ(co_await task.Join(), 1);
  EXPECT_EQ(rt.Local<int>("count"), 5);
}

CONTRACT_WITH_RECORDS(task_paths) {
  auto parent = [](Runtime& inner) -> Task<> {
    TaskHandle<> child = inner.Spawn("child", [] {});
    co_await child.Join();
  };
  TaskHandle<> first = rt.Spawn("first", parent, rt);
  TaskHandle<> second = rt.Spawn("second", parent, rt);
  co_await rt.Gather(first, second);
}
CONTRACT_RECORDS(task_paths) {
  EXPECT_EQ(recording.One(TRIREME_TASK_START, "1").value, "main");
  EXPECT_EQ(recording.One(TRIREME_TASK_START, "1.1").value, "first");
  EXPECT_EQ(recording.One(TRIREME_TASK_START, "1.2").value, "second");
  EXPECT_EQ(recording.One(TRIREME_TASK_START, "1.1.1").id, recording.TaskOf("1.1"));
  EXPECT_EQ(recording.One(TRIREME_TASK_START, "1.2.1").id, recording.TaskOf("1.2"));
}

CONTRACT(random_per_task) {
  auto draw = [](Runtime& inner) { return inner.random().Next(); };
  TaskHandle<uint64_t> first = rt.Spawn(draw, rt);
  TaskHandle<uint64_t> second = rt.Spawn(draw, rt);
  const uint64_t a = co_await first.Join();
  const uint64_t b = co_await second.Join();
  EXPECT_NE(a, b);
  // The numbers of inputs 11 and the paths 1.1 and 1.2, whatever the runtime.
  EXPECT_EQ(a, 14291549332591464525U);
  EXPECT_EQ(b, 1822897819273927823U);
}

CONTRACT(settle_with_blocked_reader) {
  auto [mine, theirs] = co_await rt.Socketpair();
  Lock lock = rt.Lock();
  co_await lock.Acquire();
  Queue<int> queue = rt.Queue<int>();
  Event event = rt.Event();
  std::atomic<int> began = 0;
  std::vector<TaskHandle<>> tasks;
  tasks.push_back(rt.Spawn([&, stream = theirs]() mutable -> Task<> {
    ++began;
    co_await stream.Recv(1);
  }));
  tasks.push_back(rt.Spawn([&]() -> Task<> {
    ++began;
    co_await lock.Acquire();
  }));
  tasks.push_back(rt.Spawn([&]() -> Task<> {
    ++began;
    co_await queue.Get();
  }));
  tasks.push_back(rt.Spawn([&]() -> Task<> {
    ++began;
    co_await event.Wait();
  }));
  tasks.push_back(rt.Spawn([&, inner = &rt]() -> Task<> {
    ++began;
    TaskHandle<> sleeper = inner->Spawn([](Event gate) -> Task<> { co_await gate.Wait(); }, event);
    co_await sleeper.Join();
  }));
  co_await rt.Settle();
  EXPECT_EQ(began, 5);
  for (TaskHandle<>& task : tasks) EXPECT_FALSE(task.Done());
  co_await mine.SendAll("x");
  lock.Release();
  co_await queue.Put(1);
  event.Set();
  co_await rt.Gather(tasks);
}

CONTRACT(settle_waits_for_runnable) {
  std::atomic<int> steps = 0;
  TaskHandle<> task = rt.Spawn([&, inner = &rt]() -> Task<> {
    for (int i = 0; i < 50; ++i) {
      co_await inner->Checkpoint();
      ++steps;
    }
  });
  co_await rt.Settle();
  EXPECT_EQ(steps, 50);
  EXPECT_TRUE(task.Done());
  co_await task.Join();
}

CONTRACT(settle_twice) {
  Event event = rt.Event();
  TaskHandle<> task = rt.Spawn([event]() mutable -> Task<> { co_await event.Wait(); });
  co_await rt.Settle();
  co_await rt.Settle();
  EXPECT_FALSE(task.Done());
  event.Set();
  co_await task.Join();
}

CONTRACT_WITH_RECORDS(unjoined_exception_recorded) {
  rt.Spawn("broken", [] { throw std::runtime_error("nobody asks"); }).Detach();
  co_await rt.Settle();
}
CONTRACT_RECORDS(unjoined_exception_recorded) {
  const Recorded exception = recording.One(TRIREME_EXCEPTION);
  EXPECT_EQ(exception.key, "task");
  EXPECT_EQ(exception.task, recording.TaskOf("1.1"));
  EXPECT_EQ(exception.json()["message"], "nobody asks");
}

CONTRACT_WITH_RECORDS(joined_exception_not_recorded) {
  TaskHandle<> task = rt.Spawn([] { throw std::runtime_error("asked for late"); });
  co_await rt.Sleep(0.02);
  EXPECT_TRUE(co_await Raises<std::runtime_error>([&] { return task.Join(); }));
}
CONTRACT_RECORDS(joined_exception_not_recorded) {
  EXPECT_TRUE(recording.Of(TRIREME_EXCEPTION).empty());
}

CONTRACT_WITH_RECORDS(main_exception_is_end_raised) {
  co_await rt.Checkpoint();
  throw IoError(ECONNRESET, "out of main");
}
CONTRACT_RECORDS(main_exception_is_end_raised) {
  const Recorded end = recording.One(TRIREME_END);
  EXPECT_EQ(end.key, "raised");
  EXPECT_EQ(end.json()["error"], "trireme::IoError");
  EXPECT_EQ(end.json()["family"], "reset");
  EXPECT_EQ(end.json()["errno"], ECONNRESET);
  EXPECT_FALSE(end.json()["stack"].empty());
}

}  // namespace
}  // namespace trireme
