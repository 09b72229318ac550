#include "runners/native/orphans.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>

#include "harness/base/clock.h"

namespace trireme {
namespace {

// False when there are no children at all.
bool ReapWhatEnded() {
  for (;;) {
    const pid_t child = ::waitpid(-1, nullptr, WNOHANG);
    if (child == 0) return true;
    if (child < 0 && errno != EINTR) return false;
  }
}

void Pause() {
  const timespec millisecond = {.tv_sec = 0, .tv_nsec = 1'000'000};
  ::nanosleep(&millisecond, nullptr);
}

std::set<pid_t> Children() {
  std::ifstream file("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  std::set<pid_t> children;
  for (pid_t child = 0; file >> child;) children.insert(child);
  return children;
}

std::string CommandOf(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/cmdline");
  std::ostringstream text;
  text << file.rdbuf();
  std::string command = text.str();
  for (char& c : command)
    if (c == '\0') c = ' ';
  while (!command.empty() && command.back() == ' ') command.pop_back();
  return command;
}

}  // namespace

std::vector<Orphan> EndOrphans(int64_t grace) {
  const int64_t deadline = SystemClock().Now() + grace;
  bool left = ReapWhatEnded();
  while (left && SystemClock().Now() < deadline) {
    Pause();
    left = ReapWhatEnded();
  }
  std::vector<Orphan> killed;
  std::set<pid_t> known;
  while (left) {
    for (const pid_t child : Children()) {
      if (known.insert(child).second) killed.push_back({.pid = child, .command = CommandOf(child)});
      ::kill(child, SIGKILL);
    }
    Pause();
    left = ReapWhatEnded();
  }
  return killed;
}

}  // namespace trireme
