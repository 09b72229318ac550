#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "harness/base/file.h"
#include "tests/runners/native/contract.h"

namespace trireme {
namespace {

Task<> Echo(Listener listener) {
  Stream stream = co_await listener.Accept();
  for (std::string data; !(data = co_await stream.Recv(4096)).empty();)
    co_await stream.SendAll(data);
}

Task<> EchoOver(Runtime& rt, Listener listener) {
  TaskHandle<> server = rt.Spawn("server", Echo, listener);
  Stream stream = co_await rt.Connect(listener.address());
  for (int i = 0; i < 3; ++i) {
    co_await stream.SendAll(std::to_string(i) + "\n");
    EXPECT_EQ(co_await stream.RecvUntil('\n'), std::to_string(i) + "\n");
  }
  stream.Close();
  co_await server.Join();
}

CONTRACT(echo_over_tcp) { co_await EchoOver(rt, co_await rt.Listen()); }

CONTRACT(echo_over_unix) {
  const TemporaryDirectory folder;
  const std::string path = folder.path() + "/socket";
  Listener listener = co_await rt.ListenUnix(path);
  co_await EchoOver(rt, listener);
  listener.Close();
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  // The path is another's now, who keeps it.
  Listener next = co_await rt.ListenUnix(path);
  listener.Close();
  listener = Listener();
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

CONTRACT(recv_returns_empty_at_end) {
  auto [mine, theirs] = co_await rt.Socketpair();
  co_await mine.SendAll("last");
  mine.Close();
  EXPECT_EQ(co_await theirs.Recv(100), "last");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await theirs.Recv(100), "");
}

CONTRACT(recv_of_nothing) {
  std::pair<Stream, Stream> ends = co_await rt.Socketpair();
  Stream& mine = ends.first;
  Stream& theirs = ends.second;
  const std::string before = co_await rt.Timeout(30, [&] { return theirs.Recv(0); });
  EXPECT_EQ(before, "");
  co_await mine.SendAll("ab");
  EXPECT_EQ(co_await theirs.Recv(0), "");
  EXPECT_EQ(co_await theirs.Recv(2), "ab");
  theirs.Close();
  EXPECT_EQ(co_await ErrnoOf([&] { return theirs.Recv(0); }), EBADF);
}

CONTRACT(recv_exactly_collects) {
  std::pair<Stream, Stream> ends = co_await rt.Socketpair();
  [[maybe_unused]] Stream& mine = ends.first;
  [[maybe_unused]] Stream& theirs = ends.second;
  TaskHandle<std::string> reader = rt.Spawn([stream = theirs]() mutable -> Task<std::string> {
    co_return co_await stream.RecvExactly(6);
  });
  co_await mine.SendAll("abc");
  co_await rt.Settle();
  EXPECT_FALSE(reader.Done());
  co_await mine.SendAll("defg");
  EXPECT_EQ(co_await reader.Join(), "abcdef");
  mine.Close();
  EXPECT_TRUE(co_await Raises<EndOfStream>([&] { return theirs.RecvExactly(2); }));
}

// A byte may come at any moment, also after the reader found none and before it waits: the thread that answers never
// sleeps, and does so at once.
CONTRACT(recv_of_bytes_from_a_thread) {
  constexpr int kBytes = 20'000;
  auto [mine, theirs] = co_await rt.Socketpair();
  std::thread echo([fd = mine.fileno()] {
    char byte = 0;
    for (int i = 0; i < kBytes; ++i) {
      while (::recv(fd, &byte, 1, MSG_DONTWAIT) != 1) continue;
      while (::send(fd, &byte, 1, MSG_NOSIGNAL) != 1) continue;
    }
  });
  int got = 0;
  for (int i = 0; i < kBytes; ++i) {
    co_await theirs.SendAll("x");
    got += static_cast<int>((co_await theirs.Recv(1)).size());
  }
  echo.join();
  EXPECT_EQ(got, kBytes);
}

CONTRACT(recv_until_separator) {
  auto [mine, theirs] = co_await rt.Socketpair();
  co_await mine.SendAll("one\ntwo\nthree");
  EXPECT_EQ(co_await theirs.RecvUntil('\n'), "one\n");
  EXPECT_EQ(co_await theirs.RecvExactly(2), "tw");
  EXPECT_EQ(co_await theirs.Recv(2), "o\n");
  EXPECT_EQ(co_await theirs.Recv(100), "three");
}

CONTRACT(recv_until_end) {
  auto [mine, theirs] = co_await rt.Socketpair();
  co_await mine.SendAll("no separator");
  mine.Close();
  EXPECT_EQ(co_await theirs.RecvUntil('\n'), "");
}

CONTRACT(recv_until_long_separator) {
  auto [mine, theirs] = co_await rt.Socketpair();
  TaskHandle<std::string> reader = rt.Spawn([stream = theirs]() mutable -> Task<std::string> {
    co_return co_await stream.RecvUntil("\r\n\r\n");
  });
  co_await mine.SendAll("head\r\n\r");
  co_await rt.Settle();
  co_await mine.SendAll("\nbody");
  EXPECT_EQ(co_await reader.Join(), "head\r\n\r\n");
  EXPECT_EQ(co_await theirs.Recv(100), "body");
}

CONTRACT(send_all_large) {
  auto [mine, theirs] = co_await rt.Socketpair();
  const std::string data(8 << 20, 'x');
  auto send = [&data](Stream stream) -> Task<> { co_await stream.SendAll(data); };
  auto receive = [&data](Runtime& inner, Stream stream) -> Task<size_t> {
    co_await inner.Sleep(0.01);
    co_return (co_await stream.RecvExactly(data.size())).size();
  };
  TaskHandle<> there = rt.Spawn(send, mine);
  TaskHandle<> back = rt.Spawn(send, theirs);
  TaskHandle<size_t> got_there = rt.Spawn(receive, rt, theirs);
  TaskHandle<size_t> got_back = rt.Spawn(receive, rt, mine);
  EXPECT_EQ(co_await got_there.Join(), data.size());
  EXPECT_EQ(co_await got_back.Join(), data.size());
  co_await rt.Gather(there, back);
}

CONTRACT(half_close) {
  Listener listener = co_await rt.Listen();
  Stream mine = co_await rt.Connect(listener.address());
  Stream theirs = co_await listener.Accept();
  mine.Shutdown();
  EXPECT_EQ(co_await theirs.Recv(10), "");
  co_await theirs.SendAll("still");
  EXPECT_EQ(co_await mine.RecvExactly(5), "still");
}

CONTRACT(close_twice) {
  auto [mine, theirs] = co_await rt.Socketpair();
  Listener listener = co_await rt.Listen();
  for (int i = 0; i < 2; ++i) {
    mine.Close();
    listener.Close();
  }
}

CONTRACT(use_after_close) {
  std::pair<Stream, Stream> ends = co_await rt.Socketpair();
  [[maybe_unused]] Stream& mine = ends.first;
  [[maybe_unused]] Stream& theirs = ends.second;
  mine.Close();
  EXPECT_EQ(co_await ErrnoOf([&] { return mine.Recv(1); }), EBADF);
  EXPECT_EQ(co_await ErrnoOf([&] { return mine.SendAll("x"); }), EBADF);
  // The same when the close meets a call. Were the socket shut down before it is marked as closed,
  // one thread in four would see EINVAL between the two: all 50 of them miss it once in a million.
  for (int round = 0; round < 50; ++round) {
    Listener listener = co_await rt.Listen();
    auto accept = [listener]() mutable -> Task<int> {
      auto call = [&listener] { return listener.Accept(); };
      co_return co_await ErrnoOf(call);
    };
    TaskHandle<int> acceptor = rt.Spawn(accept);
    co_await rt.Settle();
    listener.Close();
    EXPECT_EQ(co_await acceptor.Join(), EBADF);
  }
}

CONTRACT(close_wakes_nobody_else) {
  auto [mine, theirs] = co_await rt.Socketpair();
  TaskHandle<std::string> reader = rt.Spawn(
      [stream = theirs]() mutable -> Task<std::string> { co_return co_await stream.Recv(1); });
  co_await rt.Settle();
  EXPECT_FALSE(reader.Done());
  mine.Close();
  EXPECT_EQ(co_await reader.Join(), "");
}

CONTRACT(connect_refused) {
  Listener listener = co_await rt.Listen();
  const Address address = listener.address();
  listener.Close();
  EXPECT_EQ(co_await ErrnoOf([&] { return rt.Connect(address); }), ECONNREFUSED);
}

CONTRACT(send_to_closed_peer) {
  std::pair<Stream, Stream> ends = co_await rt.Socketpair();
  [[maybe_unused]] Stream& mine = ends.first;
  [[maybe_unused]] Stream& theirs = ends.second;
  theirs.Close();
  for (int i = 0; i < 2; ++i) {
    const int error = co_await ErrnoOf([&] { return mine.SendAll("x"); });
    EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
  }
}

CONTRACT(dup_is_another_descriptor) {
  auto [mine, theirs] = co_await rt.Socketpair();
  Stream other = mine.Dup();
  EXPECT_NE(other.fileno(), mine.fileno());
  mine.Close();
  co_await other.SendAll("x");
  EXPECT_EQ(co_await theirs.Recv(1), "x");
  co_await theirs.SendAll("y");
  EXPECT_EQ(co_await other.Recv(1), "y");
}

CONTRACT(fileno_is_a_socket) {
  auto [mine, theirs] = co_await rt.Socketpair();
  struct stat status {};
  EXPECT_EQ(::fstat(mine.fileno(), &status), 0);
  EXPECT_TRUE(S_ISSOCK(status.st_mode));
}

CONTRACT(two_listeners_two_ports) {
  Listener first = co_await rt.Listen();
  Listener second = co_await rt.Listen();
  EXPECT_NE(first.address().port(), second.address().port());
}

}  // namespace
}  // namespace trireme
