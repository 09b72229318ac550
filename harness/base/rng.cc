#include "harness/base/rng.h"

#include <sys/random.h>

#include "harness/base/check.h"

namespace trireme {

uint64_t EntropySeed() {
  uint64_t seed = 0;
  TRIREME_CHECK(getrandom(&seed, sizeof(seed), 0) == sizeof(seed));
  return seed;
}

}  // namespace trireme
