#ifndef TRIREME_HARNESS_CHECK_DATAGRAM_FAULTS_H_
#define TRIREME_HARNESS_CHECK_DATAGRAM_FAULTS_H_

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/check/streams.h"

namespace trireme {

// Why a plan of faults that happen to datagrams alone was not reached: because there was none. A stream loses, doubles and
// reorders nothing.
class DatagramFaults {
 public:
  explicit DatagramFaults(const std::vector<Json>& planned);

  // The connections of one trial.
  void Note(const Streams& streams);
  // "..., and all of ... were streams"; "" where the plan does more, or where that is not so.
  std::string WhyNone() const;

 private:
  bool IsMeant(const StreamKey& key, const Stream& stream) const;

  std::vector<std::string> globs_;  // over connections; none where the plan is not of datagrams alone
  bool streams_ = false, others_ = false;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_DATAGRAM_FAULTS_H_
