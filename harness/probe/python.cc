// The probe as CPython builtins. Longer than most files: there are that many, and each says how its arguments become the
// probe's.
#include <stdint.h>
#include <string.h>

#include "harness/probe/connections.h"
#include "harness/probe/cpython.h"
#include "harness/probe/faulty_calls.h"
#include "harness/probe/loops.h"
#include "harness/probe/meeting.h"
#include "harness/probe/own_scheduler.h"
#include "harness/probe/points.h"
#include "harness/probe/probe_abi.h"
#include "harness/probe/python_frames.h"
#include "harness/probe/python_sources.h"
#include "harness/probe/recorder.h"
#include "harness/probe/waits.h"

namespace trireme {
namespace {

// The bytes of a Python value, with the object that holds them where they had to be made.
class Text {
 public:
  Text() = default;
  ~Text() {
    if (owner_ != nullptr) python.Py_DecRef(owner_);
  }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  // False with an exception set when `object` is no str. `surrogates` says what becomes of a lone one, as Python's codecs
  // name it: in a name its escape, \udc80.
  bool Read(Object* object, const char* surrogates = "backslashreplace") {
    if (!IsInstance(object, python.str_type))
      return Raise(python.type_error, "a str is required") != nullptr;
    Size size = 0;
    const char* data = python.PyUnicode_AsUTF8AndSize(object, &size);
    if (data != nullptr) return Set(data, size);
    python.PyErr_Clear();
    return Own(python.PyUnicode_AsEncodedString(object, "utf-8", surrogates));
  }

  bool ReadBytes(Object* object) {
    char* data = nullptr;
    Size size = 0;
    return python.PyBytes_AsStringAndSize(object, &data, &size) == 0 && Set(data, size);
  }

  // The digits of an integer that has more of them than int64 holds.
  bool ReadDigits(Object* object) {
    Object* digits = python.PyObject_Str(object);
    if (digits == nullptr) {  // CPython refuses to make thousands of decimal digits
      python.PyErr_Clear();
      digits = python.PyNumber_ToBase(object, 16);
    }
    if (digits == nullptr) return false;
    Object* encoded = python.PyUnicode_AsEncodedString(digits, "ascii", "backslashreplace");
    python.Py_DecRef(digits);
    return Own(encoded);
  }

  Bytes bytes() const { return bytes_; }

 private:
  bool Set(const char* data, Size size) {
    if (size > static_cast<Size>(UINT32_MAX))
      return Raise(python.value_error, "more than 4 GiB") != nullptr;
    bytes_ = {data, static_cast<uint64_t>(size)};
    return true;
  }
  bool Own(Object* encoded) {
    owner_ = encoded;
    return encoded != nullptr && ReadBytes(encoded);
  }

  Bytes bytes_;
  Object* owner_ = nullptr;
};

// A value as the history keeps it.
class Value {
 public:
  // False with an exception set when the history has no form for it: the caller makes JSON of such
  // values.
  bool Read(Object* object) {
    if (object == python.none) return true;
    if (object == python.true_object || object == python.false_object) {
      return SetInt(TRIREME_BOOL, object == python.true_object ? 1 : 0);
    }
    if (IsInstance(object, python.int_type)) return ReadInt(object);
    if (IsInstance(object, python.str_type))
      return type_ = TRIREME_TEXT, text_.Read(object, "surrogatepass");
    if (IsInstance(object, python.float_type)) return ReadDouble(object);
    if (IsInstance(object, python.bytes_type))
      return type_ = TRIREME_BYTES, text_.ReadBytes(object);
    return Raise(python.type_error, "a value must be int, float, str, bytes, bool or None") !=
           nullptr;
  }

  uint16_t type() const { return type_; }
  Bytes bytes() const {
    if (type_ == TRIREME_INT || type_ == TRIREME_BOOL) return {&int_, sizeof(int_)};
    if (type_ == TRIREME_DOUBLE) return {&double_, sizeof(double_)};
    return text_.bytes();
  }

 private:
  bool SetInt(uint16_t type, int64_t value) {
    type_ = type;
    int_ = value;
    return true;
  }

