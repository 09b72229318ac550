#include "harness/probe/python_sources.h"

#include <string.h>

#include <span>

#include "harness/probe/meeting.h"
#include "harness/probe/ready_descriptors.h"
#include "harness/probe/recorder.h"

namespace trireme {
namespace {

Object* stacks_function = nullptr;  // owned, all
Object* reader_function = nullptr;
Object* writer_function = nullptr;

// A signal handler of the program may have run meanwhile, and raised: what it raised goes on its way at the next chance.
// One at a time: where another is on its way already, this one is let go. Without a GIL several threads may come here
// at once.
Object* late_exception[3];
bool late_is_taken = false;  // atomic

int RaiseNow(void*) {
  Object* const late[] = {late_exception[0], late_exception[1], late_exception[2]};
  __atomic_store_n(&late_is_taken, false, __ATOMIC_RELEASE);
  python.PyErr_Restore(late[0], late[1], late[2]);
  return -1;
}

void RaiseLater() {
  if (__atomic_exchange_n(&late_is_taken, true, __ATOMIC_ACQUIRE)) return python.PyErr_Clear();
  python.PyErr_Fetch(&late_exception[0], &late_exception[1], &late_exception[2]);
  if (python.Py_AddPendingCall(RaiseNow, nullptr) == 0) return;
  RaiseNow(nullptr);  // there is no room for it: let go too
  python.PyErr_Clear();
}

// What a source answered, null where it raised, as far as it is a str that there is room for.
uint64_t TakeText(Object* text, char* place, uint64_t size) {
  Size length = 0;
  const char* bytes = text != nullptr && IsInstance(text, python.str_type)
                          ? python.PyUnicode_AsUTF8AndSize(text, &length)
                          : nullptr;
  if (bytes == nullptr || static_cast<uint64_t>(length) >= size) return 0;
  memcpy(place, bytes, static_cast<size_t>(length));
  return static_cast<uint64_t>(length);
}

// What `function` answers to these numbers; kOtherIsGone for None. REQUIRES: the caller holds the interpreter.
uint64_t AskPython(Object* function, std::span<const uint32_t> numbers, char* place,
                   uint64_t size) {
  Object* arguments = python.PyTuple_New(static_cast<Size>(numbers.size()));
  Object* text = nullptr;
  if (arguments != nullptr) {
    Size at = 0;
    for (const uint32_t number : numbers)
      python.PyTuple_SetItem(arguments, at++, python.PyLong_FromUnsignedLongLong(number));
    text = python.PyObject_CallObject(function, arguments);
    python.Py_DecRef(arguments);
  }
  const uint64_t written = text == python.none ? kOtherIsGone : TakeText(text, place, size);
  if (text != nullptr) python.Py_DecRef(text);
  if (python.PyErr_Occurred() != nullptr) RaiseLater();
  return written;
}

uint64_t AskForStacks(uint32_t other_task, uint32_t other_thread, char* place, uint64_t size) {
  const uint32_t numbers[] = {other_task, other_thread};
  return AskPython(stacks_function, numbers, place, size);
}

// Asks Python in a thread that is inside a call which CPython made without the interpreter. One that CPython does not know,
// or that has an exception on its way, asks nothing; nor does one of an interpreter within the interpreter, which may not
// call what the main one made.
template <typename Ask>
uint64_t AskInside(const Ask& ask) {
  if (python.Py_IsInitialized() == 0 ||
      (python.Py_IsFinalizing != nullptr && python.Py_IsFinalizing() != 0) ||
      python.PyGILState_GetThisThreadState() == nullptr)
    return 0;
  const int state = python.PyGILState_Ensure();
  const bool may_ask = InMainInterpreter() && python.PyErr_Occurred() == nullptr;
  const uint64_t written = may_ask ? ask() : 0;
  python.PyGILState_Release(state);
  return written;
}

// A StackSource.
uint64_t PythonStacks(uint32_t other_task, uint32_t other_thread, char* place, uint64_t size) {
  return AskInside([&] { return AskForStacks(other_task, other_thread, place, size); });
}

uint64_t AskForCallback(Object* function, uint32_t number, char* place, uint64_t size) {
  return AskInside([&] {
    const uint64_t written = AskPython(function, {&number, 1}, place, size);
    return written == kOtherIsGone ? 0 : written;
  });
}

// A ReaderSource.
uint64_t PythonReader(uint32_t task, char* place, uint64_t size) {
  return AskForCallback(reader_function, task, place, size);
}

// A WriterSource.
uint64_t PythonWriter(int fd, char* place, uint64_t size) {
  return AskForCallback(writer_function, static_cast<uint32_t>(fd), place, size);
}

}  // namespace

// Two threads at once where there is no lock of the interpreter's: the second one says nothing.
[[gnu::noinline]] void TellWhoRan(uint32_t task) {
  static char text[16 * 1024];
  static bool taken = false;
  if (stacks_function == nullptr || python.PyErr_Occurred() != nullptr ||
      __atomic_exchange_n(&taken, true, __ATOMIC_ACQUIRE))
    return;
  const uint64_t size = AskForStacks(task, 0, text + 1, sizeof(text) - 2);
  if (size != 0 && size != kOtherIsGone) {
    text[0] = '{';
    text[size + 1] = '}';
    Record({.kind = TRIREME_USAGE,
            .type = TRIREME_JSON,
            .task = task,
            .key = {"task", 4},
            .value = {text, size + 2}});
  }
  __atomic_store_n(&taken, false, __ATOMIC_RELEASE);
}

void AskForStacksBy(Object* function) {
  python.Py_IncRef(function);
  stacks_function = function;
  SetStackSource(PythonStacks);
}

void AskForReadersBy(Object* function) {
  python.Py_IncRef(function);
  reader_function = function;
  SetReaderSource(PythonReader);
}

void AskForWritersBy(Object* function) {
  python.Py_IncRef(function);
  writer_function = function;
  SetWriterSource(PythonWriter);
}

}  // namespace trireme
