#include "trireme/errors.h"

#include <netdb.h>

#include <cerrno>
#include <cstring>

namespace trireme {

IoError::IoError(int error_number, const std::string& what)
    : std::runtime_error(what + ": " + std::strerror(error_number)), error_number_(error_number) {}
IoError::~IoError() = default;

NoReply::NoReply() : IoError(ECONNRESET, "the server closed the connection without a reply") {}
NoReply::~NoReply() = default;

EndOfStream::EndOfStream() : std::runtime_error("the peer ended the stream") {}
EndOfStream::~EndOfStream() = default;

ResolveError::ResolveError(int error_number, const std::string& host)
    : std::runtime_error(host + ": " + ::gai_strerror(error_number)), error_number_(error_number) {}
ResolveError::~ResolveError() = default;

TimeoutExpired::TimeoutExpired() : std::runtime_error("the block took too long") {}
TimeoutExpired::~TimeoutExpired() = default;

DeadlineReached::~DeadlineReached() = default;
const char* DeadlineReached::what() const noexcept { return "a deadline passed"; }

Cancelled::~Cancelled() = default;
const char* Cancelled::what() const noexcept { return "the task was cancelled"; }

Unsupported::Unsupported(const std::string& reason) : std::runtime_error(reason) {}
Unsupported::~Unsupported() = default;

}  // namespace trireme
