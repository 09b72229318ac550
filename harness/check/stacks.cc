#include "harness/check/stacks.h"

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <memory>

#include "harness/base/strings.h"

namespace trireme {
namespace {

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

std::string_view Base(std::string_view path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// The text between `before` and `after`, or nothing.
std::string_view Between(std::string_view text, std::string_view before, std::string_view after) {
  const size_t begin = text.find(before);
  if (begin == std::string_view::npos) return {};
  const size_t from = begin + before.size();
  const size_t end = text.find(after, from);
  if (end == std::string_view::npos) return {};
  return text.substr(from, end - from);
}

// `  File "/a/workload.py", line 12 in reader` of faulthandler, and with a comma before `in` of
// tracebacks.
std::string PythonFrame(std::string_view line) {
  if (!line.starts_with("File \"")) return "";
  const std::string_view path = Between(line, "File \"", "\"");
  const size_t number = line.find(", line ");
  const size_t in = line.find(" in ", number == std::string_view::npos ? 0 : number);
  if (path.empty() || number == std::string_view::npos || in == std::string_view::npos) return "";
  std::string_view digits = line.substr(number + 7, in - number - 7);
  if (digits.ends_with(',')) digits.remove_suffix(1);
  return std::string(path) + ":" + std::string(digits) + " in " + std::string(line.substr(in + 4));
}

// `#1  0x00007f in Reader (socket=3) at /a/workload.cc:12` of gdb; a frame without source has `
// from library`.
std::string GdbFrame(std::string_view line) {
  if (line.size() < 2 || line[0] != '#' || !std::isdigit(static_cast<unsigned char>(line[1])))
    return "";
  line.remove_prefix(std::min(line.find(' '), line.size()));
  line = Trim(line);
  if (line.starts_with("0x")) {
    const size_t in = line.find(" in ");
    if (in == std::string_view::npos) return "";
    line.remove_prefix(in + 4);
  }
  const size_t at = line.rfind(" at ");
  const size_t from = line.rfind(" from ");
  const std::string_view function = line.substr(0, std::min({line.find(" ("), at, from}));
  std::string_view place = "??";
  if (at != std::string_view::npos)
    place = line.substr(at + 4);
  else if (from != std::string_view::npos)
    place = line.substr(from + 6);
  return std::string(place) + " in " + std::string(function);
}

// Already "place:12 in function".
bool IsOurFrame(std::string_view line) {
  const size_t in = line.find(" in ");
  if (in == std::string_view::npos) return false;
  const std::string_view place = line.substr(0, in);
  const size_t colon = place.rfind(':');
  return colon != std::string_view::npos && IsDigits(place.substr(colon + 1));
}

int64_t HexOrDecimal(std::string_view text) {
  return std::strtoll(std::string(text.substr(0, text.find_first_of(" )"))).c_str(), nullptr, 0);
}

int64_t ThreadOf(std::string_view header) {
  for (const std::string_view word : {"LWP ", "hread "}) {
    if (const size_t at = header.find(word); at != std::string_view::npos) {
      if (const int64_t number = HexOrDecimal(header.substr(at + word.size())); number != 0)
        return number;
    }
  }
  return 0;
}

// `Task 1.2 reader (parked, outermost first):` of the Python agent: the path, or the name where
// there is no path.
std::string TaskOf(std::string_view header) {
  if (!header.starts_with("Task ")) return "";
  std::string_view rest = header.substr(5);
  rest = Trim(rest.substr(0, rest.find(" (")));
  const std::string_view first = rest.substr(0, rest.find(' '));
  const bool is_path = first.find_first_not_of("0123456789.") == std::string_view::npos;
  return std::string(is_path ? first : rest);
}

struct OpenStack {
  TaskStack stack;
  bool innermost_first = false;
};

void Close(OpenStack& open, std::vector<TaskStack>& stacks) {
  if (open.innermost_first) std::reverse(open.stack.frames.begin(), open.stack.frames.end());
  if (!open.stack.frames.empty() || !open.stack.task.empty())
    stacks.push_back(std::move(open.stack));
  open = {};
}

constexpr std::array<std::string_view, 14> kRuntimeFolders = {
    "/eventlet/", "/greenlet/",    "/gevent/",        "/asyncio/",        "/concurrent/futures/",
    "/futurist/", "/awaitlet/",    "/trireme_agent/", "/runners/sdk/",    "/runners/native/",
    "/boost/",    "/usr/include/", "/include/c++/",   "/include/trireme/"};

// Files that are nobody's own: what a frame without a folder may still be known by.
constexpr std::array<std::string_view, 15> kRuntimeFiles = {"threading.py",
                                                            "selectors.py",
                                                            "base_events.py",
                                                            "base_futures.py",
                                                            "selector_events.py",
                                                            "unix_events.py",
                                                            "greenthread.py",
                                                            "greenpool.py",
                                                            "socketserver.py",
                                                            "_bootstrap.py",
                                                            "_bootstrap_external.py",
                                                            "runpy.py",
                                                            "hub.py",
                                                            "epolls.py",
                                                            "trireme-runner"};

constexpr std::array<std::string_view, 13> kRuntimeFunctions = {
    "std::",    "boost::", "__",     "trireme::", "clone", "start_thread", "_start",
    "pthread_", "futex",   "epoll_", "operator ", "??",    "asm_"};

// The interpreter's own library; packages installed below it are application code.
bool InStandardLibrary(std::string_view path) {
  return path.find("/lib/python3") != std::string_view::npos &&
         path.find("-packages/") == std::string_view::npos;
}

// CPython's own C, as its build names it, from its root or a folder below; or its program, built
// without lines. Where in it a thread is that runs Python is a matter of the moment and the version.
bool InInterpreter(std::string_view path) {
  if (Base(path).starts_with("python3") && !path.ends_with(".py")) return true;
  if (!path.ends_with(".c") && !path.ends_with(".h")) return false;
  for (const std::string_view up : {"./", "../"})
    if (path.starts_with(up)) path.remove_prefix(up.size());
  constexpr std::array<std::string_view, 7> kFolders = {
      "Include/", "Modules/", "Objects/", "Parser/", "Programs/", "Python/", "Python-"};
  return std::any_of(kFolders.begin(), kFolders.end(),
                     [&](std::string_view folder) { return path.starts_with(folder); });
}

bool IsRuntimeFile(std::string_view path) {
  if (path.starts_with("<frozen") || InInterpreter(path)) return true;
  const std::string rooted = path.starts_with('/') ? std::string(path) : "/" + std::string(path);
  const auto has = [&](std::string_view part) { return rooted.find(part) != std::string::npos; };
  return InStandardLibrary(rooted) ||
         std::any_of(kRuntimeFolders.begin(), kRuntimeFolders.end(), has) ||
         std::find(kRuntimeFiles.begin(), kRuntimeFiles.end(), Base(path)) != kRuntimeFiles.end();
}

bool IsRuntimeFunction(std::string_view function) {
  return function.empty() ||
         std::any_of(kRuntimeFunctions.begin(), kRuntimeFunctions.end(),
                     [&](std::string_view start) { return function.starts_with(start); });
}

// "server+0x1b2c", of a program that was compiled without lines: every build of it moves the offset.
std::string_view WithoutOffset(std::string_view place) {
  const size_t plus = place.rfind("+0x");
  const bool found = plus != std::string_view::npos &&
                     place.find_first_not_of("0123456789abcdef", plus + 3) == place.npos;
  return found ? place.substr(0, plus) : place;
}

// Without parameters, template arguments and clone suffixes: "Echo<int>(Listener) [clone .resume]"
// -> "Echo". What Python puts in brackets is part of the name: "main.<locals>.reader", "<lambda>".
std::string_view FunctionName(std::string_view function) {
  constexpr std::string_view kUnnamed = "(anonymous namespace)::";
  function = Trim(function);
  if (function.starts_with(kUnnamed)) function.remove_prefix(kUnnamed.size());
  const bool python =
      function.starts_with('<') || function.find("<locals>") != std::string_view::npos;
  return Trim(function.substr(0, function.find_first_of(python ? "( [" : "(<[")));
}

// "workload.so in Echo(int)" -> "Echo"; "" for a runtime's, or the C library's.
std::string FunctionInLibrary(std::string_view frame) {
  const size_t in = frame.find(" in ");
  if (in == std::string_view::npos || frame.substr(0, in).find(".so") == std::string_view::npos)
    return "";
  for (const std::string_view system : {"lib", "ld-", "linux-vdso"})
    if (frame.starts_with(system)) return "";
  const std::string_view function = FunctionName(frame.substr(in + 4));
  return IsRuntimeFunction(function) ? "" : std::string(function);
}

}  // namespace

std::vector<TaskStack> ParseStacks(std::string_view text) {
  std::vector<TaskStack> stacks;
  OpenStack open;
  for (const std::string& raw : Split(text, '\n')) {
    const std::string_view line = Trim(raw);
    std::string frame = PythonFrame(line);
    if (frame.empty()) frame = GdbFrame(line);
    const bool gdb = line.starts_with('#') && !frame.empty();
    if (frame.empty() && IsOurFrame(line)) frame = line;
    if (!frame.empty()) {
      open.innermost_first |= gdb;
      open.stack.frames.push_back(ToValidUtf8(frame));
      continue;
    }
    const std::string task = TaskOf(line);
    const int64_t thread = ThreadOf(line);
    if (task.empty() && thread == 0 && !line.empty()) {
      open.innermost_first |= line.find("most recent call first") != std::string_view::npos;
      continue;
    }
    if (line.empty() && open.stack.frames.empty()) continue;
    Close(open, stacks);
    if (line.empty()) continue;
    open.stack.task = ToValidUtf8(task);
    open.stack.header = ToValidUtf8(line);
    open.stack.thread = thread;
    open.innermost_first = line.find("most recent call first") != std::string_view::npos;
  }
  Close(open, stacks);
  return stacks;
}

std::string NormalisedFrame(std::string_view frame) {
  const size_t in = frame.find(" in ");
  std::string_view place = frame.substr(0, in);
  const std::string_view function =
      in == std::string_view::npos ? std::string_view() : FunctionName(frame.substr(in + 4));
  if (const size_t colon = place.rfind(':');
      colon != std::string_view::npos && IsDigits(place.substr(colon + 1))) {
    place = place.substr(0, colon);
  }
  place = WithoutOffset(place);
  if (IsRuntimeFile(place) || IsRuntimeFunction(function)) return "";
  if (place.find(".so") != std::string_view::npos)
    return "";  // a library without source is nobody's application
  return std::string(Base(place)) + ":" + std::string(function);
}

// "workload.so in _ZN7EchoEv" -> "workload.so in Echo()".
std::string Demangled(const std::string& frame) {
  const size_t at = frame.find(" in _Z");
  if (at == std::string::npos) return frame;
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(frame.c_str() + at + 4, nullptr, nullptr, &status), &std::free);
  return status == 0 ? frame.substr(0, at + 4) + name.get() : frame;
}

std::vector<std::string> StackIn(const Json& value, const char* member) {
  std::vector<std::string> stack;
  for (const std::string& frame : TextsOf(GetMember(value, member)))
    stack.push_back(Demangled(frame));
  return stack;
}

std::string InnermostOwnFrame(const std::vector<std::string>& stack) {
  for (auto frame = stack.rbegin(); frame != stack.rend(); ++frame)
    if (!PlaceOfFrame(*frame).empty()) return *frame;
  return "";
}

std::string PlaceOfFrame(const std::string& frame) {
  if (frame.starts_with("trireme-runner")) return "";
  const std::string normalised = NormalisedFrame(frame);
  return normalised.empty() ? FunctionInLibrary(frame) : normalised;
}

}  // namespace trireme
