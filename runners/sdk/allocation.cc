#include <new>

#include "runners/sdk/probe.h"
#include "trireme/workload.h"

namespace trireme::internal {

void* Allocate(std::size_t size) {
  if (Probe().call_fails(TRIREME_CALL_MALLOC) != 0) throw std::bad_alloc();
  return ::operator new(size);
}

}  // namespace trireme::internal
