// What runs in a process that hangs, so nothing here takes a lock or allocates but for
// backtrace_symbols_fd, which the C library says does not. One thread gets the signal from outside
// and becomes the writer; it sends the signal on to each other thread in turn, which writes its own
// stack meanwhile.
#include "runners/native/stacks.h"

#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runners/sdk/trial.h"

namespace trireme {
namespace {

constexpr int kMaxFrames = 48;
constexpr size_t kMostProcesses = 4;  // of a command; the engine waits some seconds for all
constexpr int kPatienceMs = 200;      // for one thread: one that is stopped or traced never answers

std::atomic<int> output{-1};
std::atomic<pid_t> writer{0};
std::atomic<pid_t> turn{0};  // the thread that shall write; 0 when it has
std::atomic<pid_t> command{0};

void Say(const char* text) {
  const size_t size = std::strlen(text);
  [[maybe_unused]] const ssize_t written = ::write(output, text, size);
}

void Pause() {
  const timespec millisecond = {.tv_sec = 0, .tv_nsec = 1'000'000};
  ::nanosleep(&millisecond, nullptr);
}

void WriteOwnStack(pid_t thread) {
  std::array<char, 64> title;
  std::snprintf(title.data(), title.size(), "thread %d:\n", thread);
  Say(title.data());
  std::array<void*, kMaxFrames> frames;
  const int depth = ::backtrace(frames.data(), kMaxFrames);
  ::backtrace_symbols_fd(frames.data(), depth, output);
}

void AskThread(pid_t thread) {
  turn = thread;
  if (::syscall(SYS_tgkill, ::getpid(), thread, kStacksSignal) != 0) return;
  for (int waited = 0; turn == thread && waited < kPatienceMs; ++waited) Pause();
  if (turn.exchange(0) != thread) return;
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "thread %d: does not answer\n", thread);
  Say(text.data());
}

// getdents64 by hand: opendir() allocates.
void AskOtherThreads(pid_t self) {
  const int folder = ::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  alignas(8) std::array<char, 4096> entries;
  for (long size = 0;
       (size = ::syscall(SYS_getdents64, folder, entries.data(), entries.size())) > 0;) {
    for (long at = 0; at < size;) {
      unsigned short length = 0;
      std::memcpy(&length, entries.data() + at + 16, sizeof(length));
      const pid_t thread = std::atoi(entries.data() + at + 19);
      if (thread > 0 && thread != self) AskThread(thread);
      at += length;
    }
  }
  ::close(folder);
}

// A program that does not handle the signal would die of it.
bool Handles(pid_t process) {
  std::array<char, 4096> text{};
  std::snprintf(text.data(), text.size(), "/proc/%d/status", process);
  const int file = ::open(text.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const ssize_t size = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  if (size <= 0) return false;
  text.at(static_cast<size_t>(size)) = '\0';
  const char* caught = std::strstr(text.data(), "SigCgt:\t");
  return caught != nullptr &&
         (std::strtoull(caught + 8, nullptr, 16) >> (kStacksSignal - 1) & 1) != 0;
}

void AskProcess(pid_t process) {
  if (!Handles(process)) return;
  std::array<char, 64> title;
  std::snprintf(title.data(), title.size(), "\nprocess %d:\n", process);
  Say(title.data());
  ::kill(process, kStacksSignal);
  for (int waited = 0; waited < kPatienceMs; ++waited) Pause();
}

// The children of a process's main thread, after those that `processes` holds; how many it holds then.
size_t AddChildren(pid_t process, std::array<pid_t, kMostProcesses>& processes, size_t count) {
  std::array<char, 4096> text{};
  std::snprintf(text.data(), text.size(), "/proc/%d/task/%d/children", process, process);
  const int file = ::open(text.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return count;
  const ssize_t size = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  if (size <= 0) return count;
  text.at(static_cast<size_t>(size)) = '\0';
  char* at = text.data();
  for (char* end = at; count < processes.size(); at = end) {
    const long child = std::strtol(at, &end, 10);
    if (end == at || child <= 0) break;
    processes.at(count++) = static_cast<pid_t>(child);
  }
  return count;
}

void AskCommand() {
  std::array<pid_t, kMostProcesses> processes{command};
  size_t count = processes.front() > 0 ? 1 : 0;
  for (size_t i = 0; i < count; ++i) {
    AskProcess(processes.at(i));
    count = AddChildren(processes.at(i), processes, count);
  }
}

void WriteAll(pid_t self) {
  WriteOwnStack(self);
  AskOtherThreads(self);
  WriteTasks(output);
  AskCommand();
  Say("== end of stacks\n");
}

void OnSignal(int) {
  const int saved = errno;
  const pid_t self = ::gettid();
  pid_t nobody = 0;
  if (turn == self) {
    WriteOwnStack(self);
    turn = 0;
  } else if (writer.compare_exchange_strong(nobody, self)) {
    WriteAll(self);
    writer = 0;
  }
  errno = saved;
}

}  // namespace

void LoadUnwinder() {
  std::array<void*, 1> frame;
  ::backtrace(frame.data(), 1);
}

void InstallStacksHandler(int fd) {
  output = fd;
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  ::sigaction(kStacksSignal, &action, nullptr);
}

std::string StacksPath() {
  return output < 0 ? "" : "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(output);
}

void SetStacksCommand(pid_t process) { command = process; }

}  // namespace trireme
