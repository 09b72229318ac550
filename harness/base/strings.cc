#include "harness/base/strings.h"

#include <cxxabi.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "harness/base/terminal_text.h"

namespace trireme {
namespace {

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

struct Unit {
  std::string_view name;
  double factor;
};

// The number before the unit and the unit's factor multiplied, or nothing.
std::optional<double> ParseWithUnit(std::string_view text, std::span<const Unit> units) {
  const size_t digits = text.find_first_not_of("0123456789.");
  const std::string_view number = text.substr(0, digits);
  const std::string_view unit = digits == std::string_view::npos ? "" : text.substr(digits);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  for (const Unit& candidate : units)
    if (candidate.name == unit) return value * candidate.factor;
  return std::nullopt;
}

// In nanoseconds, however many.
std::optional<double> ParseDuration(std::string_view text) {
  static constexpr std::array<Unit, 7> kUnits = {
      {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  return ParseWithUnit(text, kUnits);
}

// The length of the UTF-8 sequence at the front of `bytes`, 0 when it is none (Unicode 15, table 3-7).
size_t Utf8Length(std::string_view bytes) {
  const auto byte = [&](size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
    return tail(1) && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
    return tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

// For what reports and terminals show otherwise than it is: dropped or replaced there, it would be
// another word.
std::string ShellEscaped(const std::string& word) {
  std::string out = "$'";
  for (const char c : word) {
    if (c >= ' ' && c <= '~' && c != '\'' && c != '\\') {
      out += c;
      continue;
    }
    std::array<char, 8> escape{};
    std::snprintf(escape.data(), escape.size(), "\\%03o", static_cast<unsigned char>(c));
    out += escape.data();
  }
  return out + "'";
}

}  // namespace

std::string Join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != parts.data()) out += separator;
    out += part;
  }
  return out;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  for (size_t end = text.find(separator); end != std::string_view::npos;
       end = text.find(separator)) {
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.emplace_back(text);
  return parts;
}

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string DidYouMean(std::string_view word, std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(word.size() / 3, 1) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > word.size() + best_distance ||
        word.size() > candidate.size() + best_distance)
      continue;
    const size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best == nullptr ? "" : "did you mean '" + *best + "'?";
}

std::optional<int64_t> ParseDurationNanoseconds(std::string_view text) {
  const std::optional<double> value = ParseDuration(text);
  if (!value || *value > static_cast<double>(kLongestDuration)) return std::nullopt;
  return std::llround(*value);
}

bool IsTooLongDuration(std::string_view text) {
  const std::optional<double> value = ParseDuration(text);
  return value && *value > static_cast<double>(kLongestDuration);
}

std::string FormatDuration(int64_t nanoseconds) {
  if (nanoseconds < 0) return "-" + FormatDuration(-nanoseconds);
  const double seconds = static_cast<double>(nanoseconds) / 1e9;
  std::array<char, 48> text{};
  // What three digits would round up to 1000 is one of the next unit: else it were 1e+03.
  if (seconds < 0.9995e-3)
    std::snprintf(text.data(), text.size(), "%.3gus", seconds * 1e6);
  else if (seconds < 0.9995)
    std::snprintf(text.data(), text.size(), "%.3gms", seconds * 1e3);
  else if (seconds < 60)
    std::snprintf(text.data(), text.size(), "%.3gs", seconds);
  else if (seconds < 3600)
    std::snprintf(text.data(), text.size(), "%dm%02ds", static_cast<int>(seconds / 60),
                  static_cast<int>(seconds) % 60);
  else
    std::snprintf(text.data(), text.size(), "%dh%02dm", static_cast<int>(seconds / 3600),
                  static_cast<int>(seconds / 60) % 60);
  return text.data();
}

namespace {

constexpr double kMostBytes = 9e18;

std::optional<double> ParseSize(std::string_view text) {
  static constexpr std::array<Unit, 9> kUnits = {{{"", 1},
                                                  {"B", 1},
                                                  {"KiB", 1024},
                                                  {"MiB", 1048576.},
                                                  {"GiB", 1073741824.},
                                                  {"TiB", 1099511627776.},
                                                  {"KB", 1e3},
                                                  {"MB", 1e6},
                                                  {"GB", 1e9}}};
  return ParseWithUnit(text, kUnits);
}

}  // namespace

bool IsTooManyBytes(std::string_view text) {
  const std::optional<double> value = ParseSize(text);
  return value && *value > kMostBytes;
}

std::optional<int64_t> ParseBytes(std::string_view text) {
  const std::optional<double> value = ParseSize(text);
  if (!value || *value > kMostBytes) return std::nullopt;
  // "1.7GiB" is as good as can be, but half a byte is nothing.
  const bool multiplies = text.find_first_of("KMGT") != std::string_view::npos;
  if (!multiplies && *value != std::floor(*value)) return std::nullopt;
  return std::llround(*value);
}

std::optional<uint64_t> ParseUnsigned(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string FormatHex(uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

bool GlobMatches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

std::string ShellQuote(const std::string& word) {
  static constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(kSafe) == std::string::npos) return word;
  if (TerminalText(word) != word) return ShellEscaped(word);
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

bool IsValidUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t length = Utf8Length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string ToValidUtf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t length = Utf8Length(bytes);
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else
      out += bytes.substr(0, length);
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string DemangledSymbol(const std::string& symbol) {
  if (!symbol.starts_with("_Z")) return symbol;  // `f` would be taken for the type float
  int status = 0;
  char* name = abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status);
  std::string text = status == 0 && name != nullptr ? name : symbol;
  std::free(name);
  return text;
}

}  // namespace trireme
