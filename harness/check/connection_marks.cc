#include "harness/check/connection_marks.h"

#include <map>

namespace trireme {
namespace {

bool BelongsToMark(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

struct Mark {
  size_t offset = 0;
  std::string_view text;  // "": there is none any more
};

// One that the end of the bytes cuts off may be the beginning of any.
Mark NextMark(std::string_view bytes, std::string_view start, size_t from) {
  const size_t offset = bytes.find(start, from);
  if (offset == std::string_view::npos) return {};
  size_t end = offset + start.size();
  while (end < bytes.size() && BelongsToMark(bytes[end])) ++end;
  return end == bytes.size() ? Mark{} : Mark{offset, bytes.substr(offset, end - offset)};
}

std::map<std::string, std::string_view> Owners(const Streams& streams, std::string_view start) {
  std::map<std::string, std::string_view> owners;
  for (const auto& [key, stream] : streams) {
    if (key.side != "client" || key.direction != "write" || !stream.recorded) continue;
    const Mark first = NextMark(stream.bytes, start, 0);
    if (!first.text.empty()) owners.emplace(key.connection, first.text);
  }
  return owners;
}

std::optional<Mark> FirstOther(std::string_view bytes, std::string_view start,
                               std::string_view own) {
  for (Mark mark = NextMark(bytes, start, 0); !mark.text.empty();
       mark = NextMark(bytes, start, mark.offset + mark.text.size()))
    if (mark.text != own) return mark;
  return std::nullopt;
}

}  // namespace

MarkSearch FindStrayMark(const Streams& streams, std::string_view start) {
  const std::map<std::string, std::string_view> owners = Owners(streams, start);
  MarkSearch search{.found_any = !owners.empty()};
  for (const auto& [key, stream] : streams) {
    const auto owner = owners.find(key.connection);
    if (owner == owners.end() || !stream.recorded) continue;
    const std::optional<Mark> other = FirstOther(stream.bytes, start, owner->second);
    if (!other) continue;
    search.stray = {.stream = key,
                    .name = stream.name,
                    .offset = other->offset,
                    .mark = std::string(other->text),
                    .own = std::string(owner->second)};
    for (const auto& [connection, mark] : owners)
      if (mark == other->text) search.stray->origin = connection;
    return search;
  }
  return search;
}

}  // namespace trireme
