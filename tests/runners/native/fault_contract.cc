// What a fault of the plan does to a task. In this suite the plan says, see RecorderProbe():
//   {cancel: "victim*", point: 2}, {timeout: "late*", point: 2}
#include <functional>

#include "tests/runners/native/contract.h"

namespace trireme {
namespace {

using Call = std::function<Task<>()>;

Task<> CallWithLock(Lock lock, Call call) {
  const Guard<Lock> held = co_await lock.Hold();
  co_await call();
}

// The victim is cancelled where it makes the call, its twin is not.
Task<> ExpectCancelledAt(Runtime& rt, const std::string& kind, Call call) {
  SCOPED_TRACE(kind);
  Lock lock = rt.Lock();
  TaskHandle<> victim = rt.Spawn("victim-" + kind, CallWithLock, lock, call);
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return victim.Join(); })) << kind;
  co_await lock.Acquire();
  lock.Release();
  TaskHandle<> twin = rt.Spawn("twin-" + kind, CallWithLock, lock, call);
  co_await twin.Join();
}

CONTRACT(fault_cancels_at_a_wait) {
  TaskHandle<> ended = rt.Spawn([] {});
  const Call sleep = [&] { return rt.Sleep(0.001); };
  const Call checkpoint = [&] { return rt.Checkpoint(); };
  const Call join = [&] { return ended.Join(); };
  const Call offload = [&] { return rt.Offload([] {}); };
  const Call within = [&]() -> Task<> {
    const Call inner = [&] { return rt.Sleep(0.001); };
    co_await rt.Timeout(50, inner);
  };
  co_await ExpectCancelledAt(rt, "sleep", sleep);
  co_await ExpectCancelledAt(rt, "checkpoint", checkpoint);
  co_await ExpectCancelledAt(rt, "join", join);
  co_await ExpectCancelledAt(rt, "offload", offload);
  co_await ExpectCancelledAt(rt, "timeout", within);
}

CONTRACT(fault_cancels_at_a_primitive) {
  Lock lock = rt.Lock();
  Semaphore semaphore = rt.Semaphore(1);
  Event event = rt.Event();
  event.Set();
  Queue<int> queue = rt.Queue<int>(3);
  co_await queue.Put(1);
  Pool pool = rt.Pool(1);
  const Call take = [&]() -> Task<> { const auto held = co_await lock.Hold(); };
  const Call acquire = [&]() -> Task<> { const auto held = co_await semaphore.Hold(); };
  const Call wait = [&] { return event.Wait(); };
  const Call put = [&] { return queue.Put(2); };
  const Call get = [&]() -> Task<> { co_await queue.Get(); };
  const Call submit = [&]() -> Task<> {
    TaskHandle<> placed = co_await pool.Submit([] {});
    co_await placed.Join();
  };
  co_await ExpectCancelledAt(rt, "lock", take);
  co_await ExpectCancelledAt(rt, "semaphore", acquire);
  co_await ExpectCancelledAt(rt, "event", wait);
  co_await ExpectCancelledAt(rt, "queue-put", put);
  EXPECT_EQ(queue.size(), 2U);
  co_await ExpectCancelledAt(rt, "queue-get", get);
  EXPECT_EQ(queue.size(), 1U);
  co_await ExpectCancelledAt(rt, "pool", submit);
  co_await pool.Join();
}

CONTRACT(fault_cancels_at_a_condition) {
  Condition condition = rt.Condition();
  bool notified = false;
  const auto wait = [&]() -> Task<> {
    const Guard<Condition> held = co_await condition.Hold();
    while (!notified) co_await condition.Wait();
  };
  TaskHandle<> victim = rt.Spawn("victim-condition", wait);
  EXPECT_TRUE(co_await Raises<Cancelled>([&] { return victim.Join(); }));
  TaskHandle<> twin = rt.Spawn("twin-condition", wait);
  co_await rt.Settle();
  {
    const Guard<Condition> held = co_await condition.Hold();
    notified = true;
    condition.Notify();
  }
  co_await twin.Join();
}

CONTRACT(fault_cancels_at_a_stream) {
  auto ends = co_await rt.Socketpair();
  Stream mine = ends.first;  // named: Clang 14 captures no structured binding
  Stream theirs = ends.second;
  Listener listener = co_await rt.Listen();
  Listener served = co_await rt.Listen();
  Server server = co_await rt.HttpServer([](Request) { return Response{}; });
  co_await mine.SendAll("xy");
  Stream pending = co_await rt.Connect(served.address());
  const Call recv = [&]() -> Task<> { co_await theirs.Recv(1); };
  const Call send = [&] { return mine.SendAll("z"); };
  const Call accept = [&]() -> Task<> { co_await served.Accept(); };
  const Call connect = [&]() -> Task<> { co_await rt.Connect(listener.address()); };
  const Call http = [&]() -> Task<> { co_await rt.HttpRequest("GET", server.url() + "/"); };
  co_await ExpectCancelledAt(rt, "recv", recv);
  co_await ExpectCancelledAt(rt, "send", send);
  co_await ExpectCancelledAt(rt, "accept", accept);
  co_await ExpectCancelledAt(rt, "connect", connect);
  co_await ExpectCancelledAt(rt, "http", http);
  EXPECT_EQ(co_await theirs.RecvExactly(2), "yz");
  server.Close();
}

CONTRACT(fault_ends_the_time_of_a_block) {
  TaskHandle<> late = rt.Spawn("late", [&rt]() -> Task<> {
    co_await rt.Checkpoint();
    const Call forever = [&rt] { return rt.Sleep(50); };
    EXPECT_TRUE(co_await Raises<TimeoutExpired>([&] { return rt.Timeout(500, forever); }));
    co_await rt.Sleep(0.001);
  });
  co_await late.Join();
}

CONTRACT(fault_ends_time_outside_a_block) {
  TaskHandle<> late = rt.Spawn("late", [&rt]() -> Task<> {
    co_await rt.Checkpoint();
    co_await rt.Sleep(50);
  });
  EXPECT_TRUE(co_await Raises<TimeoutExpired>([&] { return late.Join(); }));
}

CONTRACT(fault_strikes_once) {
  bool caught = false;
  TaskHandle<> victim = rt.Spawn("victim", [&]() -> Task<> {
    co_await rt.Checkpoint();
    try {
      co_await rt.Sleep(50);
    } catch (const Cancelled&) {
      caught = true;
    }
    co_await rt.Sleep(0.001);
  });
  co_await victim.Join();
  EXPECT_TRUE(caught);
}

}  // namespace
}  // namespace trireme
