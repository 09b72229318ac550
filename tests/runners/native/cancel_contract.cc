#include <atomic>
#include <memory>
#include <thread>

#include "tests/runners/native/contract.h"

namespace trireme {
namespace {

struct Owner {
  explicit Owner(const Listener& held) : listener(held) {}
  ~Owner() { listener.Close(); }
  Listener listener;
};

Task<> Hold(Runtime& rt, std::shared_ptr<Owner>) { co_await rt.Sleep(60); }

// A thread may have begun before anybody can cancel it: then it stops at its first call of the API.
CONTRACT(cancel_before_start) {
  std::atomic<bool> ran = false;
  TaskHandle<> task = rt.SpawnAfter(0.05, [&ran] { ran = true; });
  task.Cancel();
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return task.Join(); }));
  EXPECT_FALSE(ran);
}

CONTRACT(cancel_in_recv) {
  auto [mine, theirs] = co_await rt.Socketpair();
  TaskHandle<> waiter =
      rt.Spawn("waiter", [stream = theirs]() mutable -> Task<> { co_await stream.Recv(1); });
  co_await ExpectCancels(rt, waiter);
  co_await mine.SendAll("x");
  EXPECT_EQ(co_await theirs.Recv(1), "x");
}

CONTRACT(cancel_in_accept) {
  Listener listener = co_await rt.Listen();
  TaskHandle<> waiter =
      rt.Spawn("waiter", [listener]() mutable -> Task<> { co_await listener.Accept(); });
  co_await ExpectCancels(rt, waiter);
}

// Whoever tells tasks to stop may be the last to hold one: `stubborn` keeps the runtime telling it while the owners go.
CONTRACT(cancel_closes_what_the_task_held) {
  Event done = rt.Event();
  TaskHandle<> stubborn = rt.Spawn("stubborn", [&rt, done]() mutable -> Task<> {
    EXPECT_TRUE(co_await Raises<Cancelled>([&] { return rt.Sleep(60); }));
    co_await done.Wait();
  });
  co_await rt.Settle();
  stubborn.Cancel();
  for (int i = 0; i < 20; ++i) {
    Listener listener = co_await rt.Listen();
    TaskHandle<> waiter =
        rt.Spawn("waiter", [listener]() mutable -> Task<> { co_await listener.Accept(); });
    TaskHandle<> owner = rt.Spawn("owner", Hold, rt, std::make_shared<Owner>(listener));
    co_await rt.Checkpoint();
    owner.Cancel();
    EXPECT_TRUE(co_await Raises<Cancelled>([&] { return owner.Join(); }));
    owner = {};
    EXPECT_TRUE(co_await Raises<IoError>([&] { return waiter.Join(); }));
  }
  done.Set();
  co_await stubborn.Join();
}

CONTRACT(cancel_in_send) {
  auto [mine, theirs] = co_await rt.Socketpair();
  TaskHandle<> waiter = rt.Spawn("waiter", [stream = mine]() mutable -> Task<> {
    const std::string data(8 << 20, 'x');
    co_await stream.SendAll(data);
  });
  co_await ExpectCancels(rt, waiter);
}

CONTRACT(cancel_in_lock) {
  Lock lock = rt.Lock();
  co_await lock.Acquire();
  TaskHandle<> waiter = rt.Spawn("waiter", [lock]() mutable -> Task<> { co_await lock.Acquire(); });
  co_await ExpectCancels(rt, waiter);
  lock.Release();
  co_await lock.Acquire();
  lock.Release();
}

CONTRACT(cancel_before_release) {
  Lock lock = rt.Lock();
  co_await lock.Acquire();
  const auto acquire = [lock]() mutable -> Task<> { co_await lock.Acquire(); };
  std::vector<TaskHandle<>> stopped;
  for (int i = 0; i < 3; ++i) stopped.push_back(rt.Spawn("stopped", acquire));
  co_await rt.Settle();
  TaskHandle<> other = rt.Spawn("other", acquire);
  co_await rt.Settle();
  for (TaskHandle<>& task : stopped) task.Cancel();
  lock.Release();
  co_await other.Join();
  for (TaskHandle<>& task : stopped)
    EXPECT_TRUE(co_await Raises<Cancelled>([&] { return task.Join(); }));
}

CONTRACT(cancel_in_semaphore) {
  Semaphore semaphore = rt.Semaphore(0);
  TaskHandle<> waiter =
      rt.Spawn("waiter", [semaphore]() mutable -> Task<> { co_await semaphore.Acquire(); });
  co_await ExpectCancels(rt, waiter);
  semaphore.Release();
  co_await semaphore.Acquire();
}

CONTRACT(cancel_in_condition) {
  Condition condition = rt.Condition();
  std::atomic<bool> held = false;
  TaskHandle<> waiter = rt.Spawn("waiter", [&held, condition]() mutable -> Task<> {
    co_await condition.Acquire();
    try {
      co_await condition.Wait();
    } catch (const Cancelled&) {
      condition.Release();  // throws when it is not held
      held = true;
      throw;
    }
  });
  co_await ExpectCancels(rt, waiter);
  EXPECT_TRUE(held);
}

CONTRACT(cancel_in_event) {
  Event event = rt.Event();
  TaskHandle<> waiter = rt.Spawn("waiter", [event]() mutable -> Task<> { co_await event.Wait(); });
  co_await ExpectCancels(rt, waiter);
}

