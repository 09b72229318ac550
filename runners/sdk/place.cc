#include "runners/sdk/place.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

namespace trireme {

size_t WritePlace(const internal::Place& place, char* text, size_t size) {
  if (!IsKnown(place) || size == 0) return 0;
  const char* slash = std::strrchr(place.file, '/');
  const int length =
      std::snprintf(text, size, "%s:%d in %s", slash == nullptr ? place.file : slash + 1,
                    place.line, place.function);
  if (length <= 0) return 0;
  char* const end = text + std::min(static_cast<size_t>(length), size - 1);
  const auto is_escaped = [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ';
  };
  return static_cast<size_t>(std::remove_if(text, end, is_escaped) - text);
}

std::string_view KeptPlaceText(const internal::Place& place) {
  struct Kept {
    internal::Place place{};
    size_t size = 0;
    std::array<char, kPlaceText> text;
  };
  constexpr size_t kKept = 8;
  static thread_local std::array<Kept, kKept> all;
  Kept& kept = all.at(static_cast<size_t>(place.line) % kKept);
  const bool same = kept.place.file == place.file && kept.place.line == place.line &&
                    kept.place.function == place.function;
  if (!same) kept.size = WritePlace(place, kept.text.data(), kept.text.size());
  kept.place = place;
  return {kept.text.data(), kept.size};
}

std::string PlaceText(const internal::Place& place) {
  std::array<char, kPlaceText> text;
  return {text.data(), WritePlace(place, text.data(), text.size())};
}

}  // namespace trireme
