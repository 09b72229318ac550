#include "runners/native/native.h"

#include <array>

namespace trireme {
namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<Backend> (*make)();
};

constexpr std::array kBackends = {
    Entry{"thread", NewThreadBackend},
    Entry{"fiber", NewFiberBackend},
    Entry{"coroutine", NewCoroutineBackend},
};

}  // namespace

std::unique_ptr<Backend> NewBackend(std::string_view runtime) {
  for (const Entry& entry : kBackends)
    if (entry.name == runtime) return entry.make();
  return nullptr;
}

}  // namespace trireme
