#include "harness/probe/routes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/connections.h"
#include "harness/probe/fault_rules.h"
#include "harness/probe/glob.h"
#include "harness/probe/listening.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

constexpr uint32_t kChanging = ~uint32_t{0};

// A destination on this machine, without its IPv6 clothes where it is an IPv4 one.
struct Destination {
  int family = 0;  // AF_INET or AF_INET6; 0: it is none
  in_addr four{};
  in6_addr six{};
  uint16_t port = 0;  // network order
};

Destination DestinationOf(const sockaddr* address, socklen_t length) {
  Destination to;
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(address);
    to = {.family = AF_INET, .four = in->sin_addr, .port = in->sin_port};
  } else if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    const auto* in = reinterpret_cast<const sockaddr_in6*>(address);
    to = {.family = AF_INET6, .six = in->sin6_addr, .port = in->sin6_port};
    if (IN6_IS_ADDR_V4MAPPED(&to.six)) {
      to.family = AF_INET;
      memcpy(&to.four, &to.six.s6_addr[12], sizeof(to.four));
    }
  }
  // To no address.
  if (to.four.s_addr == htonl(INADDR_ANY)) to.four.s_addr = htonl(INADDR_LOOPBACK);
  if (IN6_IS_ADDR_UNSPECIFIED(&to.six)) to.six = in6addr_loopback;
  const bool stays = to.family == AF_INET ? ntohl(to.four.s_addr) >> 24 == 127
                                          : IN6_IS_ADDR_LOOPBACK(&to.six) != 0;
  return stays ? to : Destination();
}

bool IsTo(const char* wanted, const Destination& to) {
  if (wanted[0] == '\0') return true;
  char host[INET6_ADDRSTRLEN] = "";
  const bool four = to.family == AF_INET;
  const void* address = four ? static_cast<const void*>(&to.four) : &to.six;
  inet_ntop(to.family, address, host, sizeof(host));
  TextBuffer text;
  text.Add(four ? "" : "[").Add(host).Add(four ? ":" : "]:").AddNumber(ntohs(to.port));
  return strcmp(wanted, text.text()) == 0;
}

const trireme_route* RouteOf(const trireme_connection& connection, const Destination& to) {
  const trireme_plan* plan = ActivePlan();
  for (uint32_t i = 0; i < plan->routes && i < TRIREME_PLAN_ROUTES; ++i) {
    const trireme_route& route = plan->route[i];
    const char* glob = route.connection;
    const bool meant =
        glob[0] == '\0' || MatchesGlob(glob, connection.id) || MatchesGlob(glob, connection.name);
    if (route.port != 0 && meant && IsTo(route.to, to)) return &route;
  }
  return nullptr;
}

// Not where one of both ends of the way is missing. Nobody listens whom the proxy could pass the connection on to: it would take
// it first and reset it then, so the program would be connected, and how far it got with that would be a matter of time. Or the
// proxy is not there any more, as a program sees it that outlives the harness. Where neither listens the kernel does not tell.
bool LeadsOn(const trireme_route& route, const Destination& to) {
  const void* address = to.family == AF_INET ? static_cast<const void*>(&to.four) : &to.six;
  const in_addr own{htonl(INADDR_LOOPBACK)};
  return IsListening(to.family, address, to.port) ==
         IsListening(AF_INET, &own, htons(route.port));
}

// 127.0.0.1 or ::1, in the family of the socket.
socklen_t ProxyAddress(const trireme_route& route, const Destination& to, int socket_family,
                       sockaddr_storage* instead) {
  memset(instead, 0, sizeof(*instead));
  if (socket_family == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(instead);
    in->sin_family = AF_INET;
    in->sin_port = htons(route.port);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sizeof(*in);
  }
  auto* in = reinterpret_cast<sockaddr_in6*>(instead);
  in->sin6_family = AF_INET6;
  in->sin6_port = htons(route.port);
  in->sin6_addr = in6addr_loopback;
  if (to.family == AF_INET) {  // ::ffff:127.0.0.1
    memset(&in->sin6_addr, 0, sizeof(in->sin6_addr));
    in->sin6_addr.s6_addr[10] = in->sin6_addr.s6_addr[11] = 0xff;
    in->sin6_addr.s6_addr[12] = 127;
    in->sin6_addr.s6_addr[15] = 1;
  }
  return sizeof(*in);
}

trireme_passage* PassageAt(uint32_t key, uint32_t i) {
  trireme_plan* plan = ActivePlan();
  char* start = reinterpret_cast<char*>(plan) - offsetof(trireme_header, plan);
  const uint32_t place = (trireme_passage_start(key, plan->passages) + i) & (plan->passages - 1);
  return reinterpret_cast<trireme_passage*>(start + plan->passages_at) + place;
}

