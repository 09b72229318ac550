#include "harness/check/datagram_faults.h"

#include <algorithm>

#include "harness/base/strings.h"

namespace trireme {
namespace {

bool HasOnly(const Json& members, std::initializer_list<const char*> keys) {
  if (!members.is_object() || members.empty()) return false;
  for (const auto& [key, value] : members.items())
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) return false;
  return true;
}

bool IsOfDatagrams(const Json& fault) {
  const Json& network = GetMember(fault, "network");
  if (network.is_object())
    return HasOnly(network, {"loss", "duplicate", "reorder", "connection", "after", "for"});
  return HasOnly(GetMember(fault, "do"), {"drop", "duplicate", "reorder"});
}

std::string GlobOfFault(const Json& fault) {
  const Json& network = GetMember(fault, "network");
  const std::string glob =
      GetString(network.is_object() ? network : GetMember(fault, "at"), "connection");
  return glob.empty() ? "*" : glob;
}

}  // namespace

DatagramFaults::DatagramFaults(const std::vector<Json>& planned) {
  if (!std::all_of(planned.begin(), planned.end(), IsOfDatagrams)) return;
  for (const Json& fault : planned) globs_.push_back(GlobOfFault(fault));
}

bool DatagramFaults::IsMeant(const StreamKey& key, const Stream& stream) const {
  return std::any_of(globs_.begin(), globs_.end(), [&](const std::string& glob) {
    return GlobMatches(glob, key.connection) || GlobMatches(glob, stream.name);
  });
}

// A file is no connection.
void DatagramFaults::Note(const Streams& streams) {
  if (globs_.empty()) return;
  for (const auto& [key, stream] : streams) {
    if (stream.kind == "file" || !IsMeant(key, stream)) continue;
    (stream.kind == "datagram" || stream.kind.empty() ? others_ : streams_) = true;
  }
}

std::string DatagramFaults::WhyNone() const {
  if (!streams_ || others_) return "";
  return "it is for datagrams, and the connections that it names were all streams";
}

}  // namespace trireme
