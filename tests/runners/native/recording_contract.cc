#include <atomic>
#include <chrono>
#include <thread>

#include "tests/runners/native/contract.h"

namespace trireme {
namespace {

CONTRACT_WITH_RECORDS(op_ok) {
  Operation op = rt.Op("read", 3);
  op.Ok("three");
  co_return;
}
CONTRACT_RECORDS(op_ok) {
  EXPECT_EQ(recording.One(TRIREME_INVOKE, "read").value, "3");
  EXPECT_EQ(recording.One(TRIREME_OK, "read").value, "three");
  EXPECT_EQ(recording.One(TRIREME_OK).id, recording.One(TRIREME_INVOKE).id);
}

CONTRACT_WITH_RECORDS(op_fail) {
  Operation op = rt.Op("write");
  op.Fail("refused");
  co_return;
}
CONTRACT_RECORDS(op_fail) { EXPECT_EQ(recording.One(TRIREME_FAIL, "write").value, "refused"); }

// As the exception that has it is, in every language.
CONTRACT_WITH_RECORDS(op_fail_by_errno) {
  rt.Op("errno").Fail(ECONNRESET);
  rt.Op("count").Fail(70'000);
  rt.Op("resolve").Fail(-2);
  rt.Op("nothing").Fail(0);
  rt.Op("large").Fail(int64_t{ECONNRESET});
  co_return;
}
CONTRACT_RECORDS(op_fail_by_errno) {
  const Json error = recording.One(TRIREME_FAIL, "errno").json();
  EXPECT_EQ(error["error"], "trireme::IoError");
  EXPECT_EQ(error["family"], "reset");
  EXPECT_EQ(error["errno"], ECONNRESET);
  EXPECT_EQ(error["message"], "Connection reset by peer");
  EXPECT_EQ(error["stack"], Json::array());
  EXPECT_EQ(recording.One(TRIREME_FAIL, "count").value, "70000");
  EXPECT_EQ(recording.One(TRIREME_FAIL, "resolve").value, "-2");
  EXPECT_EQ(recording.One(TRIREME_FAIL, "nothing").value, "0");
  EXPECT_EQ(recording.One(TRIREME_FAIL, "large").value, std::to_string(ECONNRESET));
}

CONTRACT_WITH_RECORDS(op_fail_by_exception) {
  try {
    throw IoError(ECONNRESET, "recv");
  } catch (const std::exception& error) {
    rt.Op("handled").Fail(error);
  }
  try {
    throw 7;
  } catch (...) {
    rt.Op("anything").Fail(std::current_exception());
  }
  rt.Op("made").Fail(TimeoutExpired());
  co_return;
}
CONTRACT_RECORDS(op_fail_by_exception) {
  const Json handled = recording.One(TRIREME_FAIL, "handled").json();
  EXPECT_EQ(handled["error"], "trireme::IoError");
  EXPECT_EQ(handled["family"], "reset");
  EXPECT_EQ(handled["errno"], ECONNRESET);
  EXPECT_EQ(handled["message"], IoError(ECONNRESET, "recv").what());
  EXPECT_FALSE(handled["stack"].empty());
  EXPECT_EQ(recording.One(TRIREME_FAIL, "anything").json()["error"], "int");
  const Json made = recording.One(TRIREME_FAIL, "made").json();
  EXPECT_EQ(made["error"], "trireme::TimeoutExpired");
  EXPECT_EQ(made["family"], "timeout");
  EXPECT_TRUE(made["errno"].is_null() && made["stack"].empty());
}

CONTRACT_WITH_RECORDS(op_left_open_is_info) {
  { const Operation op = rt.Op("lost", 1); }
  co_return;
}
CONTRACT_RECORDS(op_left_open_is_info) {
  EXPECT_EQ(recording.One(TRIREME_INFO, "lost").type, TRIREME_NONE);
}

CONTRACT_WITH_RECORDS(op_left_by_exception_is_info) {
  EXPECT_TRUE(co_await Raises<std::runtime_error>([&]() -> Task<> {
    const Operation op = rt.Op("broken");
    co_await rt.Checkpoint();
    throw std::runtime_error("half way");
  }));
}
CONTRACT_RECORDS(op_left_by_exception_is_info) {
  EXPECT_EQ(recording.One(TRIREME_INFO, "broken").json()["message"], "half way");
}

CONTRACT_WITH_RECORDS(op_within_cancelled_task) {
  TaskHandle<> waiter = rt.Spawn("waiter", [&rt]() -> Task<> {
    const Operation op = rt.Op("stopped");
    co_await rt.Sleep(50);
  });
  co_await ExpectCancels(rt, waiter);
}
CONTRACT_RECORDS(op_within_cancelled_task) {
  EXPECT_EQ(recording.One(TRIREME_INFO, "stopped").json()["family"], "cancelled");
}

CONTRACT_WITH_RECORDS(values_of_every_kind) {
  rt.Observe("int", -7);
  rt.Observe("float", 1.5);
  rt.Observe("text", "t\xc3\xa9xt");
  rt.Observe("true", true);
  rt.Observe("none", nullptr);
  rt.Observe("list", std::vector<std::string>{"a", "b"});
  rt.Observe("object", Value::Object({{"n", 1}, {"inner", Value::Object({{"ok", false}})}}));
  rt.Observe("bytes", Value::Bytes(std::string("\0\xff", 2)));
  co_return;
}
CONTRACT_RECORDS(values_of_every_kind) {
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "int").value, "-7");
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "float").value, "1.5");
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "text").value, "t\xc3\xa9xt");
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "true").type, TRIREME_BOOL);
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "none").type, TRIREME_NONE);
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "list").value, R"(["a","b"])");
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "object").value, R"({"n":1,"inner":{"ok":false}})");
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "bytes").value, std::string("\0\xff", 2));
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "bytes").type, TRIREME_BYTES);
}

