#ifndef TRIREME_HARNESS_BASE_BASE64_H_
#define TRIREME_HARNESS_BASE_BASE64_H_

#include <optional>
#include <string>
#include <string_view>

namespace trireme {

// RFC 4648, with padding.
std::string EncodeBase64(std::string_view bytes);
// Nothing for what EncodeBase64() never gives.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_BASE64_H_