  bool ReadInt(Object* object) {
    int overflow = 0;
    const long long value = python.PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0)
      return (value != -1 || python.PyErr_Occurred() == nullptr) && SetInt(TRIREME_INT, value);
    const unsigned long long large = overflow > 0 ? python.PyLong_AsUnsignedLongLong(object) : 0;
    const bool fits_uint64 = overflow > 0 && (large != ~0ULL || python.PyErr_Occurred() == nullptr);
    python.PyErr_Clear();
    // Readers keep 64 bits of a JSON number; of a larger one only text keeps all.
    type_ = fits_uint64 ? TRIREME_JSON : TRIREME_DIGITS;
    return text_.ReadDigits(object);
  }

  bool ReadDouble(Object* object) {
    type_ = TRIREME_DOUBLE;
    double_ = python.PyFloat_AsDouble(object);
    return double_ != -1.0 || python.PyErr_Occurred() == nullptr;
  }

  uint16_t type_ = TRIREME_NONE;
  int64_t int_ = 0;
  double double_ = 0;
  Text text_;
};

bool ReadUnsigned(Object* object, uint64_t limit, uint64_t* number) {
  *number = python.PyLong_AsUnsignedLongLong(object);
  if (*number == ~0ULL && python.PyErr_Occurred() != nullptr) return false;
  return *number <= limit || Raise(python.value_error, "number out of range") != nullptr;
}

bool CountIs(Size count, Size expected, const char* message) {
  return count == expected || Raise(python.type_error, message) != nullptr;
}

// kind, id and key of record(), which are its first three arguments.
bool ReadHead(Object* const* arguments, Entry* entry, Text* key) {
  uint64_t kind = 0;
  if (!ReadUnsigned(arguments[0], UINT16_MAX, &kind) ||
      !ReadUnsigned(arguments[1], ~0ULL, &entry->id) || !key->Read(arguments[2])) {
    return false;
  }
  entry->kind = static_cast<uint16_t>(kind);
  entry->key = key->bytes();
  return true;
}

Object* RecordValue(uint32_t task, Object* const* arguments) {
  Entry entry{.task = task};
  Text key;
  Value value;
  if (!ReadHead(arguments, &entry, &key) || !value.Read(arguments[3])) return nullptr;
  entry.type = value.type();
  entry.value = value.bytes();
  Record(entry);
  return None();
}

Object* RecordJson(uint32_t task, Object* const* arguments, uint16_t type = TRIREME_JSON) {
  Entry entry{.type = type, .task = task};
  Text key;
  Text value;
  if (!ReadHead(arguments, &entry, &key) || !value.Read(arguments[3])) return nullptr;
  entry.value = value.bytes();
  Record(entry);
  return None();
}

Object* PyAttach(Object*, Object* const* arguments, Size count) {
  Text path;
  if (!CountIs(count, 1, "attach(path)") || !path.Read(arguments[0])) return nullptr;
  const Bytes bytes = path.bytes();
  if (memchr(bytes.data, '\0', bytes.size) != nullptr)
    return Raise(python.value_error, "embedded null character");
  NoteWorkloadFolder();
  return python.PyLong_FromUnsignedLongLong(
      static_cast<unsigned long long>(Attach(static_cast<const char*>(bytes.data))));
}

Object* PyRecord(Object*, Object* const* arguments, Size count) {
  if (!CountIs(count, 4, "record(kind, id, key, value)")) return nullptr;
  return RecordValue(CurrentTask(), arguments);
}

Object* PyRecordJson(Object*, Object* const* arguments, Size count) {
  if (!CountIs(count, 4, "record_json(kind, id, key, json_text)")) return nullptr;
  return RecordJson(CurrentTask(), arguments);
}

Object* PyRecordMarked(Object*, Object* const* arguments, Size count) {
  if (!CountIs(count, 4, "record_marked(kind, id, key, json_text)")) return nullptr;
  return RecordJson(CurrentTask(), arguments, TRIREME_MARKED);
}

Object* PyRecordFor(Object*, Object* const* arguments, Size count) {
  uint64_t task = 0;
  if (!CountIs(count, 5, "record_for(task, kind, id, key, value)")) return nullptr;
  if (!ReadUnsigned(arguments[0], UINT32_MAX, &task)) return nullptr;
  return RecordValue(static_cast<uint32_t>(task), arguments + 1);
}

Object* PyRecordJsonFor(Object*, Object* const* arguments, Size count) {
  uint64_t task = 0;
  if (!CountIs(count, 5, "record_json_for(task, kind, id, key, json_text)")) return nullptr;
  if (!ReadUnsigned(arguments[0], UINT32_MAX, &task)) return nullptr;
  return RecordJson(static_cast<uint32_t>(task), arguments + 1);
}

Object* PyInvoke(Object*, Object* const* arguments, Size count) {
  Entry entry{.kind = TRIREME_INVOKE, .task = CurrentTask()};
  Text key;
  Value value;
  if (!CountIs(count, 2, "invoke(key, value)") || !key.Read(arguments[0]) ||
      !value.Read(arguments[1])) {
    return nullptr;
  }
  entry.type = value.type();
  entry.id = NewOperation();
  entry.key = key.bytes();
  entry.value = value.bytes();
  Record(entry);
  return python.PyLong_FromUnsignedLongLong(entry.id);
}

Object* PyNewTask(Object*, Object* const*, Size count) {
  return CountIs(count, 0, "new_task()") ? python.PyLong_FromUnsignedLongLong(NewTask()) : nullptr;
}

Object* PyCurrentTask(Object*, Object* const*, Size count) {
  return CountIs(count, 0, "current_task()") ? python.PyLong_FromUnsignedLongLong(CurrentTask())
                                             : nullptr;
}

// The task that ran before has given its thread back, and its frames are as it left them.
void TellIfAsked(uint32_t before) {
  if (before != 0 && before != CurrentTask() && TakeLoopAsk()) [[unlikely]]
    TellWhoRan(before);
}

void SetTaskAfter(uint32_t before, uint32_t task) {
  SetTask(task);
  TellIfAsked(before);
}

Object* PySetTask(Object*, Object* const* arguments, Size count) {
  uint64_t task = 0;
  if (!CountIs(count, 1, "set_task(task)") || !ReadUnsigned(arguments[0], UINT32_MAX, &task))
    return nullptr;
  SetTaskAfter(CurrentTask(), static_cast<uint32_t>(task));
  return None();
}

// A new reference, or nullptr without an exception.
Object* OptionalAttribute(Object* object, Object* name) {
  Object* value = nullptr;
  if (python.get_optional_attribute == nullptr) {
    value = python.PyObject_GetAttr(object, name);
  } else if (python.get_optional_attribute(object, name, &value) < 0) {
    value = nullptr;
  }
  if (value == nullptr) python.PyErr_Clear();
  return value;
}

// A greenlet that nobody numbered becomes a task, whose number stays with it. 0 where it cannot.
uint64_t NumberGreenlet(Object* greenlet) {
  const uint64_t task = NewTask();
  Object* number = python.PyLong_FromUnsignedLongLong(task);
  const bool kept =
      number != nullptr && python.PyObject_SetAttr(greenlet, python.task_attribute, number) == 0;
  if (!kept) python.PyErr_Clear();
  if (number != nullptr) python.Py_DecRef(number);
  return kept ? task : 0;
}

// A greenlet that was told EAGAIN, and then ended, waits for nothing.
void EndIfDead(Object* greenlet) {
  Object* dead = OptionalAttribute(greenlet, python.dead_attribute);
  if (dead == python.true_object) EndWaitsOf(CurrentTask());
  if (dead != nullptr) python.Py_DecRef(dead);
}

// The number of the greenlet that is switched to, when the one before was seen to. False with an exception set: no arguments of a trace function.
bool ReadSwitch(Object* const* arguments, Size count, const char* message, uint32_t* task) {
  if (!CountIs(count, 2, message)) return false;
  Object* target = python.PyTuple_GetItem(arguments[1], 1);
  if (target == nullptr) {
    python.PyErr_Clear();
    return Raise(python.type_error, message) != nullptr;
  }
  if (CurrentTaskWasTold()) [[unlikely]]
    EndIfDead(python.PyTuple_GetItem(arguments[1], 0));
  uint64_t number = 0;
  Object* value = OptionalAttribute(target, python.task_attribute);
  if (value == nullptr) {
    number = NumberGreenlet(target);
  } else {
    if (!ReadUnsigned(value, UINT32_MAX, &number)) {
      python.PyErr_Clear();
      number = 0;
    }
    python.Py_DecRef(value);
  }
  *task = static_cast<uint32_t>(number);
  return true;
}

Object* PyGreenletTrace(Object*, Object* const* arguments, Size count) {
  uint32_t task = 0;
  if (!ReadSwitch(arguments, count, "greenlet_trace(event, (origin, target))", &task))
    return nullptr;
  LeaveToHub();
  SetTaskAfter(CurrentTask(), task);
  return None();
}

Object* PySwitchWithoutHub(Object*, Object* const* arguments, Size count) {
  uint32_t task = 0;
  if (!ReadSwitch(arguments, count, "switch_without_hub(event, (origin, target))", &task))
    return nullptr;
  const uint32_t before = CurrentTask();
  SwitchWithoutHub(task);
  TellIfAsked(before);
  return None();
}

Object* PySetReaderSource(Object*, Object* const* arguments, Size count) {
  if (!CountIs(count, 1, "set_reader_source(function)")) return nullptr;
  AskForReadersBy(arguments[0]);
  return None();
}

Object* PySetWriterSource(Object*, Object* const* arguments, Size count) {
  if (!CountIs(count, 1, "set_writer_source(function)")) return nullptr;
  AskForWritersBy(arguments[0]);
  return None();
}

Object* PySetStackSource(Object*, Object* const* arguments, Size count) {
  if (!CountIs(count, 1, "set_stack_source(function)")) return nullptr;
  AskForStacksBy(arguments[0]);
  return None();
}

Object* PyWaitFor(Object*, Object* const* arguments, Size count) {
  uint64_t fd = 0;
  uint64_t direction = 0;
  if (!CountIs(count, 2, "wait_for(fd, direction)") ||
      !ReadUnsigned(arguments[0], INT32_MAX, &fd) || !ReadUnsigned(arguments[1], 1, &direction))
    return nullptr;
  // It is called by the interpreter, as what it stands for is.
  WaitWithoutCall(static_cast<int>(fd), direction == 0 ? kRead : kWrite,
                  TRIREME_CALLER);
  return None();
}

Object* PyWaitStanding(Object*, Object* const* arguments, Size count) {
  uint64_t fd = 0;
  if (!CountIs(count, 2, "wait_standing(fd, beside)") ||
      !ReadUnsigned(arguments[0], INT32_MAX, &fd))
    return nullptr;
  WaitStanding(static_cast<int>(fd), arguments[1] == python.true_object,
               TRIREME_CALLER);
  return None();
}

Object* PyLoopWaits(Object*, Object* const* arguments, Size count) {
  if (!CountIs(count, 1, "loop_waits(waits)")) return nullptr;
  NoteLoopWaits(arguments[0] == python.true_object);
  return None();
}

Object* PyLoopRuns(Object*, Object* const* arguments, Size count) {
  if (!CountIs(count, 1, "loop_runs(runs)")) return nullptr;
  NoteLoopRuns(arguments[0] == python.true_object);
  return None();
}

Object* PyOwnPairs(Object*, Object* const* arguments, Size count) {
  if (!CountIs(count, 1, "own_pairs(own)")) return nullptr;
  MakeOwnPairs(arguments[0] == python.true_object);
  return None();
}

// A text as C functions take one; a name that does not fit is cut off.
class ShortText {
 public:
  // False with an exception set when `object` is no str.
  bool Read(Object* object) {
    Text text;
    if (!text.Read(object)) return false;
    const Bytes bytes = text.bytes();
    const uint64_t size = bytes.size < sizeof(text_) ? bytes.size : sizeof(text_) - 1;
    memcpy(text_, bytes.data, size);
    text_[size] = '\0';
    return true;
  }
  const char* text() const { return text_; }