CONTRACT_WITH_RECORDS(observe_outcome_metric) {
  rt.Observe("answer", 42);
  rt.Outcome("fifo");
  rt.Metric("latency", 0.5, "s");
  co_return;
}
CONTRACT_RECORDS(observe_outcome_metric) {
  EXPECT_EQ(recording.One(TRIREME_OBSERVE, "answer").value, "42");
  EXPECT_EQ(recording.One(TRIREME_OUTCOME).key, "fifo");
  EXPECT_EQ(recording.One(TRIREME_METRIC, "latency").value, R"([0.5,"s"])");
}

CONTRACT_WITH_RECORDS(errors_have_families) {
  auto left = [&rt](const char* name, auto raise) -> Task<> {
    try {
      const Operation op = rt.Op(name);
      raise();
    } catch (...) {
    }
    co_return;
  };
  co_await left("reset", [] { throw IoError(ECONNRESET, ""); });
  co_await left("refused", [] { throw IoError(ECONNREFUSED, ""); });
  co_await left("end-of-stream", [] { throw EndOfStream(); });
  co_await left("broken-pipe", [] { throw IoError(EPIPE, ""); });
  co_await left("timeout", [] { throw TimeoutExpired(); });
  co_await left("cancelled", [] { throw Cancelled(); });
  co_await left("value", [] { throw std::invalid_argument(""); });
  co_await left("other", [] { throw std::runtime_error(""); });
  co_await left("resource", [] { throw IoError(EMFILE, ""); });
  Listener listener = co_await rt.Listen();
  try {
    const Operation op = rt.Op("address-in-use");
    co_await rt.Listen("127.0.0.1", listener.address().port());
  } catch (const IoError&) {
  }
}
CONTRACT_RECORDS(errors_have_families) {
  const std::vector<Recorded> infos = recording.Of(TRIREME_INFO);
  EXPECT_EQ(infos.size(), 10U);
  for (const Recorded& info : infos) EXPECT_EQ(info.json()["family"], info.key);
}

CONTRACT(runtime_and_model) {
  EXPECT_TRUE(rt.runtime() == "thread" || rt.runtime() == "fiber" || rt.runtime() == "coroutine");
  EXPECT_TRUE(rt.model() == "native" || rt.model() == "green" || rt.model() == "async");
  EXPECT_EQ(rt.seed(), 7U);
  co_return;
}

CONTRACT(now_is_what_the_clock_shows) {
  const double now = rt.Now();
  const std::chrono::duration<double> shown = std::chrono::steady_clock::now().time_since_epoch();
  EXPECT_LE(now, shown.count());
  co_return;
}

CONTRACT(now_is_monotonic) {
  double last = rt.Now();
  for (int i = 0; i < 1000; ++i) {
    const double now = rt.Now();
    EXPECT_GE(now, last);
    last = now;
  }
  const double begin = rt.Now();
  co_await rt.Sleep(0.02);
  EXPECT_LT(rt.Now() - begin, 20);
}

