#include "harness/engine/port_shares.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <sstream>

#include "harness/base/file.h"
#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr int kLastPort = 65535;
constexpr int kFewestServers = 16;  // with fewer, they are taken too often
constexpr int kFewestOfSlice = 64;
constexpr size_t kMostSlices = 16;
constexpr int kProxyPart = 8;  // one of so many

// "8080" and "30000-30099".
std::optional<PortInterval> ParseInterval(const std::string& text) {
  const size_t dash = text.find('-');
  const std::optional<uint64_t> first = ParseUnsigned(text.substr(0, dash));
  const std::optional<uint64_t> last =
      dash == std::string::npos ? first : ParseUnsigned(text.substr(dash + 1));
  if (!first || !last || *last > kLastPort || *first > *last) return std::nullopt;
  return PortInterval{static_cast<int>(*first), static_cast<int>(*last)};
}

// What is left of `whole`.
std::vector<PortInterval> Without(PortInterval whole, const std::vector<PortInterval>& reserved) {
  std::vector<PortInterval> left;
  for (const PortInterval& each : reserved) {
    if (each.last < whole.first || each.first > whole.last) continue;
    if (each.first > whole.first) left.push_back({whole.first, each.first - 1});
    whole.first = each.last + 1;
  }
  if (whole.count() > 0) left.push_back(whole);
  return left;
}

PortInterval TrialsPart(const PortInterval& range) {
  return {range.first, range.last - range.count() / kProxyPart};
}

PortInterval Longest(const std::vector<PortInterval>& intervals) {
  const auto longest = std::max_element(
      intervals.begin(), intervals.end(),
      [](const PortInterval& a, const PortInterval& b) { return a.count() < b.count(); });
  return longest == intervals.end() ? PortInterval() : *longest;
}

// Those with the parity of `like`, so many from the first on.
PortRange EachSecond(const PortInterval& interval, int like) {
  const int first = interval.first + (interval.first + like) % 2;
  const int count = std::max(0, (interval.last - first) / 2 + 1);
  return {static_cast<uint16_t>(first),
          static_cast<uint16_t>(first > interval.last ? 0 : 2 * count)};
}

// The shares of that many of servers each, until there are `slots`.
std::vector<PortRange> Divide(const std::vector<PortRange>& servers, int each, size_t slots) {
  std::vector<PortRange> shares;
  for (const PortRange& range : servers)
    for (int i = 0; (i + 1) * each * 2 <= range.count && shares.size() < slots; ++i)
      shares.push_back({static_cast<uint16_t>(range.first + i * each * 2),
                        static_cast<uint16_t>(each * 2)});
  return shares;
}

// As many each as there can be for all; none where these are too few.
std::vector<PortRange> DivideEqually(const std::vector<PortRange>& servers, size_t slots) {
  int sum = 0;
  for (const PortRange& range : servers) sum += range.count / 2;
  for (int each = sum / static_cast<int>(slots); each >= kFewestServers; --each)
    if (std::vector<PortRange> shares = Divide(servers, each, slots); shares.size() == slots)
      return shares;
  return {};
}

// The k-th of `slices` equal parts.
PortInterval Slice(const PortInterval& whole, size_t k, size_t slices) {
  const auto begin = [&](size_t i) {
    return whole.first + static_cast<int>(static_cast<size_t>(whole.count()) * i / slices);
  };
  return {begin(k), begin(k + 1) - 1};
}

// Without these, the trials of a run have no shares at all.
size_t SlicesFor(size_t slots, const PortInterval& whole, size_t slices) {
  const size_t ports = slots * kFewestServers * 2;
  return slices == 0 ? 0 : ports * slices / static_cast<size_t>(whole.count()) + 1;
}

// Of the slices, in order; those that touch are one.
std::vector<PortInterval> Joined(const PortInterval& whole, const std::vector<size_t>& taken,
                                 size_t slices) {
  std::vector<PortInterval> joined;
  for (const size_t k : taken) {
    const PortInterval slice = Slice(whole, k, slices);
    if (!joined.empty() && joined.back().last + 1 == slice.first)
      joined.back().last = slice.last;
    else
      joined.push_back(slice);
  }
  return joined;
}

