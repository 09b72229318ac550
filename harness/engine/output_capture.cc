#include "harness/engine/output_capture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "harness/base/file.h"

namespace trireme {
namespace {

// What may still be in a pipe after its writers are gone, and more.
constexpr size_t kFinishBudget = 4 << 20;

}  // namespace

bool OutputCapture::Read(size_t budget) {
  return pipe_.Read(budget, [this](std::string_view text) { Take(text); });
}

void OutputCapture::Take(std::string_view text) {
  const uint64_t before = bytes_;
  bytes_ += text.size();
  if (before < limits_.head) {
    const size_t fits = std::min<size_t>(text.size(), limits_.head - before);
    WriteToFile(text.substr(0, fits));
    text.remove_prefix(fits);
  }
  tail_.append(text);
  if (tail_.size() <= 2 * limits_.tail) return;
  const size_t cut = tail_.size() - limits_.tail;
  dropped_ += cut;
  tail_.erase(0, cut);
}

void OutputCapture::WriteToFile(std::string_view text) {
  if (!status_.ok() || text.empty()) return;
  if (!file_.valid()) {
    // The folder is the workload's too: what it put in our place, a fifo even, must not catch us,
    // and it may have removed the folder.
    ::unlink(path_.c_str());
    ::mkdir(DirName(path_).c_str(), 0777);
    file_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  }
  while (file_.valid() && !text.empty()) {
    const ssize_t written = ::write(file_.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (!text.empty()) status_ = ErrnoError("cannot write " + path_, errno);
}

void OutputCapture::Finish() {
  if (std::exchange(finished_, true)) return;
  Read(kFinishBudget);
  pipe_.Close();
  if (tail_.size() > limits_.tail) {
    dropped_ += tail_.size() - limits_.tail;
    tail_.erase(0, tail_.size() - limits_.tail);
  }
  if (dropped_ > 0) WriteToFile("\n[trireme: what came here is left out]\n");
  WriteToFile(tail_);
  tail_ = std::string();
  if (dropped_ > 0)
    WriteToFile("\n[trireme: " + std::to_string(dropped_) + " of " + std::to_string(bytes_) +
                " bytes were dropped after the first " + std::to_string(limits_.head) + "]\n");
  file_.Reset();
}

}  // namespace trireme
