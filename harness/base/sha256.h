#ifndef TRIREME_HARNESS_BASE_SHA256_H_
#define TRIREME_HARNESS_BASE_SHA256_H_

#include <string>
#include <string_view>

namespace trireme {

// SHA-256 (FIPS 180-4) as 64 hexadecimal digits: the same as sha256sum and CMake's file(SHA256).
// For names of files that are found by their content.
std::string Sha256(std::string_view bytes);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_SHA256_H_
