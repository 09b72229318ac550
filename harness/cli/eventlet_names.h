#ifndef TRIREME_HARNESS_CLI_EVENTLET_NAMES_H_
#define TRIREME_HARNESS_CLI_EVENTLET_NAMES_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trireme {

// What stands for a name of Eventlet in the workload API. What that is made of in each runtime, the
// correspondences say; here is only what they have no row for.
struct EventletName {
  std::string_view name;  // without "eventlet."
  std::string_view api;   // features of the correspondences, separated by spaces; may be empty
  std::string_view text;  // sentences; may be empty where `api` is not
};

std::span<const EventletName> EventletNames();

// The name that people type, as it is compared: small letters, without "eventlet." and "rt.".
std::string PlainName(std::string_view name);

// The names that a row's feature answers to: "listen, rt.connect" to both, "Stream.recv" to
// "stream.recv" and "recv". All plain.
std::vector<std::string> NamesOfFeature(const std::string& feature);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_EVENTLET_NAMES_H_
