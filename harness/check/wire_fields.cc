#include "harness/check/wire_fields.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdio>
#include <optional>

#include "harness/base/strings.h"

namespace trireme {
namespace {

using WireFields = std::map<std::string, WireField>;

// With zeros in front, so that names sort as numbers do.
std::string Numbered(const char* what, size_t number) {
  char text[40];
  std::snprintf(text, sizeof text, "%s %06zu", what, number);
  return text;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

WireFields SplitLines(std::string_view bytes) {
  WireFields fields;
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t end = std::min(bytes.find('\n', begin), bytes.size() - 1) + 1;
    fields[Numbered("line", fields.size() + 1)] = {
        .offset = begin, .value = std::string(bytes.substr(begin, end - begin))};
    begin = end;
  }
  return fields;
}

// Splits messages only as far as comparing them needs: it accepts what servers refuse.
class HttpSplitter {
 public:
  explicit HttpSplitter(std::string_view bytes) : bytes_(bytes) {}

  WireFields Split() {
    while (place_ < bytes_.size()) {
      message_ = Numbered("message", ++messages_);
      const size_t head_end = bytes_.find("\r\n\r\n", place_);
      if (head_end == std::string_view::npos || !LooksLikeHttp()) {
        Add("rest", bytes_.substr(place_));
        break;
      }
      AddHead(head_end);
      place_ = head_end + 4;
      AddBody();
    }
    return std::move(fields_);
  }

 private:
  std::string_view Line() const {
    return bytes_.substr(place_, bytes_.find("\r\n", place_) - place_);
  }
  bool LooksLikeHttp() const { return Line().find("HTTP/1.") != std::string_view::npos; }

  void Add(const std::string& name, std::string_view value) {
    fields_[message_ + " " + name] = {.offset = static_cast<size_t>(value.data() - bytes_.data()),
                                      .value = std::string(value)};
  }

  void AddHead(size_t end) {
    start_ = Line();
    headers_.clear();
    Add("", start_);  // sorts before the headers
    for (size_t begin = place_ + start_.size() + 2; begin < end;) {
      const size_t line_end = std::min(bytes_.find("\r\n", begin), end);
      const std::string_view line = bytes_.substr(begin, line_end - begin);
      const size_t colon = std::min(line.find(':'), line.size());
      std::string name = Lower(Trim(line.substr(0, colon)));
      const std::string_view value = Trim(line.substr(std::min(colon + 1, line.size())));
      headers_.emplace(name, value);
      while (fields_.contains(message_ + " header " + name)) name += " again";
      Add("header " + name, value);
      begin = line_end + 2;
    }
  }

  std::string_view Header(const char* name) const {
    const auto found = headers_.find(name);
    return found == headers_.end() ? "" : found->second;
  }

  bool HasNoBody() const {
    if (!start_.starts_with("HTTP/")) return Header("content-length").empty();
    const std::string_view status = start_.substr(std::min<size_t>(9, start_.size()));
    return status.starts_with('1') || status.starts_with("204") || status.starts_with("304");
  }

  void AddBody() {
    if (Lower(Header("transfer-encoding")).find("chunked") != std::string::npos) return AddChunks();
    if (HasNoBody()) return;
    const std::optional<uint64_t> length = ParseUnsigned(Header("content-length"));
    const size_t left = bytes_.size() - place_;
    const size_t size = length ? static_cast<size_t>(std::min<uint64_t>(*length, left)) : left;
    Add("~body", bytes_.substr(place_, size));  // sorts after the headers
    place_ += size;
  }

  // The chunks joined: how a body is cut is no part of what it says.
  void AddChunks() {
    WireField body{.offset = place_, .value = ""};
    while (place_ < bytes_.size()) {
      const std::string_view line = Line();
      const size_t size = ChunkSize(line);
      place_ = std::min(place_ + line.size() + 2, bytes_.size());
      body.value += bytes_.substr(place_, size);
      place_ = std::min(place_ + size + 2, bytes_.size());
      if (size == 0) break;
    }
    fields_[message_ + " ~body"] = std::move(body);
  }

  // At most what is left; 0 for what is no size.
  size_t ChunkSize(std::string_view line) const {
    const std::string digits(Trim(line.substr(0, line.find(';'))));
    const std::optional<uint64_t> size = ParseUnsigned("0x" + digits);
    return static_cast<size_t>(std::min<uint64_t>(size.value_or(0), bytes_.size() - place_));
  }

  std::string_view bytes_;
  size_t place_ = 0;
  size_t messages_ = 0;
  std::string message_;
  std::string_view start_;
  std::map<std::string, std::string_view> headers_;
  WireFields fields_;
};

}  // namespace

WireRule WireRuleOf(const Json& cell) {
  const std::string rule = GetString(GetMember(cell, "compare"), "wire");
  if (rule == "exact") return WireRule::kExact;
  if (rule == "lines") return WireRule::kLines;
  return rule == "http" ? WireRule::kHttp : WireRule::kNone;
}

std::map<std::string, WireField> SplitStream(std::string_view bytes, WireRule rule) {
  return rule == WireRule::kHttp ? HttpSplitter(bytes).Split() : SplitLines(bytes);
}

std::string WithoutDates(std::string bytes) {
  constexpr std::string_view kForm = "aaa, 00 aaa 0000 00:00:00 GMT";
  const auto fits = [](char c, char form) {
    const auto byte = static_cast<unsigned char>(c);
    if (form == '0') return std::isdigit(byte) != 0;
    return form == 'a' ? std::isalpha(byte) != 0 : c == form;
  };
  for (size_t end = bytes.find(" GMT"); end != std::string::npos; end = bytes.find(" GMT", end)) {
    end += 4;
    if (end < kForm.size()) continue;
    const auto date = bytes.begin() + static_cast<std::ptrdiff_t>(end - kForm.size());
    if (std::equal(kForm.begin(), kForm.end(), date,
                   [&](char form, char c) { return fits(c, form); }))
      std::fill_n(date, kForm.size(), '?');
  }
  return bytes;
}

std::string WithoutPorts(std::string bytes) {
  for (const std::string_view host : {"127.0.0.1:", "localhost:", "[::1]:"}) {
    for (size_t place = bytes.find(host); place != std::string::npos;
         place = bytes.find(host, place)) {
      place += host.size();
      const size_t end = std::min(bytes.find_first_not_of("0123456789", place), bytes.size());
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(place),
                bytes.begin() + static_cast<std::ptrdiff_t>(end), '?');
    }
  }
  return bytes;
}

bool IsVolatileField(const std::string& name) {
  return name.ends_with(" header date") || name.ends_with(" header server");
}

}  // namespace trireme
