#ifndef TRIREME_HARNESS_PROBE_PYTHON_SOURCES_H_
#define TRIREME_HARNESS_PROBE_PYTHON_SOURCES_H_

#include <stdint.h>

#include "harness/probe/cpython.h"

namespace trireme {

// What the probe asks functions written in Python, as probe_abi.h says of set_stack_source(), set_reader_source() and set_writer_source(): in the
// thread of a call that CPython made without the interpreter, which it takes for as long. What a signal handler raises
// meanwhile goes on its way at the next chance.
//
// Thread safety: any threads that CPython knows. REQUIRES: FindPython().

// Each keeps `function` for ever.
void AskForStacksBy(Object* function);
void AskForReadersBy(Object* function);
void AskForWritersBy(Object* function);

// A loop turns so often while nothing comes of it that somebody asked which task that is: it is recorded. REQUIRES: the caller
// holds the interpreter.
void TellWhoRan(uint32_t task);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_PYTHON_SOURCES_H_
