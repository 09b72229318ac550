#ifndef TRIREME_TESTS_BENCH_ECHO_SERVERS_H_
#define TRIREME_TESTS_BENCH_ECHO_SERVERS_H_

namespace trireme {

inline constexpr int kEchoBuffer = 4096;

// Echo servers as one would write them by hand, without a runtime of ours: what the runtimes are
// measured against. Each serves the connections of `listener`, a blocking TCP socket, until the
// process is killed.
[[noreturn]] void ServeByEpollLoop(int listener);
[[noreturn]] void ServeByAsio(int listener);
[[noreturn]] void ServeByThreads(int listener);

}  // namespace trireme

#endif  // TRIREME_TESTS_BENCH_ECHO_SERVERS_H_
