#include "runners/sdk/registry.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "runners/sdk/place.h"

namespace trireme {
namespace {

void WriteText(int fd, const char* text, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, text, size);
    if (written <= 0) return;
    text += written;
    size -= static_cast<size_t>(written);
  }
}

template <typename... A>
void WriteLine(int fd, const char* format, const A&... arguments) {
  std::array<char, kPlaceText + 2> line;
  const int size = std::snprintf(line.data(), line.size(), format, arguments...);
  if (size > 0) WriteText(fd, line.data(), std::min(static_cast<size_t>(size), line.size() - 1));
}

// A header as the Python agent's are, and the one frame that is known.
void WriteTask(int fd, const TaskState& task) {
  const char* waiting = task.waiting.load(std::memory_order_acquire);
  if (waiting == nullptr)
    WriteLine(fd, "Task %s %s (runs):\n", task.path.c_str(), task.name.c_str());
  else
    WriteLine(fd, "Task %s %s (waits in %s, point %llu):\n", task.path.c_str(), task.name.c_str(),
              waiting, static_cast<unsigned long long>(task.waiting_ordinal.load()));
  const internal::Place place = task.place.Get();
  if (waiting == nullptr || !IsKnown(place)) return;
  std::array<char, kPlaceText> text;
  text.at(WritePlace(place, text.data(), text.size())) = '\0';
  WriteLine(fd, "  %s\n", text.data());
}

}  // namespace

TaskRegistry& TaskRegistry::Get() {
  static TaskRegistry& registry = *new TaskRegistry();
  return registry;
}

void TaskRegistry::Begin(uint64_t inputs) {
  inputs_ = inputs;
  process_ = ::getpid();
}

void TaskRegistry::Add(const std::shared_ptr<TaskState>& task) {
  MutexLock lock(mutex_);
  live_.emplace(task->number, task);
}

void TaskRegistry::End(const std::shared_ptr<TaskState>& task) {
  MutexLock lock(mutex_);
  live_.erase(task->number);
  if (task->end == TaskEnd::kRaised) raised_.push_back(task);
}

std::vector<std::shared_ptr<TaskState>> TaskRegistry::Live() {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<TaskState>> all;
  for (const auto& [number, task] : live_) all.push_back(task);
  return all;
}

std::shared_ptr<TaskState> TaskRegistry::Find(uint32_t number) {
  MutexLock lock(mutex_);
  const auto found = live_.find(number);
  return found == live_.end() ? nullptr : found->second;
}

bool TaskRegistry::Empty() {
  MutexLock lock(mutex_);
  return live_.empty();
}

std::vector<std::shared_ptr<TaskState>> TaskRegistry::Unjoined() {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<TaskState>> unjoined;
  for (const auto& task : raised_)
    if (!task->joined) unjoined.push_back(task);
  return unjoined;
}

void TaskRegistry::Write(int fd) {
  if (!mutex_.TryLock()) {
    constexpr std::string_view kBusy = "tasks: a thread was stopped while it changed their list\n";
    WriteText(fd, kBusy.data(), kBusy.size());
    return;
  }
  for (const auto& [number, task] : live_) WriteTask(fd, *task);
  mutex_.Unlock();
}

}  // namespace trireme
