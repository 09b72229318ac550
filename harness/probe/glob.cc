#include "harness/probe/glob.h"

#include <string.h>

namespace trireme {
namespace {

// One byte of text against what stands at `pattern`, which is not a star. `*next` is what follows it there.
bool MatchesByte(const char* pattern, char byte, const char** next) {
  if (*pattern == '?') return *next = pattern + 1, true;
  if (*pattern == '\\' && pattern[1] != '\0') return *next = pattern + 2, pattern[1] == byte;
  *next = pattern + 1;
  if (*pattern != '[') return *pattern == byte;

  const char* member = pattern + 1;
  const bool negated = *member == '!' || *member == '^';
  if (negated) ++member;
  // A ] right at the begin is a member.
  const char* end = *member == '\0' ? nullptr : strchr(member + 1, ']');
  if (end == nullptr) return byte == '[';
  *next = end + 1;
  const auto value = static_cast<unsigned char>(byte);
  bool found = false;
  while (member < end) {
    const auto first = static_cast<unsigned char>(*member);
    const bool is_range = member + 2 < end && member[1] == '-';
    const auto last = static_cast<unsigned char>(is_range ? member[2] : *member);
    found = found || (first <= value && value <= last);
    member += is_range ? 3 : 1;
  }
  return found != negated;
}

}  // namespace

bool MatchesGlob(const char* pattern, const char* text) {
  // Only the last star has to be tried again: what an earlier one could take more, this one can, too.
  const char* star = nullptr;
  const char* retry = nullptr;
  const char* next = nullptr;
  while (*text != '\0') {
    if (*pattern == '*') {
      star = ++pattern;
      retry = text;
    } else if (*pattern != '\0' && MatchesByte(pattern, *text, &next)) {
      pattern = next;
      ++text;
    } else if (star != nullptr) {
      pattern = star;
      text = ++retry;
    } else {
      return false;
    }
  }
  while (*pattern == '*') ++pattern;
  return *pattern == '\0';
}

}  // namespace trireme
