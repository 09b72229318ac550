#ifndef TRIREME_HARNESS_CHECK_SOCKET_EVENTS_H_
#define TRIREME_HARNESS_CHECK_SOCKET_EVENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/check/trial_view.h"

namespace trireme {

// One of the two at a meeting.
struct Waiter {
  uint32_t task = 0;  // 0: the thread runs none
  int64_t process = 0, thread = 0, fd = -1;
  std::string name;  // as its runtime calls it, "" when nobody said
  std::vector<std::string> stack;
  bool takes_one = false;   // one byte of a pipe, or one count
  bool takes_more = false;  // neither is so where it is not known how much
};

// Two tasks at one kernel object: SOCKET events of probe_abi.h.
struct Meeting {
  std::string action;  // second-reader, second-writer, shared-listener, rejected, replaced
  std::string kind;    // stream, datagram, pipe, eventfd; "" where only the runtime told
  std::string how;     // read, poll, epoll
  std::string local, peer, message;
  uint64_t object = 0;
  int64_t time = 0;
  bool other_known = false;
  Waiter first, second;  // who waited, who came
};

// What one call moved, after a meeting.
struct Transfer {
  uint64_t object = 0;
  int64_t time = 0, bytes = 0;  // -errno
  uint32_t task = 0;
  int64_t process = 0, thread = 0;
  bool takes_one = false;
  std::string name{};                // of whoever called, and where; where that was told
  std::vector<std::string> stack{};
};

// Those of one direction, "read" or "write", in the order of their times.
std::vector<Meeting> MeetingsOf(const TrialView& view, std::string_view direction);
std::vector<Transfer> TransfersOf(const TrialView& view, std::string_view direction);

// Where who waited in another process was: that is told when its call returns. False: it is not known.
bool FindStackOfFirst(Meeting& meeting, const std::vector<Transfer>& transfers);

// What became of two readers of one object: second-rejected, fifo, first-starves, second-steals; "" where nobody got
// anything.
std::string OutcomeOf(const TrialView& view, const Meeting& meeting,
                      const std::vector<Meeting>& meetings, const std::vector<Transfer>& transfers);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_SOCKET_EVENTS_H_
