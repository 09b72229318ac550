#ifndef TRIREME_HARNESS_BASE_RNG_H_
#define TRIREME_HARNESS_BASE_RNG_H_

#include <cstdint>
#include <cstring>
#include <string_view>

namespace trireme {

// One step of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
// Bijective, so distinct inputs give distinct outputs.
constexpr uint64_t Mix64(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// The seed of trial `trial` in a run with seed `run_seed`: published (interface.md, Cells), the same for every cell.
constexpr uint64_t TrialSeed(uint64_t run_seed, uint64_t trial) {
  return Mix64(Mix64(run_seed) ^ trial);
}

// FNV-1a, 64 bits: for short ids and signatures, which are compared within one tool, not against an adversary.
constexpr uint64_t Hash64(std::string_view text, uint64_t basis = 0xcbf29ce484222325) {
  for (const char c : text) basis = (basis ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return basis;
}

// Of many bytes, eight at a time, the last ones filled up with zeros: tells whether a file is as it was written. No
// protection against an adversary.
inline uint64_t Checksum64(std::string_view bytes) {
  uint64_t sum = Mix64(bytes.size());
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t size = bytes.size() < sizeof(word) ? bytes.size() : sizeof(word);
    std::memcpy(&word, bytes.data(), size);
    sum = Mix64(sum ^ word);
    bytes.remove_prefix(size);
  }
  return sum;
}

// A seeded generator: the same numbers on every machine. Not for secrets.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  uint64_t Next() { return Mix64(state_++); }
  // In [0, bound). REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }

 private:
  uint64_t state_;
};

// From the operating system: for run seeds and ids only.
uint64_t EntropySeed();

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_RNG_H_