CONTRACT_WITH_RECORDS(waits_are_points) {
  auto [mine, theirs] = co_await rt.Socketpair();
  TaskHandle<> reader = rt.Spawn([&rt, stream = theirs]() mutable -> Task<> {
    co_await rt.Checkpoint();
    co_await stream.Recv(10);
  });
  co_await rt.Settle();
  co_await mine.SendAll("abc");
  co_await reader.Join();
}
CONTRACT_RECORDS(waits_are_points) {
  const Recorded wait = recording.One(TRIREME_WAIT, "recv");
  const Recorded wake = recording.One(TRIREME_WAKE, "recv");
  EXPECT_EQ(wait.task, recording.TaskOf("1.1"));
  EXPECT_EQ(wait.id, 2U);
  EXPECT_EQ(wake.id, 2U);
  EXPECT_EQ(wake.value, "3");
}

CONTRACT_WITH_RECORDS(unsupported_is_reported) {
  co_await rt.Checkpoint();
  throw Unsupported("no such thing here");
}
CONTRACT_RECORDS(unsupported_is_reported) {
  EXPECT_EQ(recording.One(TRIREME_END).key, "unsupported");
  EXPECT_EQ(recording.One(TRIREME_END).json()["message"], "no such thing here");
}

CONTRACT_WITH_RECORDS(websocket_not_available) {
  EXPECT_TRUE(co_await Raises<Unsupported>([&] { return rt.WebsocketServer(); }));
  EXPECT_TRUE(co_await Raises<Unsupported>([&] { return rt.WebsocketConnect(); }));
  rt.Workers(2);
}
CONTRACT_RECORDS(websocket_not_available) {
  EXPECT_EQ(recording.One(TRIREME_END).key, "unsupported");
  EXPECT_EQ(recording.One(TRIREME_END).json()["message"], "workers: not available yet");
}

CONTRACT_WITH_RECORDS(task_left_waiting_in_census) {
  rt.Spawn("forgotten", [&rt]() -> Task<> { co_await rt.Event().Wait(); }).Detach();
  co_return;
}
CONTRACT_RECORDS(task_left_waiting_in_census) {
  const Json tasks = recording.One(TRIREME_CENSUS, "tasks").json();
  EXPECT_EQ(tasks.size(), 1U);
  EXPECT_EQ(tasks[0]["name"], "forgotten");
  EXPECT_EQ(tasks[0]["path"], "1.1");
}

std::vector<Stream>& Forgotten() {
  static std::vector<Stream>& streams = *new std::vector<Stream>();
  return streams;
}

CONTRACT_WITH_RECORDS(descriptor_left_open_in_census) {
  auto [mine, theirs] = co_await rt.Socketpair();
  Forgotten().push_back(mine);
}
CONTRACT_RECORDS(descriptor_left_open_in_census) {
  const Json descriptors = recording.One(TRIREME_CENSUS, "descriptors").json();
  EXPECT_EQ(descriptors.size(), 1U);
  EXPECT_EQ(descriptors[0]["task"], "1");
}

CONTRACT_WITH_RECORDS(clean_trial_has_no_census) {
  auto [mine, theirs] = co_await rt.Socketpair();
  TaskHandle<> task = rt.Spawn([&rt]() -> Task<> { co_await rt.Sleep(0.001); });
  co_await task.Join();
  co_await rt.Subprocess({"true"});
}
CONTRACT_RECORDS(clean_trial_has_no_census) { EXPECT_TRUE(recording.Of(TRIREME_CENSUS).empty()); }

CONTRACT_WITH_RECORDS(idle_pool_is_no_leak) {
  Pool pool = rt.Pool(2);
  co_await pool.Map([](int item) { return item; }, std::vector<int>(3));
  co_await pool.Join();
  co_await rt.Offload([] {});
}
CONTRACT_RECORDS(idle_pool_is_no_leak) { EXPECT_TRUE(recording.Of(TRIREME_CENSUS).empty()); }

// Each case runs in a fork, as each trial does: a second one would see what the first changed, were
// it not so.
int changed = 0;

CONTRACT(trials_are_independent) {
  EXPECT_EQ(++changed, 1);
  co_return;
}

}  // namespace
}  // namespace trireme
