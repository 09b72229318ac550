#include "harness/engine/stack_report.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/engine/process_table.h"
#include "harness/history/history.h"

namespace trireme {
namespace {

// Reading a recording takes as much memory as it has bytes.
constexpr int64_t kMaxRecording = 64 << 20;
constexpr size_t kMaxTasks = 1000;

std::string ReadOrEmpty(const std::string& path) {
  Result<std::string> text = ReadFile(path);
  return text.ok() ? std::string(Trim(*text)) : "";
}

std::string TaskLine(const History& history, uint32_t number, const Event& last) {
  const Task* task = history.FindTask(number);
  std::string line = task == nullptr ? "task " + std::to_string(number) : task->path;
  if (task != nullptr && !task->name.empty()) line += " " + task->name;
  line += ": " + std::string(EventName(last.kind));
  if (!last.key.empty()) line += " " + std::string(last.key);
  return line + " at " + FormatDuration(std::max<int64_t>(last.time, 0)) + ", thread " +
         std::to_string(last.thread) + "\n";
}

}  // namespace

std::string DescribeThreads(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  std::string text;
  for (const std::string& thread : ListDirectory(folder)) {
    const std::string status = ReadOrEmpty(folder + "/" + thread + "/status");
    const std::string waits = ReadOrEmpty(folder + "/" + thread + "/wchan");
    text += "thread " + thread + " " + StatusField(status, "Name") + ": " +
            StatusField(status, "State");
    text += waits.empty() || waits == "0" ? "\n" : ", in " + waits + "\n";
  }
  return text;
}

std::string DescribeTasks(const std::string& recording) {
  struct stat status {};
  if (::lstat(recording.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  if (status.st_blocks * 512 > kMaxRecording) return "the recording is too large to be read here\n";
  const Result<History> history = History::Read(recording);
  if (!history.ok()) return "";
  std::map<uint32_t, const Event*> last;
  for (const Event& event : history->events()) {
    if (event.task == 0) continue;
    if (event.kind == EventKind::kTaskEnd)
      last.erase(event.task);
    else
      last[event.task] = &event;
  }
  std::string text;
  size_t count = 0;
  for (const auto& [number, event] : last) {
    if (++count > kMaxTasks)
      return text + "and " + std::to_string(last.size() - kMaxTasks) + " more\n";
    text += TaskLine(*history, number, *event);
  }
  return text;
}

std::string StackReport::Render() const {
  std::string text = heading + "\n";
  const auto section = [&](const char* title, const std::string& body) {
    if (body.empty()) return;
    text += std::string("\n== ") + title + "\n" + body;
    if (body.back() != '\n') text += '\n';
  };
  section("stacks, as the runtime tells them", by_runtime);
  section("threads, as the kernel tells them", threads);
  section("native frames, as gdb tells them", by_debugger);
  section("tasks that had not ended, and the last recorded event of each", tasks);
  std::string lines;
  for (const std::string& line : missing) lines += "- " + line + "\n";
  section("what could not be had", lines);
  return text;
}

}  // namespace trireme
