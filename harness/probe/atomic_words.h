#ifndef TRIREME_HARNESS_PROBE_ATOMIC_WORDS_H_
#define TRIREME_HARNESS_PROBE_ATOMIC_WORDS_H_

namespace trireme {

// Words that other threads look at: what was stored before one is seen by whoever sees it.
template <typename T>
T LoadWord(const T& place) {
  return __atomic_load_n(&place, __ATOMIC_ACQUIRE);
}
template <typename T>
void StoreWord(T& place, T value) {
  __atomic_store_n(&place, value, __ATOMIC_RELEASE);
}

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_ATOMIC_WORDS_H_
