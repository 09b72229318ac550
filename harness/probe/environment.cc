#include "harness/probe/environment.h"

#include <unistd.h>

namespace trireme {

const char* FindInEnvironment(const char* name) {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const char* text = *entry;
    const char* rest = name;
    while (*rest != '\0' && *text == *rest) ++text, ++rest;
    if (*rest == '\0' && *text == '=') return text + 1;
  }
  return nullptr;
}

}  // namespace trireme
