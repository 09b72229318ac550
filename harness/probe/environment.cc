#include "harness/probe/environment.h"

#include <unistd.h>

namespace trireme {

char* FindInEnvironment(const char* name) { return FindIn(environ, name); }

char* FindIn(char* const* environment, const char* name) {
  for (char* const* entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    char* text = *entry;
    const char* rest = name;
    while (*rest != '\0' && *text == *rest) ++text, ++rest;
    if (*rest == '\0' && *text == '=') return text + 1;
  }
  return nullptr;
}

}  // namespace trireme
