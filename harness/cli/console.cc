#include "harness/cli/console.h"

#include <fcntl.h>
#include <langinfo.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <string>

#include "harness/base/check.h"
#include "harness/cli/exit_codes.h"

namespace trireme {
namespace {

// The first error of standard output; 0: none.
int output_error = 0;

struct TakenSignal {
  int number;
  void (*ours)(int);
  void (*before)(int);
};
std::array<TakenSignal, 3> taken_signals{
    {{SIGPIPE, SIG_IGN, SIG_DFL}, {SIGXFSZ, SIG_IGN, SIG_DFL}, {SIGCHLD, SIG_DFL, SIG_DFL}}};

int WriteWhole(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

bool LocaleIsUtf8() {
  const char* charset = ::nl_langinfo(CODESET);
  return charset != nullptr && std::strcmp(charset, "UTF-8") == 0;
}

}  // namespace

void TakeSignals() {
  for (TakenSignal& one : taken_signals) one.before = ::signal(one.number, one.ours);
}

void GiveSignalsBack() {
  for (const TakenSignal& one : taken_signals) ::signal(one.number, one.before);
}

void FillStandardDescriptors() {
  // What is opened gets the lowest number that is free: this one.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0)
      (void)::open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

void Print(std::string_view text) {
  if (output_error == 0) output_error = WriteWhole(STDOUT_FILENO, text);
}

void PrintError(std::string_view text) { (void)WriteWhole(STDERR_FILENO, text); }

int Fail(const Diagnostic& error) {
  PrintError(error.Render());
  return ExitCodeOf(error.kind);
}

int FailAll(const std::vector<Diagnostic>& errors) {
  TRIREME_CHECK(!errors.empty());
  for (const Diagnostic& error : errors) PrintError(error.Render());
  return ExitCodeOf(errors.front().kind);
}

int FinishOutput(int code) {
  if (output_error == 0 || output_error == EPIPE) return code;
  PrintError(ErrnoError("cannot write standard output", output_error).Render());
  return kExitInfrastructure;
}

Terminal DescribeTerminal(int fd) {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::strcmp(term, "dumb") == 0;
  Terminal terminal;
  terminal.interactive = ::isatty(fd) == 1 && !dumb;
  terminal.color = terminal.interactive && !IsSet("NO_COLOR");
  terminal.unicode = LocaleIsUtf8() && (term == nullptr || std::strcmp(term, "linux") != 0);
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) terminal.columns = size.ws_col;
  return terminal;
}

}  // namespace trireme
