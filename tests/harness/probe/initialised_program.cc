// A program that does all before main() and after it.
#include <cstdio>

#include "tests/harness/probe/initialised_library.h"

namespace {
const User of_program("program");
thread_local const User of_thread("thread");
}  // namespace

int main() {
  (void)&of_thread;
  static const User of_main("main");
  return *UserOfLibrary().name() == 'l' ? 0 : 1;
}
