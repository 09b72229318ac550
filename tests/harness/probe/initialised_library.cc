#include "tests/harness/probe/initialised_library.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

void User::Use(const char* when) const {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.fd = ends[0]}};
  const int registered = ::epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
  std::thread writer([&] { (void)!::write(ends[1], "byte", 4); });
  std::array<char, 8> bytes{};
  const int ready = ::epoll_wait(set, &event, 1, -1);
  const ssize_t size = ::read(ends[0], bytes.data(), bytes.size());
  writer.join();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::close(set) == 0 ? 5 : 6);
  int status = 0;
  ::waitpid(child, &status, 0);
  std::printf("%s %s: %d %d %zd %s %d\n", name_, when, registered, ready, size, bytes.data(),
              WEXITSTATUS(status));
  std::fflush(stdout);
  for (const int fd : {ends[0], ends[1], set}) ::close(fd);
}

namespace {
const User of_library("library");
}  // namespace

const User& UserOfLibrary() { return of_library; }
