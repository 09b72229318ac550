#ifndef TRIREME_RUNNERS_NATIVE_NATIVE_H_
#define TRIREME_RUNNERS_NATIVE_NATIVE_H_

#include <memory>
#include <string_view>

#include "runners/sdk/backend.h"

namespace trireme {

// Null for a runtime that is none of C++. A new one is its file, and its line in native.cc.
std::unique_ptr<Backend> NewBackend(std::string_view runtime);

std::unique_ptr<Backend> NewThreadBackend();
std::unique_ptr<Backend> NewFiberBackend();
std::unique_ptr<Backend> NewCoroutineBackend();

}  // namespace trireme

#endif  // TRIREME_RUNNERS_NATIVE_NATIVE_H_
