#ifndef TRIREME_HARNESS_ENGINE_PIPE_READER_H_
#define TRIREME_HARNESS_ENGINE_PIPE_READER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "harness/base/unique_fd.h"

namespace trireme {

// The reading end of a pipe, which never waits.
class PipeReader {
 public:
  // Makes the pipe and gives its write end, for the process.
  Result<UniqueFd> Open();

  int fd() const { return pipe_.get(); }
  bool open() const { return pipe_.valid(); }
  // Hands over what is there, at most `budget` bytes. False at the end of the stream.
  bool Read(size_t budget, const std::function<void(std::string_view)>& take);
  void Close() { pipe_.Reset(); }

 private:
  UniqueFd pipe_;
};

// The last bytes of what a process writes into a pipe, at least `limit` of them.
class PipeText {
 public:
  explicit PipeText(size_t limit) : limit_(limit) {}

  Result<UniqueFd> Open() { return pipe_.Open(); }
  int fd() const { return pipe_.fd(); }
  bool open() const { return pipe_.open(); }
  // Reads what is there. False at the end of the stream.
  bool Read();
  void Close() { pipe_.Close(); }
  const std::string& text() const { return text_; }
  bool cut() const { return cut_; }  // whether its beginning was dropped

 private:
  const size_t limit_;
  PipeReader pipe_;
  std::string text_;
  bool cut_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_ENGINE_PIPE_READER_H_
