#ifndef TRIREME_HARNESS_ENGINE_OUTPUT_CAPTURE_H_
#define TRIREME_HARNESS_ENGINE_OUTPUT_CAPTURE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/base/unique_fd.h"
#include "harness/engine/pipe_reader.h"

namespace trireme {

struct CaptureLimits {
  size_t head = 1 << 20;
  size_t tail = 256 << 10;
};

// Keeps what a process writes into a pipe in a file: its head as it comes, so that a killed harness
// leaves it, and its tail at the end. What lies between is read, counted and dropped; the file's
// last line says so. There is no file where nothing was written.
//
// A file that cannot be written does not stop the reading: see status().
class OutputCapture {
 public:
  explicit OutputCapture(std::string path, CaptureLimits limits = {})
      : path_(std::move(path)), limits_(limits) {}

  // Makes the pipe and gives its write end, for the process.
  Result<UniqueFd> Open() { return pipe_.Open(); }

  int fd() const { return pipe_.fd(); }
  // Reads what is there, at most `budget` bytes. False at the end of the stream.
  bool Read(size_t budget);
  // Reads what is left without waiting for its end, closes the pipe and completes the file; once.
  void Finish();

  uint64_t bytes() const { return bytes_; }      // that came
  uint64_t dropped() const { return dropped_; }  // of them
  const Status& status() const { return status_; }

 private:
  void Take(std::string_view text);
  void WriteToFile(std::string_view text);

  const std::string path_;
  const CaptureLimits limits_;
  PipeReader pipe_;
  UniqueFd file_;
  std::string tail_;  // up to twice its limit, then cut
  uint64_t bytes_ = 0;
  uint64_t dropped_ = 0;
  bool finished_ = false;
  Status status_ = Done{};
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_OUTPUT_CAPTURE_H_