 private:
  char text_[256];
};

Object* PyPoint(Object*, Object* const* arguments, Size count) {
  ShortText path;
  ShortText name;
  uint64_t ordinal = 0;
  if (!CountIs(count, 3, "point(path, name, ordinal)") || !path.Read(arguments[0]) ||
      !name.Read(arguments[1]) || !ReadUnsigned(arguments[2], ~0ULL, &ordinal))
    return nullptr;
  return python.PyLong_FromUnsignedLongLong(
      static_cast<unsigned long long>(ComeToPoint(path.text(), name.text(), ordinal)));
}

// One step of a coroutine. `self`: the number of its task, and its send.
Object* RunStep(Object* self, Object* const* arguments, Size count) {
  uint64_t task = 0;
  if (!CountIs(count, 1, "send(value)") ||
      !ReadUnsigned(python.PyTuple_GetItem(self, 0), UINT32_MAX, &task))
    return nullptr;
  const uint32_t before = CurrentTask();
  SetTask(static_cast<uint32_t>(task));
  Object* send = python.PyTuple_GetItem(self, 1);
  Object* result = python.PyObject_CallFunctionObjArgs(send, arguments[0], nullptr);
  if (result == nullptr)  // its end: it waits for nothing any more
    Record({.kind = TRIREME_TASK_END, .task = static_cast<uint32_t>(task), .key = {"returned", 8}});
  if (result == nullptr)
    SetTask(before);  // it has an exception, and nothing may be asked
  else
    SetTaskAfter(static_cast<uint32_t>(task), before);
  return result;
}

constexpr MethodDef kStep = {"send", RunStep, kMethFastcall, "send(value)"};

Object* PyStep(Object*, Object* const* arguments, Size count) {
  uint64_t task = 0;
  if (!CountIs(count, 2, "step(task, send)") || !ReadUnsigned(arguments[0], UINT32_MAX, &task))
    return nullptr;
  Object* self = python.PyTuple_New(2);
  if (self == nullptr) return nullptr;
  for (Size i = 0; i < 2; ++i) {
    python.Py_IncRef(arguments[i]);
    python.PyTuple_SetItem(self, i, arguments[i]);
  }
  Object* step = python.PyCFunction_NewEx(&kStep, self, nullptr);
  python.Py_DecRef(self);
  return step;
}

Object* PyCallFails(Object*, Object* const* arguments, Size count) {
  uint64_t call = 0;
  if (!CountIs(count, 1, "call_fails(call)") ||
      !ReadUnsigned(arguments[0], TRIREME_CALL_SOCKET, &call))
    return nullptr;
  int error = 0;
  uint64_t delay = 0;
  if (ActivePlan() != nullptr) CallFails(static_cast<trireme_fault_call>(call), &error, &delay);
  Object* pair = python.PyTuple_New(2);
  if (pair == nullptr) return nullptr;
  python.PyTuple_SetItem(pair, 0, python.PyLong_FromLongLong(error));
  python.PyTuple_SetItem(pair, 1, python.PyLong_FromUnsignedLongLong(delay));
  return pair;
}

Object* PyServe(Object*, Object* const* arguments, Size count) {
  uint64_t task = 0;
  if (!CountIs(count, 1, "serve(task)") || !ReadUnsigned(arguments[0], UINT32_MAX, &task))
    return nullptr;
  ServeTask(static_cast<uint32_t>(task));
  return None();
}

Object* PyNewOperation(Object*, Object* const*, Size count) {
  return CountIs(count, 0, "new_operation()") ? python.PyLong_FromUnsignedLongLong(NewOperation())
                                              : nullptr;
}

Object* PyNow(Object*, Object* const*, Size count) {
  return CountIs(count, 0, "now()") ? python.PyLong_FromUnsignedLongLong(Now()) : nullptr;
}

// In the order of probe_abi.h. They outlive the builtins made of them.
constexpr MethodDef kMethods[] = {
    {"attach", PyAttach, kMethFastcall, "attach(path) -> errno"},
    {"record", PyRecord, kMethFastcall, "record(kind, id, key, value)"},
    {"record_json", PyRecordJson, kMethFastcall, "record_json(kind, id, key, json_text)"},
    {"record_for", PyRecordFor, kMethFastcall, "record_for(task, kind, id, key, value)"},
    {"record_json_for", PyRecordJsonFor, kMethFastcall,
     "record_json_for(task, kind, id, key, json_text)"},
    {"invoke", PyInvoke, kMethFastcall, "invoke(key, value) -> operation"},
    {"new_task", PyNewTask, kMethFastcall, "new_task() -> task"},
    {"current_task", PyCurrentTask, kMethFastcall, "current_task() -> task"},
    {"set_task", PySetTask, kMethFastcall, "set_task(task)"},
    {"greenlet_trace", PyGreenletTrace, kMethFastcall, "greenlet_trace(event, (origin, target))"},
    {"now", PyNow, kMethFastcall, "now() -> nanoseconds"},
    {"new_operation", PyNewOperation, kMethFastcall, "new_operation() -> operation"},
    {"set_stack_source", PySetStackSource, kMethFastcall, "set_stack_source(function)"},
    {"wait_for", PyWaitFor, kMethFastcall, "wait_for(fd, direction)"},
    {"loop_waits", PyLoopWaits, kMethFastcall, "loop_waits(waits)"},
    {"point", PyPoint, kMethFastcall, "point(path, name, ordinal) -> 0, 1 or 2"},
    {"step", PyStep, kMethFastcall, "step(task, send) -> function"},
    {"wait_standing", PyWaitStanding, kMethFastcall, "wait_standing(fd, beside)"},
    {"record_marked", PyRecordMarked, kMethFastcall, "record_marked(kind, id, key, json_text)"},
    {"call_fails", PyCallFails, kMethFastcall, "call_fails(call) -> (error, nanoseconds)"},
    {"serve", PyServe, kMethFastcall, "serve(task)"},
    {"switch_without_hub", PySwitchWithoutHub, kMethFastcall,
     "switch_without_hub(event, (origin, target))"},
    {"set_reader_source", PySetReaderSource, kMethFastcall, "set_reader_source(function)"},
    {"loop_runs", PyLoopRuns, kMethFastcall, "loop_runs(runs)"},
    {"own_pairs", PyOwnPairs, kMethFastcall, "own_pairs(own)"},
    {"set_writer_source", PySetWriterSource, kMethFastcall, "set_writer_source(function)"},
};
constexpr Size kMethodCount = sizeof(kMethods) / sizeof(kMethods[0]);

// As trireme_watch.py says it where it sees that a program is going to make some.
constexpr char kOnlyThreads[] =
    "of interpreters within the interpreter only the threads are told apart, not the tasks";

void NoteOtherInterpreter() {
  static bool noted = false;
  if (__atomic_exchange_n(&noted, true, __ATOMIC_RELAXED)) return;
  Record({.kind = TRIREME_WARNING,
          .type = TRIREME_TEXT,
          .task = CurrentTask(),
          .key = {"watch", 5},
          .value = {kOnlyThreads, sizeof(kOnlyThreads) - 1}});
}

}  // namespace
}  // namespace trireme

extern "C" __attribute__((visibility("default"))) void* trireme_probe_python(void) {
  using namespace trireme;
  if (!FindPython()) return RefusePython();
  if (!InMainInterpreter()) {
    NoteOtherInterpreter();
    return None();
  }
  NotePython();
  WatchUsage();
  Object* tuple = python.PyTuple_New(kMethodCount);
  for (Size i = 0; tuple != nullptr && i < kMethodCount; ++i) {
    Object* builtin = python.PyCFunction_NewEx(&kMethods[i], nullptr, nullptr);
    if (builtin == nullptr || python.PyTuple_SetItem(tuple, i, builtin) != 0) {
      python.Py_DecRef(tuple);
      return nullptr;
    }
  }
  return tuple;
}
