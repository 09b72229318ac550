#ifndef TRIREME_HARNESS_FAULT_PROXY_EVENT_H_
#define TRIREME_HARNESS_FAULT_PROXY_EVENT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "harness/base/json.h"

namespace trireme {

// What the proxy did, for the history.
struct ProxyEvent {
  int64_t time = 0;    // CLOCK_MONOTONIC
  uint16_t fault = 0;  // its number in the plan; 0: none did it, a connection could not be served
  std::string name;    // of the fault
  std::string connection;
  // Of a FAULT event: {"do", "connection", "direction", "offset"}; else {"error", "connection"}.
  Json value;
};

using ProxyReport = std::function<void(ProxyEvent event)>;

// Of a connection, "" where it is none's, that could not be served, just now. `error`: an errno, or 0.
ProxyEvent UnservedEvent(const std::string& connection, std::string text, int error);

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PROXY_EVENT_H_
