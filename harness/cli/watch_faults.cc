#include "harness/cli/watch_faults.h"

#include <algorithm>
#include <map>

#include "harness/base/locations.h"
#include "harness/base/strings.h"
#include "harness/check/datagram_faults.h"
#include "harness/check/reused_connections.h"
#include "harness/check/streams.h"
#include "harness/cli/fault_support.h"
#include "harness/cli/faults.h"
#include "harness/cli/run_preparation.h"
#include "harness/cli/vocabulary.h"
#include "reports/words.h"

namespace trireme {

Result<WatchFaults> ReadWatchFaults(const std::optional<std::string>& plan,
                                    const std::optional<std::string>& seed) {
  WatchFaults read;
  if (seed) {
    const std::optional<uint64_t> number = ParseUnsigned(*seed);
    if (!number)
      return UsageError("option --seed: '" + *seed + "' is not a number such as 17 or 0x5eed");
    read.seed = *number;
  }
  if (!plan) return read;
  const std::vector<std::string> paths = ScenarioPaths({}, FindLocations());
  TRIREME_ASSIGN_OR_RETURN(const FaultPlan found, ReadFaultOption(*plan, MakeVocabulary(paths)));
  for (const Fault& fault : found.faults) {
    if (const std::string why = WhyNotWatched(fault); !why.empty())
      return UsageError(
          "option --faults: no watched program can suffer fault '" + fault.name + "': " + why,
          "'trireme run --faults " + *plan + " -- CMD' runs the program as a workload");
    if (std::find(read.names.begin(), read.names.end(), fault.name) == read.names.end())
      read.names.push_back(fault.name);
  }
  if (const std::string why = WhyFaultsUnsupported(found); !why.empty())
    return InfrastructureError("option --faults: " + why);
  TRIREME_ASSIGN_OR_RETURN(read.compiled, CompilePlan(found, read.seed));
  read.plan = found.name;
  read.all = found.ToJson();
  read.parsed = found;
  return read;
}

namespace {

// "lose (it is for datagrams, and ...)"
std::string NotReachedInWords(const std::string& name, const Json& planned,
                              const Streams& streams) {
  std::vector<Json> named;
  for (const Json& fault : GetMember(planned, "all"))
    if (GetString(fault, "name") == name) named.push_back(fault);
  DatagramFaults datagrams(named);
  datagrams.Note(streams);
  const std::string why = datagrams.WhyNone();
  return name + (why.empty() ? "" : " (" + why + ")");
}

}  // namespace

std::string AppliedInWords(const WatchFaults& faults, const History& history,
                           const std::vector<AppliedFault>& suffered) {
  const Streams streams = ReadStreams({.history = &history});
  std::map<std::string, int64_t> applied;
  for (const AppliedFault& fault : suffered) ++applied[fault.name];
  std::vector<std::string> reached, others;
  for (const std::string& name : faults.names)
    if (const int64_t count = applied[name]; count > 0)
      reached.push_back(name + " " + Counted(count, "time"));
    else
      others.push_back(NotReachedInWords(name, faults.all, streams));
  const std::string missing = others.empty() ? "" : "not reached: " + Join(others, ", ");
  return Join(reached, ", ") + (reached.empty() || others.empty() ? "" : "; ") + missing;
}

std::vector<std::string> ReusedLines(const History& history,
                                     const std::vector<AppliedFault>& applied) {
  constexpr size_t kMost = 10;
  std::vector<std::string> lines;
  const std::vector<ReusedConnection> reused = ReusedConnections({.history = &history}, applied);
  for (const ReusedConnection& one : reused)
    if (lines.size() < kMost) lines.push_back("reused connection " + ReusedInWords(one.ToJson()));
  if (reused.size() > kMost)
    lines.push_back("and " + Counted(static_cast<int64_t>(reused.size() - kMost), "connection") +
                    " more that were reused");
  return lines;
}

}  // namespace trireme
