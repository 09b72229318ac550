#include "harness/fault/proxy_event.h"

#include <cstring>
#include <utility>

#include "harness/base/clock.h"

namespace trireme {

ProxyEvent UnservedEvent(const std::string& connection, std::string text, int error) {
  if (error != 0) text += std::string(": ") + ::strerrordesc_np(error);
  return {.time = SystemClock().Now(),
          .connection = connection,
          .value = {{"error", std::move(text)}, {"connection", connection}}};
}

}  // namespace trireme
