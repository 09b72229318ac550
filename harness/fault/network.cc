#include "harness/fault/network.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "harness/base/rng.h"
#include "harness/base/strings.h"
#include "harness/fault/class_table.h"

namespace trireme {
namespace {

// Of the datagrams, where `reorder` is asked for: often enough to be seen in ten of them, seldom enough for most to stay in order.
constexpr double kReorderShare = 0.25;

// `key` is the one at fault; "": all of them.
Diagnostic NetworkError(const Fault& fault, const std::string& key, const std::string& message,
                        const std::string& hint) {
  return FaultKeyError(fault, key, "network: " + message, hint);
}

Status ReadWays(const Fault& fault, NetworkFault* network) {
  // What happens once to a whole connection happens at a byte of one direction: of two, time would choose.
  const Json& members = fault.members;
  const bool one_way = members.contains("cut") || network->half_close;
  const std::string direction = GetString(members, "direction", one_way ? "down" : "both");
  if (direction != "up" && direction != "down" && direction != "both")
    return NetworkError(fault, "direction", "unknown direction '" + direction + "'",
                        "up is from client to server, down is back, both is the default");
  if (one_way && direction == "both")
    return NetworkError(fault, "direction",
                        members.contains("cut") ? "cut is at a byte of one direction"
                                                : "half-close is of one direction",
                        "say direction: up or direction: down, or close: fin for both");
  network->up = direction != "down";
  network->down = direction != "up";
  return Done{};
}

Status ReadClose(const Fault& fault, NetworkFault* network) {
  const Json& members = fault.members;
  const std::string how = GetString(members, "close", members.contains("cut") ? "rst" : "");
  if (how == "fin") network->close = NetworkFault::Close::kFin;
  if (how == "rst") network->close = NetworkFault::Close::kRst;
  if (!how.empty() && network->close == NetworkFault::Close::kNone)
    return NetworkError(fault, "close", "unknown close '" + how + "'", "fin, or rst for a reset");
  return Done{};
}

Status ReadTarget(const Fault& fault, NetworkFault* network) {
  const std::string to = GetString(fault.members, "to");
  if (to.empty()) return Done{};
  Result<LoopbackAddress> address = LoopbackAddress::Parse(to);
  if (!address.ok())
    return NetworkError(fault, "to", "to: " + address.error().message, address.error().hint);
  if (address->family() == AF_UNIX)
    return NetworkError(fault, "to",
                        "to: a connection to a Unix socket cannot go through the proxy",
                        "let the server listen on 127.0.0.1, or say a fault on system calls");
  network->to = *std::move(address);
  return Done{};
}

// What is there, but has no effect.
Status CheckAmounts(const Fault& fault) {
  for (const char* name :
       {"bandwidth", "slice", "latency", "jitter", "stall", "for", "loss", "duplicate"}) {
    const Json& value = GetMember(fault.members, name);
    if (value.is_number() && value.get<double>() <= 0)
      return NetworkError(fault, name, std::string(name) + ": 0 changes nothing",
                          std::string(name) == "bandwidth" ? "say half-open: true for a link that "
                                                             "forwards nothing"
                                                           : "leave it out");
  }
  for (const char* name : {"loss", "duplicate"})
    if (fault.members.contains(name) && ChanceOf(GetDouble(fault.members, name)) == 0)
      return NetworkError(fault, name, std::string(name) + " is too small to ever happen",
                          "at least 1e-19 of the datagrams");
  for (const char* name : {"loss", "duplicate"})
    if (GetDouble(fault.members, name) > 1)
      return NetworkError(fault, name, std::string(name) + " is a share of the datagrams",
                          "say one from 0 to 1");
  return Done{};
}

// Of what happens at a byte, one thing can; the rest would never be reached.
Status CheckEvents(const Fault& fault, const NetworkFault& network) {
  const bool closes = network.close != NetworkFault::Close::kNone;
  if (closes + network.half_open + network.half_close > 1)
    return NetworkError(fault, network.half_open ? "half-open" : "half-close",
                        std::string(network.half_open ? "half-open" : "half-close") + " and " +
                            (closes ? "close" : "half-close") + " contradict each other",
                        "make two faults of them, on other connections or at other times");
  if (network.offset && !network.half_open && !network.half_close && network.stall == 0)
    return NetworkError(
        fault, "offset", "offset says where a stall, half-open or half-close begins",
        closes ? "say cut for the byte at which a connection is lost" : "add one of them");
  if (network.offset && closes && *network.offset >= network.cut.value_or(0))
    return NetworkError(fault, "offset",
                        "a stall at byte " + std::to_string(*network.offset) +
                            " is never reached: the connection is lost before",
                        "let it begin at a smaller offset");
  return Done{};
}

// A rule of the probe holds no address: with one, datagrams to anyone would be hit. Nor does it know a direction: of two datagram
// sockets neither has listened, so that `down` would hit nothing, and `up` the answers as well.
Status CheckAny(const Fault& fault, const NetworkFault& network) {
  const bool datagrams = network.loss > 0 || network.duplicate > 0 || network.reorder > 0;
  if (datagrams && !(network.up && network.down))
    return NetworkError(fault, "direction",
                        "direction: loss, duplicate and reorder hit datagrams, which have no "
                        "client and no server",
                        "leave `direction` out, or say connection: \"GLOB\" over the task that "
                        "sends; what else has a direction is a fault of its own");
  if (datagrams && network.to)
    return NetworkError(fault, "to",
                        "to: loss, duplicate and reorder hit datagrams, whoever they are for",
                        "leave `to` out, or say connection: \"GLOB\" over the task that sends");
  if (datagrams || network.NeedsProxy()) return Done{};
  return NetworkError(fault, "", "nothing happens to the connections",
                      "say one of latency, bandwidth, slice, stall, half-open, half-close, close, "
                      "cut, reorder, loss, duplicate");
}

void CopyText(const std::string& text, char* to, size_t size) {
  std::memset(to, 0, size);
  std::memcpy(to, text.data(), std::min(text.size(), size - 1));
}

}  // namespace

const char* WayName(Way way) { return way == Way::kUp ? "up" : "down"; }

bool NetworkFault::NeedsProxy() const {
  return latency > 0 || jitter > 0 || bandwidth > 0 || slice > 0 || stall > 0 || half_open ||
         half_close || close != Close::kNone;
}

const FaultClass& NetworkFaultClass() {
  static const FaultClass fault_class{
      .key = "network",
      .summary = "a slow, broken or half-open network between two ends, on this machine",
      .fields = {
          {"latency", "duration", "how much later each byte comes"},
          {"jitter", "duration", "by chance up to so much later still, in order"},
          {"bandwidth", "bandwidth", "what passes in each direction"},
          {"slice", "bytes", "forwarded in pieces of that size"},
          {"stall", "duration", "nothing is forwarded for so long, once in each direction"},
          {"half-open", "boolean", "from then on nothing is forwarded, and nothing closed"},
          {"half-close", "boolean", "one direction ends (default: down), the other goes on"},
          {"offset", "bytes",
           "byte at which stall, half-open or half-close begin (default: at once)"},
          {"close", "text", "fin or rst: both ends are closed at once, or at byte `cut`"},
          {"cut", "bytes", "the connection is lost at that byte of `direction` (default: down)"},
          {"reorder", "boolean", "datagrams: a quarter of them come after the next one"},
          {"loss", "share", "datagrams: so many are lost"},
          {"duplicate", "share", "datagrams: so many come twice"},
          {"direction", "text", "up (client to server), down or both (default)"},
          {"to", "text", "only connections to this address, as 127.0.0.1:5432"},
          {"connection", "text", "glob over a connection's id or name (default: every one)"},
          {"after", "duration", "it begins so long after the trial"},
          {"for", "duration", "and ends so long after that (default: never)"},
      }};
  return fault_class;
}

Result<NetworkFault> ReadNetworkFault(const Fault& fault) {
  const Json& members = fault.members;
  NetworkFault network;
  network.name = fault.name;
  network.seed = fault.seed.value_or(0);
  network.connection = GetString(members, "connection");
  if (network.connection.size() >= sizeof(trireme_route::connection))
    return NetworkError(fault, "connection",
                        "connection: longer than " +
                            std::to_string(sizeof(trireme_route::connection) - 1) + " bytes",
                        "shorten it by a *");
  network.after = GetInt(members, "after");
  network.duration = GetInt(members, "for");
  network.latency = GetInt(members, "latency");
  network.jitter = GetInt(members, "jitter");
  network.bandwidth = GetInt(members, "bandwidth");
  network.slice = GetInt(members, "slice");
  network.stall = GetInt(members, "stall");
  if (members.contains("offset")) network.offset = GetInt(members, "offset");
  if (members.contains("cut")) network.cut = GetInt(members, "cut");
  network.half_open = GetBool(members, "half-open");
  network.half_close = GetBool(members, "half-close");
  network.loss = GetDouble(members, "loss");
  network.duplicate = GetDouble(members, "duplicate");
  network.reorder = GetBool(members, "reorder") ? kReorderShare : 0;
  TRIREME_RETURN_IF_ERROR(CheckAmounts(fault));
  TRIREME_RETURN_IF_ERROR(ReadWays(fault, &network));
  TRIREME_RETURN_IF_ERROR(ReadClose(fault, &network));
  TRIREME_RETURN_IF_ERROR(ReadTarget(fault, &network));
  TRIREME_RETURN_IF_ERROR(CheckEvents(fault, network));
  TRIREME_RETURN_IF_ERROR(CheckAny(fault, network));
  return network;
}

Status CheckNetworkFault(const Fault& fault) {
  const Result<NetworkFault> network = ReadNetworkFault(fault);
  if (!network.ok()) return network.error();
  return Done{};
}

Status CompileNetworkFault(const Fault& fault, uint32_t number, uint64_t seed, CompiledPlan& plan) {
  TRIREME_ASSIGN_OR_RETURN(NetworkFault network, ReadNetworkFault(fault));
  network.number = static_cast<uint16_t>(number);
  network.seed = seed;
  for (const trireme_fault_rule& rule : DatagramRules(network)) plan.rules.push_back(rule);
  if (!network.NeedsProxy()) return Done{};
  plan.passages = kPlanPassages;
  if (plan.block.routes < TRIREME_PLAN_ROUTES) {
    FillRoute(network, 0, &plan.block.route[plan.block.routes++]);
    return Done{};
  }
  // The proxy knows by itself which fault a connection suffers: what the table cannot tell apart all goes there.
  trireme_route& last = plan.block.route[TRIREME_PLAN_ROUTES - 1];
  last.connection[0] = last.to[0] = '\0';
  return Done{};
}

void FillRoute(const NetworkFault& fault, uint16_t port, trireme_route* route) {
  CopyText(fault.connection, route->connection, sizeof(route->connection));
  CopyText(fault.to ? fault.to->ToString() : "", route->to, sizeof(route->to));
  route->port = port;
  route->fault = fault.number;
  route->reserved = 0;
}

std::vector<trireme_fault_rule> DatagramRules(const NetworkFault& fault) {
  struct Kind {
    trireme_fault_action action;
    double share;
  };
  const std::array<Kind, 3> kinds{{{TRIREME_DO_DROP, fault.loss},
                                   {TRIREME_DO_DUPLICATE, fault.duplicate},
                                   {TRIREME_DO_REORDER, fault.reorder}}};
  std::vector<trireme_fault_rule> rules;
  for (const Kind& kind : kinds) {
    if (kind.share <= 0) continue;
    trireme_fault_rule rule{};
    CopyText(fault.name, rule.name, sizeof(rule.name));
    CopyText(fault.connection, rule.connection, sizeof(rule.connection));
    // Each kind draws for itself, or what is lost would be what comes twice and late. The first has the fault's own seed.
    rule.seed = rules.empty() ? fault.seed : Mix64(fault.seed ^ Mix64(kind.action));
    rule.when = kind.share >= 1 ? TRIREME_WHEN_ALWAYS : TRIREME_WHEN_CHANCE;
    rule.chance = ChanceOf(kind.share);
    rule.after = static_cast<uint64_t>(fault.after);
    rule.until = fault.duration > 0 ? static_cast<uint64_t>(fault.after + fault.duration) : 0;
    rule.calls = 1U << TRIREME_CALL_SEND;
    rule.fault = fault.number;
    rule.action = static_cast<uint8_t>(kind.action);
    rules.push_back(rule);
  }
  return rules;
}

}  // namespace trireme
