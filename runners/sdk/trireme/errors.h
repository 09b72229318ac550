#ifndef TRIREME_WORKLOAD_ERRORS_H_
#define TRIREME_WORKLOAD_ERRORS_H_

#include <exception>
#include <stdexcept>
#include <string>

namespace trireme {

// What the workload API throws. Histories compare errors by family (`trireme list exceptions`), so
// these carry what the family is made of.

// The operating system refused. EBADF: the stream is closed.
class IoError : public std::runtime_error {
 public:
  IoError(int error_number, const std::string& what);
  ~IoError() override;
  int error_number() const { return error_number_; }

 private:
  int error_number_;
};

// An HTTP server ended the connection and had answered nothing. It counts as a reset, of which no errno was told.
class NoReply : public IoError {
 public:
  NoReply();
  ~NoReply() override;
};

// The peer ended the stream before everything that was asked for had come.
class EndOfStream : public std::runtime_error {
 public:
  EndOfStream();
  ~EndOfStream() override;
};

// A name that no address belongs to. Its number is one of getaddrinfo(), as EAI_AGAIN, and below 0.
class ResolveError : public std::runtime_error {
 public:
  ResolveError(int error_number, const std::string& host);
  ~ResolveError() override;
  int error_number() const { return error_number_; }

 private:
  int error_number_;
};

// A block under Runtime::Timeout() took too long.
class TimeoutExpired : public std::runtime_error {
 public:
  TimeoutExpired();
  ~TimeoutExpired() override;
};

// What travels inside a block whose deadline has passed; the end of the block turns it into
// TimeoutExpired. Thrown once.
class DeadlineReached : public std::exception {
 public:
  explicit DeadlineReached(const void* block) : block_(block) {}
  ~DeadlineReached() override;
  const char* what() const noexcept override;
  const void* block() const { return block_; }

 private:
  const void* block_;
};

// The task shall stop: thrown once, out of its next call or the one it waits in. Joining a
// cancelled task throws it too.
class Cancelled : public std::exception {
 public:
  ~Cancelled() override;
  const char* what() const noexcept override;
};

// This runtime, or this build, has no such thing; makes the cell unsupported with that reason.
class Unsupported : public std::runtime_error {
 public:
  explicit Unsupported(const std::string& reason);
  ~Unsupported() override;
};

}  // namespace trireme

#endif  // TRIREME_WORKLOAD_ERRORS_H_
