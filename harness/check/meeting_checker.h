#ifndef TRIREME_HARNESS_CHECK_MEETING_CHECKER_H_
#define TRIREME_HARNESS_CHECK_MEETING_CHECKER_H_

#include <string>
#include <string_view>
#include <vector>

#include "harness/check/checker.h"

namespace trireme {

// Nobody reads (writes) what another task waits to read (write).
//
// The rule is the probe's, applied where it is seen (harness/probe/waits.h), and the same for every runtime; a runtime
// that refuses a second reader by itself, or drops the first, is believed as well. Fails on the first meeting of two
// tasks at one object. A listening socket that several accept from is only said (`shared-listener`) unless `listeners`
// is true; so is a pipe or eventfd of which everybody takes one byte or count, at every meeting and read that is known
// (`shared-token`): it is a lock, and blocks only the asyncio hub, where it fails. Two tasks that read one stream without
// ever meeting, but without any order either, are said as well (`potential`, see unordered_reads.h). Needs two concurrent
// tasks, or a second process or thread that recorded.
class MeetingChecker : public TrialChecker {
 public:
  std::vector<CheckArgument> Arguments() const override;
  CheckResult Check(const TrialView& view, const Json& arguments) const override;

 protected:
  // "read" or "write"; the kind of SOCKET event and of finding.
  explicit MeetingChecker(std::string_view direction) : direction_(direction) {}

 private:
  std::string direction_;
};

class MultipleReadersChecker : public MeetingChecker {
 public:
  MultipleReadersChecker() : MeetingChecker("read") {}
  std::string_view Name() const override { return "multiple-readers"; }
  std::string_view Summary() const override;
};

class MultipleWritersChecker : public MeetingChecker {
 public:
  MultipleWritersChecker() : MeetingChecker("write") {}
  std::string_view Name() const override { return "multiple-writers"; }
  std::string_view Summary() const override;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_MEETING_CHECKER_H_