CONTRACT(cancel_in_queue_get) {
  Queue<int> queue = rt.Queue<int>();
  TaskHandle<> waiter = rt.Spawn("waiter", [queue]() mutable -> Task<> { co_await queue.Get(); });
  co_await ExpectCancels(rt, waiter);
  co_await queue.Put(3);
  EXPECT_EQ(co_await queue.Get(), 3);
}

CONTRACT(cancel_in_queue_put) {
  Queue<int> queue = rt.Queue<int>(1);
  co_await queue.Put(1);
  TaskHandle<> waiter = rt.Spawn("waiter", [queue]() mutable -> Task<> { co_await queue.Put(2); });
  co_await ExpectCancels(rt, waiter);
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(co_await queue.Get(), 1);
}

CONTRACT(cancel_in_sleep) {
  TaskHandle<> waiter = rt.Spawn("waiter", [&rt]() -> Task<> { co_await rt.Sleep(50); });
  co_await ExpectCancels(rt, waiter);
}

CONTRACT(cancel_in_join) {
  Event event = rt.Event();
  TaskHandle<> waits = rt.Spawn([event]() mutable -> Task<> { co_await event.Wait(); });
  TaskHandle<> waiter = rt.Spawn("waiter", [&waits]() -> Task<> { co_await waits.Join(); });
  co_await ExpectCancels(rt, waiter);
  EXPECT_FALSE(waits.Done());
  event.Set();
  co_await waits.Join();
}

CONTRACT(cancel_in_offload) {
  std::atomic<bool> go_on = true;
  std::atomic<bool> ended = false;
  TaskHandle<> task = rt.Spawn([&]() -> Task<> {
    co_await rt.Offload([&] {
      while (go_on) std::this_thread::yield();
      ended = true;
    });
  });
  co_await rt.Sleep(0.02);
  task.Cancel();
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return task.Join(); }));
  go_on = false;
  while (!ended) co_await rt.Sleep(0.001);
}

CONTRACT(cancel_in_http_request) {
  Event never = rt.Event();
  Server server = co_await rt.HttpServer([&never](Request) -> Task<Response> {
    co_await never.Wait();
    co_return Response{};
  });
  TaskHandle<> waiter =
      rt.Spawn("waiter", [&]() -> Task<> { co_await rt.HttpRequest("GET", server.url() + "/"); });
  co_await ExpectCancels(rt, waiter);
  server.Close();
}

CONTRACT(cancel_at_next_call) {
  std::atomic<bool> computing = false;
  std::atomic<bool> told = false;
  std::atomic<bool> after = false;
  TaskHandle<> task = rt.Spawn([&]() -> Task<> {
    computing = true;
    if (rt.model() == "native")
      while (!told) std::this_thread::yield();
    else
      co_await rt.Checkpoint();
    co_await rt.Checkpoint();
    after = true;
  });
  while (!computing) co_await rt.Checkpoint();
  task.Cancel();
  told = true;
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return task.Join(); }));
  EXPECT_FALSE(after);
}

CONTRACT(cancel_after_end) {
  TaskHandle<int> task = rt.Spawn([] { return 9; });
  EXPECT_EQ(co_await task.Join(), 9);
  task.Cancel();
  EXPECT_EQ(co_await task.Join(), 9);
}

CONTRACT(cancel_runs_finally) {
  std::atomic<bool> cleaned = false;
  TaskHandle<> waiter = rt.Spawn("waiter", [&]() -> Task<> {
    bool stopped = false;
    try {
      co_await rt.Sleep(50);
    } catch (const Cancelled&) {
      stopped = true;
    }
    co_await rt.Sleep(0.005);
    cleaned = true;
    if (stopped) throw Cancelled();
  });
  co_await ExpectCancels(rt, waiter);
  EXPECT_TRUE(cleaned);
}

CONTRACT(cancel_is_one_shot) {
  TaskHandle<int> task = rt.Spawn([&]() -> Task<int> {
    try {
      co_await rt.Sleep(50);
    } catch (const Cancelled&) {
    }
    co_await rt.Sleep(0.005);
    co_return 1;
  });
  co_await rt.Settle();
  task.Cancel();
  EXPECT_EQ(co_await task.Join(), 1);
}

CONTRACT_WITH_RECORDS(join_of_cancelled_raises) {
  TaskHandle<> waiter = rt.Spawn("waiter", [&rt]() -> Task<> { co_await rt.Sleep(50); });
  co_await ExpectCancels(rt, waiter);
}
CONTRACT_RECORDS(join_of_cancelled_raises) {
  EXPECT_TRUE(recording.Of(TRIREME_EXCEPTION).empty());
  EXPECT_EQ(recording.One(TRIREME_TASK_END, "cancelled").task, recording.TaskOf("1.1"));
}

CONTRACT(cancel_self) {
  TaskHandle<> task;
  Event ready = rt.Event();
  std::atomic<bool> after = false;
  task = rt.Spawn([&]() -> Task<> {
    co_await ready.Wait();
    task.Cancel();
    co_await rt.Checkpoint();
    after = true;
  });
  ready.Set();
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return task.Join(); }));
  EXPECT_FALSE(after);
}

CONTRACT(detached_handle_cancels) {
  std::atomic<bool> stopped = false;
  {
    TaskHandle<> task = rt.Spawn([&]() -> Task<> {
      try {
        co_await rt.Sleep(50);
      } catch (const Cancelled&) {
        stopped = true;
        throw;
      }
    });
    co_await rt.Settle();
  }
  EXPECT_TRUE(stopped);
}

}  // namespace
}  // namespace trireme