std::vector<PortInterval> FreeOf(const std::vector<PortInterval>& intervals,
                                 const std::vector<PortInterval>& reserved) {
  std::vector<PortInterval> free;
  for (const PortInterval& interval : intervals)
    for (const PortInterval& part : Without(interval, reserved)) free.push_back(part);
  return free;
}

struct SliceName {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  socklen_t size;

  SliceName(const PortInterval& range, size_t slice) {
    const std::string name = "trireme/ports/" + std::to_string(range.first) + "-" +
                             std::to_string(range.last) + "/" + std::to_string(slice);
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

UniqueFd NameSocket() { return UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

bool IsTaken(const SliceName& name) {
  const UniqueFd asker = NameSocket();
  return asker.valid() && ::connect(asker.get(), name.get(), name.size) == 0;
}

}  // namespace

std::optional<KernelPorts> KernelPorts::Parse(const std::string& range,
                                              const std::string& reserved) {
  std::istringstream words(range);
  KernelPorts ports;
  if (!(words >> ports.range.first >> ports.range.last)) return std::nullopt;
  if (ports.range.first <= 0 || ports.range.count() < 1 || ports.range.last > kLastPort)
    return std::nullopt;
  for (const std::string& part : Split(std::string(Trim(reserved)), ','))
    if (const std::optional<PortInterval> interval = ParseInterval(part))
      ports.reserved.push_back(*interval);
  return ports;
}

std::optional<KernelPorts> KernelPorts::Read() {
  const std::string folder = "/proc/sys/net/ipv4/";
  const Result<std::string> range = ReadFile(folder + "ip_local_port_range", 4096);
  if (!range.ok()) return std::nullopt;
  const Result<std::string> reserved = ReadFile(folder + "ip_local_reserved_ports");
  return Parse(*range, reserved.ok() ? *reserved : "");
}

PortRange PortsOfClients(const std::optional<KernelPorts>& ports) {
  if (!ports) return {};
  return EachSecond(Longest(Without(TrialsPart(ports->range), ports->reserved)),
                    ports->range.first);
}

PortShares::PortShares(const std::optional<KernelPorts>& ports, size_t slots)
    : clients_(PortsOfClients(ports)) {
  if (!ports) return;
  const PortInterval trials = TrialsPart(ports->range);
  const PortInterval proxies{trials.last + 1, ports->range.last};
  const int of_servers = ports->range.first + 1;  // the kernel looks for clients' from the first on
  const size_t slices = std::min<size_t>(trials.count() / kFewestOfSlice, kMostSlices);
  const std::vector<size_t> taken = Take(*ports, slices, SlicesFor(slots, trials, slices));
  none_left_ = slices > 0 && taken.empty();
  std::vector<PortRange> servers;
  for (const PortInterval& free : FreeOf(Joined(trials, taken, slices), ports->reserved))
    servers.push_back(EachSecond(free, of_servers));
  trials_ = DivideEqually(servers, slots);
  proxies_ =
      EachSecond(Longest(FreeOf(Joined(proxies, taken, slices), ports->reserved)), of_servers);
}

PortRange PortShares::OfTrial(size_t slot) const {
  return slot < trials_.size() ? trials_[slot] : PortRange();
}

// Those that other runs take meanwhile are passed over.
std::vector<size_t> PortShares::Take(const KernelPorts& ports, size_t slices, size_t fewest) {
  size_t left = 0;
  for (size_t slice = 0; slice < slices; ++slice) left += IsTaken({ports.range, slice}) ? 0 : 1;
  const size_t wanted = std::max((left + 2) / 3, fewest);
  std::vector<size_t> taken;
  for (size_t slice = 0; slice < slices && taken.size() < wanted; ++slice) {
    const SliceName name(ports.range, slice);
    UniqueFd owner = NameSocket();
    if (!owner.valid() || ::bind(owner.get(), name.get(), name.size) != 0) continue;
    taken_.push_back(std::move(owner));
    taken.push_back(slice);
  }
  return taken;
}

}  // namespace trireme
