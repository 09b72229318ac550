#ifndef TRIREME_HARNESS_CHECK_WIRE_FIELDS_H_
#define TRIREME_HARNESS_CHECK_WIRE_FIELDS_H_

#include <map>
#include <string>
#include <string_view>

#include "harness/base/json.h"

namespace trireme {

// How the bytes of connections are compared: `compare: {wire: ...}` in scenario.yaml.
enum class WireRule {
  kNone,   // not at all
  kExact,  // byte for byte
  kLines,  // line for line
  kHttp    // messages of HTTP/1: headers in any order, bodies without their framing
};

// Of a cell of plan.json; total.
WireRule WireRuleOf(const Json& cell);

// A part of a stream that is compared as one.
struct WireField {
  size_t offset = 0;  // of its first byte in the stream
  std::string value;
};

// The lines or the parts of HTTP messages of a stream, by names that sort in their order: "line 000003", "message 000001
// header date". What follows something that is no HTTP/1 is one field, "message 000002 rest". REQUIRES: kLines or kHttp.
std::map<std::string, WireField> SplitStream(std::string_view bytes, WireRule rule);

// The same with each HTTP date ("Mon, 01 Jan 2024 00:00:00 GMT") blank, for trials of a reference that all ran in one second
// do not show that it changes. As long as before, so that offsets stay.
std::string WithoutDates(std::string bytes);

// The same with each port of this machine ("127.0.0.1:40001", "localhost:40001", "[::1]:40001") blank: who listens is given
// any that is free, another in each trial.
std::string WithoutPorts(std::string bytes);

// Headers that say when and who, not what: they are never compared.
bool IsVolatileField(const std::string& name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CHECK_WIRE_FIELDS_H_
