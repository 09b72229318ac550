#ifndef TRIREME_HARNESS_PROBE_ENVIRONMENT_H_
#define TRIREME_HARNESS_PROBE_ENVIRONMENT_H_

namespace trireme {

// Not getenv: a program may bring its own (bash does), which is not to be called before its main.
char* FindInEnvironment(const char* name);
// The same in another one; null: it has none.
char* FindIn(char* const* environment, const char* name);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_ENVIRONMENT_H_
