#include "harness/cli/eventlet_names.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr std::array kEventletNames = {
    EventletName{"spawn_n", "spawn",
                 "Nobody can wait for what spawn_n started, so its exception is only printed. "
                 "Spawn it and join it, or the exception is an unhandled-exception finding."},
    EventletName{"spawn_after_local", "spawn_after",
                 "It also dies with the task that spawned it: cancel it there."},
    EventletName{"GreenThread", "spawn join cancel", ""},
    EventletName{"GreenThread.wait", "join", ""},
    EventletName{"GreenThread.link", "join", "Spawn a task that joins it, then calls."},
    EventletName{"GreenThread.kill", "cancel", ""},
    EventletName{"kill", "cancel", ""},
    EventletName{"GreenPool", "pool pool.map pool.join", ""},
    EventletName{"GreenPile", "gather pool.map", ""},
    EventletName{"tpool", "offload", ""},
    EventletName{"tpool.execute", "offload", ""},
    EventletName{"LightQueue", "queue", ""},
    EventletName{"PriorityQueue", "queue",
                 "Its order has no counterpart: keep a heap behind a condition."},
    EventletName{"with_timeout", "timeout", ""},
    EventletName{"BoundedSemaphore", "semaphore", ""},
    EventletName{"CappedSemaphore", "semaphore", ""},
    EventletName{"Semaphore", "semaphore", ""},
    EventletName{"corolocal", "local", ""},
    EventletName{"wsgi", "http_server", ""},
    EventletName{"wsgi.server", "http_server", ""},
    EventletName{"websocket", "http_server",
                 "The workload API has no WebSockets. A workload that needs them brings a library "
                 "for each runtime, and opens its connection with listen or connect."},
    EventletName{"serve", "listen spawn", ""},
    EventletName{"GreenSocket", "listen connect recv send_all", ""},
    EventletName{"greendns", "resolve", ""},
    EventletName{"green.subprocess", "subprocess", ""},
    EventletName{"trampoline", "recv send_all",
                 "Waiting for a descriptor is each runtime's own; the streams of the workload API "
                 "do it."},
    EventletName{"pools.Pool", "semaphore queue", ""},
    EventletName{
        "monkey_patch", "",
        "Only eventlet and eventlet-asyncio patch, before the workload is loaded. Under every "
        "other runtime nothing is patched: what relied on a patched module blocks its "
        "thread, so write it with the workload API, or give it to offload."},
    EventletName{"import_patched", "",
                 "As monkey_patch: only eventlet and eventlet-asyncio patch."},
    EventletName{"hub_prevent_multiple_readers", "",
                 "Allows several green threads to wait to read one descriptor. No other runtime "
                 "has a counterpart; see multiple-readers."},
};

}  // namespace

std::span<const EventletName> EventletNames() { return kEventletNames; }

std::string PlainName(std::string_view name) {
  std::string plain(Trim(name));
  std::transform(plain.begin(), plain.end(), plain.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view owner : {"eventlet.", "rt."})
    if (plain.starts_with(owner)) plain.erase(0, owner.size());
  return plain;
}

std::vector<std::string> NamesOfFeature(const std::string& feature) {
  std::vector<std::string> names;
  for (const std::string& part : Split(feature, ',')) {
    names.push_back(PlainName(part));
    const std::string plain = names.back();
    if (const size_t dot = plain.find('.'); dot != std::string::npos)
      names.push_back(plain.substr(dot + 1));
  }
  return names;
}

}  // namespace trireme
