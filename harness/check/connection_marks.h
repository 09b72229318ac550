#ifndef TRIREME_HARNESS_CHECK_CONNECTION_MARKS_H_
#define TRIREME_HARNESS_CHECK_CONNECTION_MARKS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "harness/check/streams.h"

namespace trireme {

// A program can have its bytes say to whom they belong: a mark is a text that all of them begin with, and the letters, digits,
// '-' and '_' that follow it. A connection is of the mark that its client wrote first.

// The mark of another connection.
struct StrayMark {
  StreamKey stream;  // where it is
  std::string name;  // of that connection
  size_t offset = 0;
  std::string mark, own;  // "client-1" in a connection of "client-0"
  std::string origin;     // a connection that is of that mark; "" where none is
};

struct MarkSearch {
  bool found_any = false;  // a connection that is of some mark
  std::optional<StrayMark> stray;
};

// The first one, in the order of the streams. REQUIRES: `start` is not empty. Takes O(n) in the bytes.
MarkSearch FindStrayMark(const Streams& streams, std::string_view start);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_CONNECTION_MARKS_H_