// As the harness does it: one of the same key first, then a free one, then one that is over.
trireme_passage* ClaimPassage(uint32_t key) {
  for (int round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < TRIREME_PASSAGE_REACH; ++i) {
      trireme_passage* passage = PassageAt(key, i);
      uint32_t now = __atomic_load_n(&passage->key, __ATOMIC_ACQUIRE);
      const bool wanted = round == 0   ? (now & ~TRIREME_PASSAGE_OVER) == key
                          : round == 1 ? now == 0
                                       : now != kChanging && (now & TRIREME_PASSAGE_OVER) != 0;
      if (wanted && __atomic_compare_exchange_n(&passage->key, &now, kChanging, false,
                                                __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        return passage;
    }
  }
  __atomic_fetch_add(&ActivePlan()->unseen, 1, __ATOMIC_RELAXED);
  return nullptr;
}

uint16_t PortOf(const sockaddr_storage& own) {
  return ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(own).sin6_port
                                         : reinterpret_cast<const sockaddr_in&>(own).sin_port);
}

// Of the own port of a socket, by the family in which the proxy sees it.
uint32_t PassageKey(uint16_t port, bool six, bool onward) {
  return TRIREME_PASSAGE_USED | (onward ? TRIREME_PASSAGE_ONWARD : 0) |
         (six ? TRIREME_PASSAGE_IPV6 : 0) | port;
}

bool IsIpv6(const sockaddr_storage& address) {
  return address.ss_family == AF_INET6 &&
         !IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

// The address that the program named, of the host that this is.
sockaddr_storage TargetOf(const sockaddr* address, socklen_t size, const Destination& to) {
  sockaddr_storage target{};
  memcpy(&target, address, size);
  auto& six = reinterpret_cast<sockaddr_in6&>(target).sin6_addr;
  if (target.ss_family == AF_INET)
    reinterpret_cast<sockaddr_in&>(target).sin_addr = to.four;
  else if (to.family == AF_INET6)
    six = to.six;
  else
    memcpy(&six.s6_addr[12], &to.four, sizeof(to.four));
  return target;
}

bool HasRoutes() {
  const trireme_plan* plan = ActivePlan();
  return plan != nullptr && __atomic_load_n(&plan->routes, __ATOMIC_RELAXED) != 0 &&
         plan->passages != 0;
}

}  // namespace

socklen_t RouteFor(int fd, uint16_t own_port, const sockaddr* address, socklen_t length,
                   sockaddr_storage* instead) {
  if (!HasRoutes() || address == nullptr || length < sizeof(sa_family_t)) return 0;
  const ConnectionEnd end = EndOf(fd);
  if (end.connection == nullptr || end.side != kClient || end.medium != Medium::kStream) return 0;
  const Destination to = DestinationOf(address, length);
  if (to.family == 0) return 0;
  const trireme_route* route = RouteOf(*end.connection, to);
  sockaddr_storage own{};
  socklen_t own_size = sizeof(own);
  if (route == nullptr || syscall(SYS_getsockname, fd, &own, &own_size) != 0) return 0;
  if (!LeadsOn(*route, to)) return 0;
  const uint16_t port = own_port != 0 ? own_port : PortOf(own);
  const uint32_t key = PassageKey(port, to.family == AF_INET6, false);
  trireme_passage* passage = ClaimPassage(key);
  if (passage == nullptr) return 0;
  passage->place = IndexOf(end.connection);
  passage->number = end.connection->number;
  passage->target_size = length < sizeof(passage->target) ? length : sizeof(passage->target);
  const sockaddr_storage target = TargetOf(address, passage->target_size, to);
  memcpy(passage->target, &target, passage->target_size);
  __atomic_store_n(&passage->key, key, __ATOMIC_RELEASE);
  return ProxyAddress(*route, to, address->sa_family, instead);
}

void LeaveRoute(uint16_t own_port, const sockaddr_storage& instead) {
  const uint32_t key = PassageKey(own_port, IsIpv6(instead), false);
  for (uint32_t i = 0; i < TRIREME_PASSAGE_REACH; ++i) {
    uint32_t now = key;
    if (__atomic_compare_exchange_n(&PassageAt(key, i)->key, &now, 0, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_RELAXED))
      return;
  }
}

trireme_connection* PassedOnFrom(const sockaddr_storage& client, bool over) {
  if (!HasRoutes() || (client.ss_family != AF_INET && client.ss_family != AF_INET6)) return nullptr;
  const uint32_t key = PassageKey(PortOf(client), IsIpv6(client), true);
  const uint32_t wanted = over ? key | TRIREME_PASSAGE_OVER : key;
  for (uint32_t i = 0; i < TRIREME_PASSAGE_REACH; ++i) {
    const trireme_passage* passage = PassageAt(key, i);
    const uint32_t now = __atomic_load_n(&passage->key, __ATOMIC_ACQUIRE);
    if (now != wanted || passage->place >= ActivePlan()->connections)
      continue;
    trireme_connection* connection = ConnectionAt(passage->place);
    return connection->number == passage->number ? connection : nullptr;
  }
  return nullptr;
}

}  // namespace trireme
