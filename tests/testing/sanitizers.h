#ifndef TRIREME_TESTS_TESTING_SANITIZERS_H_
#define TRIREME_TESTS_TESTING_SANITIZERS_H_

namespace trireme {

// Which sanitizers the tests are built with; those of the address preset include UBSan.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif
#if __has_feature(thread_sanitizer)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif
#else
inline constexpr bool kAddressSanitizer = false;
inline constexpr bool kThreadSanitizer = false;
#endif

// A test that repeats itself with random input does so `rounds` times, and a tenth of them under a sanitizer, where each costs
// some ten times as much and which looks for the errors of memory that any round shows.
constexpr int Rounds(int rounds) {
  return kAddressSanitizer || kThreadSanitizer ? (rounds + 9) / 10 : rounds;
}

}  // namespace trireme

#endif  // TRIREME_TESTS_TESTING_SANITIZERS_H_
