// Besides turning exceptions into records, this file stands in for the C++ library's __cxa_throw
// and rethrow_exception. A destructor cannot ask which exception passes through it, and a handler
// cannot ask where it was thrown; an operation that an exception leaves open has to record the one,
// an error's stack is the other.
#include "runners/sdk/exceptions.h"

#include <bits/cxxabi_init_exception.h>
#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>
#include <typeinfo>
#include <utility>

#include "harness/base/json.h"
#include "runners/sdk/place.h"
#include "runners/sdk/point.h"
#include "runners/sdk/probe.h"
#include "trireme/errors.h"

namespace trireme {
namespace {

constexpr int kMaxFrames = 24;

struct Thrown {
  void* object = nullptr;  // holds a reference: a std::exception_ptr is this one pointer
  std::array<void*, kMaxFrames> frames{};
  int depth = 0;
  internal::Place call = internal::Place::Unknown();  // of the API, that its task made last
};
static_assert(sizeof(std::exception_ptr) == sizeof(void*));

internal::Place LastCall() {
  const TaskState* task = CurrentTaskOrNull();
  return task == nullptr ? internal::Place::Unknown() : task->place.Get();
}

thread_local std::exception_ptr last_thrown;
thread_local Thrown last_stack;

std::exception_ptr PointerTo(void* object) {
  return *reinterpret_cast<std::exception_ptr*>(&object);
}

void* ObjectOf(const std::exception_ptr& error) {
  void* object = nullptr;
  std::memcpy(&object, &error, sizeof(object));
  return object;
}

std::string Demangle(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 && text != nullptr ? text : name;
  std::free(text);
  return result;
}

// "workload.so+0x1b2c in Serve(trireme::Stream)"; the symbol where the object exports it.
std::string FrameText(void* address) {
  Dl_info info{};
  if (::dladdr(address, &info) == 0 || info.dli_fname == nullptr) return "?";
  const std::string_view file = info.dli_fname;
  std::array<char, 32> offset{};
  std::snprintf(
      offset.data(), offset.size(), "+0x%zx",
      static_cast<size_t>(static_cast<char*>(address) - static_cast<char*>(info.dli_fbase)));
  std::string text = std::string(file.substr(file.rfind('/') + 1)) + offset.data();
  return info.dli_sname == nullptr ? text : text + " in " + Demangle(info.dli_sname);
}

bool IsRunners(void* address) {
  Dl_info info{};
  Dl_info own{};
  return ::dladdr(address, &info) != 0 &&
         ::dladdr(reinterpret_cast<void*>(&IsRunners), &own) != 0 &&
         info.dli_fbase == own.dli_fbase;
}

bool IsOfApi(const Thrown& thrown) {
  return thrown.depth > 1 && IsRunners(thrown.frames.at(1));
}

// Outermost first. What the API throws it throws for the call that the task made last: that has a line, where the frames
// of a workload have none.
Json StackOf(const std::exception_ptr& error) {
  Json stack = Json::array();
  if (last_stack.object != ObjectOf(error)) return stack;
  for (int i = last_stack.depth - 1; i > 0; --i)
    stack.push_back(FrameText(last_stack.frames.at(static_cast<size_t>(i))));
  if (IsKnown(last_stack.call) && IsOfApi(last_stack)) stack.push_back(PlaceText(last_stack.call));
  return stack;
}

// Of what the workload threw by itself only the call of the API before it is known: where its task threw it, or, if that was
// another thread's, where it came into this task. "" where neither is.
std::string CallBefore(const std::exception_ptr& error) {
  if (last_stack.object != ObjectOf(error)) return PlaceText(LastCall());
  return IsOfApi(last_stack) ? "" : PlaceText(last_stack.call);
}

std::string FamilyOfErrno(int error) {
  switch (error) {
    case ECONNRESET:
    case ECONNABORTED:
      return "reset";
    case ECONNREFUSED:
      return "refused";
    case EPIPE:
      return "broken-pipe";
    case EADDRINUSE:
      return "address-in-use";
    case ETIMEDOUT:
      return "timeout";
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case ENOSPC:
      return "resource";
    default:
      return "other";
  }
}

struct Description {
  std::string family = "other";
  Json error_number = nullptr;
  std::string message;
};

template <typename Error>
const Error* As(const std::exception& error) {
  return dynamic_cast<const Error*>(&error);
}

Description Describe(const std::exception& error) {
  const std::string what = error.what();
  if (As<NoReply>(error) != nullptr) return {.family = "reset", .message = what};
  if (const auto* io = As<IoError>(error))
    return {FamilyOfErrno(io->error_number()), io->error_number(), what};
  if (const auto* resolve = As<ResolveError>(error))
    return {.error_number = resolve->error_number(), .message = what};
  if (const auto* system = As<std::system_error>(error))
    return {FamilyOfErrno(system->code().value()), system->code().value(), what};
  if (As<TimeoutExpired>(error) != nullptr || As<DeadlineReached>(error) != nullptr)
    return {.family = "timeout", .message = what};
  if (As<Cancelled>(error) != nullptr) return {.family = "cancelled", .message = what};
  if (As<EndOfStream>(error) != nullptr) return {.family = "end-of-stream", .message = what};
  if (As<std::bad_alloc>(error) != nullptr) return {.family = "resource", .message = what};
  if (As<std::logic_error>(error) != nullptr) return {.family = "value", .message = what};
  return {.family = "other", .message = what};
}

Description Describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return Describe(e);
  } catch (...) {
    return {.family = "other", .message = "not a std::exception"};
  }
}

