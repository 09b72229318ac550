#ifndef TRIREME_HARNESS_PROBE_GLOB_H_
#define TRIREME_HARNESS_PROBE_GLOB_H_

namespace trireme {

// Whether the whole text is what the pattern says: * any text, ? one byte, [abc], [a-z], [!abc] one of those bytes, \ the
// next byte as it is. A [ without its ] stands for itself. Not fnmatch(3), which reads the locale and may allocate.
bool MatchesGlob(const char* pattern, const char* text);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_GLOB_H_
