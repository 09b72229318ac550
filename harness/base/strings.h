#ifndef TRIREME_HARNESS_BASE_STRINGS_H_
#define TRIREME_HARNESS_BASE_STRINGS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trireme {

std::string Join(std::span<const std::string> parts, std::string_view separator);
// Empty parts are kept; an empty text gives no parts.
std::vector<std::string> Split(std::string_view text, char separator);
std::string_view Trim(std::string_view text);

// "did you mean 'eventlet'?", or "" when no candidate is near (edit distance at most a third of the length).
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

// 500us, 20ms, 10s, 1.5m, 2h; a plain number is seconds. Nothing for anything else, negative or over ten years.
std::optional<int64_t> ParseDurationNanoseconds(std::string_view text);
inline constexpr int64_t kLongestDuration = 320'000'000'000'000'000;
// Whether the text is one but for its length.
bool IsTooLongDuration(std::string_view text);
// The shortest of these that reads well: 20ms, 1.5s, 3m20s.
std::string FormatDuration(int64_t nanoseconds);

// 512, 64KiB, 2GiB, 1MB. Nothing for anything else.
std::optional<int64_t> ParseBytes(std::string_view text);
// Whether the text is such a size but for being larger than any.
bool IsTooManyBytes(std::string_view text);

// Decimal or 0x; nothing for anything else.
std::optional<uint64_t> ParseUnsigned(std::string_view text);

// "0x5eed"
std::string FormatHex(uint64_t value);

// Shell-like wildcards * ? [..]; a * crosses '/'.
bool GlobMatches(const std::string& pattern, const std::string& text);

// Quoted for a POSIX shell where it needs to be: one line, that a terminal may print. A line end is $'\012' (POSIX 2024).
std::string ShellQuote(const std::string& word);

bool IsValidUtf8(std::string_view bytes);
// Nothing left of bytes that are no valid UTF-8: each becomes U+FFFD.
std::string ToValidUtf8(std::string_view bytes);

// A C++ function or variable as its source writes it; any other name as it is.
std::string DemangledSymbol(const std::string& symbol);

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_STRINGS_H_