// Whether it is the exception that is being handled.
bool IsHandled(const std::exception& error) {
  const std::exception_ptr current = std::current_exception();
  if (current == nullptr) return false;
  try {
    std::rethrow_exception(current);
  } catch (const std::exception& e) {
    return &e == &error;
  } catch (...) {
    return false;
  }
}

std::string ClassOf(const std::exception_ptr& error) {
  const std::type_info* type = error.__cxa_exception_type();
  return type == nullptr ? "unknown" : Demangle(type->name());
}

struct Origin {
  Json stack = Json::array();
  std::string after = {};
};

Value ValueOf(const std::string& name, Origin origin, const Description& description) {
  Json value = {{"error", name},
                {"family", description.family},
                {"errno", description.error_number},
                {"message", description.message},
                {"stack", std::move(origin.stack)}};
  if (!origin.after.empty()) value["after"] = std::move(origin.after);
  return Value::Json(DumpJson(value));
}

// As an error's value. A std::thread that nobody joined ends so, too.
Value NoException() {
  return Value::Json(DumpJson({{"error", "std::terminate"},
                               {"family", "other"},
                               {"errno", nullptr},
                               {"message", "called with no exception under way"},
                               {"stack", Json::array()}}));
}

void OnTerminate() {
  const std::exception_ptr error = std::current_exception();
  Record(TRIREME_EXCEPTION, 0, "terminate", error == nullptr ? NoException() : ErrorValue(error));
  const std::string text =
      error == nullptr ? "no exception" : ClassOf(error) + ": " + Describe(error).message;
  std::fprintf(stderr, "terminate called: %s\n", text.c_str());
  std::abort();
}

}  // namespace

struct KeepLastThrown::State {
  std::exception_ptr error = last_thrown;
  Thrown stack = last_stack;
};

KeepLastThrown::KeepLastThrown() : state_(std::make_unique<State>()) {}

KeepLastThrown::~KeepLastThrown() {
  last_thrown = state_->error;
  last_stack = state_->stack;
}

Value ErrorValue(const std::exception_ptr& error) {
  const KeepLastThrown keep;  // describing an exception throws it again
  if (error == nullptr)
    return Value::Json(
        R"({"error":"unknown","family":"other","errno":null,"message":"","stack":[]})");
  Json stack = StackOf(error);
  const std::string after = CallBefore(error);  // and that before it is thrown again
  return ValueOf(ClassOf(error), {std::move(stack), after}, Describe(error));
}

Value ErrorValue(const std::exception& error) {
  const KeepLastThrown keep;
  if (IsHandled(error)) return ErrorValue(std::current_exception());
  return ValueOf(Demangle(typeid(error).name()), {}, Describe(error));
}

Value ErrnoValue(int error_number) {
  const char* text = ::strerrordesc_np(error_number);
  if (error_number <= 0 || text == nullptr) return error_number;
  return ValueOf(Demangle(typeid(IoError).name()), {},
                 {FamilyOfErrno(error_number), error_number, text});
}

std::exception_ptr LastThrown() { return last_thrown; }

void InstallTerminateHandler() { std::set_terminate(OnTerminate); }

}  // namespace trireme

// The object becomes an exception_ptr before it flies, as std::make_exception_ptr() does it, so
// that it can be kept.
namespace __cxxabiv1 {

extern "C" void __cxa_throw(void* object, std::type_info* type, void (*destructor)(void*)) {
  abi::__cxa_init_primary_exception(object, type, destructor);
  std::exception_ptr error = trireme::PointerTo(object);
  trireme::last_stack.object = object;
  trireme::last_stack.call = trireme::LastCall();
  trireme::last_stack.depth = ::backtrace(trireme::last_stack.frames.data(), trireme::kMaxFrames);
  std::rethrow_exception(std::move(error));
}

}  // namespace __cxxabiv1

namespace std {

void rethrow_exception(exception_ptr error) {
  using Rethrow = void (*)(exception_ptr);
  static const auto next = reinterpret_cast<Rethrow>(
      ::dlsym(RTLD_NEXT, "_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE"));
  trireme::last_thrown = error;
  next(std::move(error));
  __builtin_unreachable();
}

}  // namespace std
