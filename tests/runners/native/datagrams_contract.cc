#include <unistd.h>

#include "harness/base/file.h"
#include "tests/runners/native/contract.h"

namespace trireme {
namespace {

Task<> Answer(Datagram socket) {
  const Received asked = co_await socket.RecvFrom(100);
  const std::string answer = "re: " + asked.data;
  co_await socket.SendTo(answer, asked.sender);
}

Task<> AskOver(Runtime& rt, Datagram server, Datagram client) {
  TaskHandle<> answering = rt.Spawn("server", Answer, server);
  co_await rt.Settle();
  co_await client.SendTo("hello", server.address());
  const Received answer = co_await client.RecvFrom(100);
  EXPECT_EQ(answer.data, "re: hello");
  EXPECT_EQ(answer.sender, server.address());
  co_await answering.Join();
}

CONTRACT(datagram_is_answered) {
  Datagram server = co_await rt.Datagram();
  EXPECT_NE(server.address().port(), 0);
  Datagram client = co_await rt.Datagram(Address("localhost", 0));
  EXPECT_NE(client.fileno(), server.fileno());
  co_await AskOver(rt, server, client);
}

CONTRACT(datagram_is_answered_over_unix) {
  const TemporaryDirectory folder;
  const std::string path = folder.path() + "/server";
  Datagram server = co_await rt.Datagram(Address(path));
  Datagram client = co_await rt.Datagram(Address(folder.path() + "/client"));
  co_await AskOver(rt, server, client);
  server.Close();
  server.Close();
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

CONTRACT(datagrams_keep_their_borders) {
  Datagram from = co_await rt.Datagram();
  Datagram to = co_await rt.Datagram();
  for (const char* data : {"one", "", "three"}) co_await from.SendTo(data, to.address());
  Received received = co_await to.RecvFrom(100);
  EXPECT_EQ(received.data, "one");
  EXPECT_EQ(received.sender, from.address());
  received = co_await to.RecvFrom(100);
  EXPECT_EQ(received.data, "");
  received = co_await to.RecvFrom(2);
  EXPECT_EQ(received.data, "th");
  co_await from.SendTo("four", to.address());
  received = co_await to.RecvFrom(100);
  EXPECT_EQ(received.data, "four");
}

CONTRACT(datagram_wait_is_ended) {
  Datagram socket = co_await rt.Datagram();
  TaskHandle<> waiter =
      rt.Spawn("waiter", [socket]() mutable -> Task<> { co_await socket.RecvFrom(1); });
  co_await ExpectCancels(rt, waiter);
  co_await ExpectExpires(rt, [&]() -> Task<> { co_await socket.RecvFrom(1); });
  co_await socket.SendTo("to itself", socket.address());
  const Received received = co_await socket.RecvFrom(100);
  EXPECT_EQ(received.data, "to itself");
}

CONTRACT(datagram_errors) {
  Datagram socket = co_await rt.Datagram();
  const Address own = socket.address();
  const std::string large(70000, 'x');
  EXPECT_EQ(co_await ErrnoOf([&] { return socket.SendTo(large, own); }), EMSGSIZE);
  EXPECT_EQ(co_await ErrnoOf([&] { return rt.Datagram(own); }), EADDRINUSE);
  socket.Close();
  EXPECT_EQ(socket.fileno(), -1);
  EXPECT_EQ(co_await ErrnoOf([&] { return socket.SendTo("x", own); }), EBADF);
  EXPECT_EQ(co_await ErrnoOf([&] { return socket.RecvFrom(1); }), EBADF);
}

}  // namespace
}  // namespace trireme
