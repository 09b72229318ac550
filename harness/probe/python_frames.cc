// Nothing here runs bytecode, so that nothing of the program does: functions of the C API that read attributes, whose
// names are looked up at run time. CPython 3.8 to 3.13.
#include "harness/probe/python_frames.h"

#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/aside.h"
#include "harness/probe/next.h"
#include "harness/probe/own_thread.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

using PyObject = void;

constexpr int kFrames = 48;
constexpr size_t kMaxFile = 160;  // bytes of a path, its end
constexpr size_t kMaxName = 64;
constexpr uint64_t kCopyFor = 1000 * kMillisecond;  // at most: a busy machine takes its time

// What is used of CPython's C API; those that not every version has come last.
struct FrameFunctions {
  PyObject* (*PyObject_GetAttrString)(PyObject*, const char*);
  PyObject* (*PyObject_CallObject)(PyObject*, PyObject*);
  PyObject* (*PyObject_GetItem)(PyObject*, PyObject*);
  PyObject* (*PySequence_GetItem)(PyObject*, ptrdiff_t);
  PyObject* (*PySys_GetObject)(const char*);
  PyObject* (*PyLong_FromUnsignedLongLong)(unsigned long long);
  int (*PyFrame_GetLineNumber)(PyObject*);
  const char* (*PyUnicode_AsUTF8AndSize)(PyObject*, ptrdiff_t*);
  void (*Py_DecRef)(PyObject*);
  void (*PyErr_Clear)();
  int (*PyGILState_Ensure)();
  void (*PyGILState_Release)(int);
  void* (*PyGILState_GetThisThreadState)();
  int (*Py_IsInitialized)();
  PyObject* none;
  int (*Py_IsFinalizing)();
  int (*PyGC_Disable)();                              // 3.10
  int (*PyGC_Enable)();                               // 3.10
  PyObject* (*PyThreadState_GetFrame)(void*);         // 3.9
  PyObject* (*PyFrame_GetCode)(PyObject*);            // 3.9
  PyObject* (*PyFrame_GetBack)(PyObject*);            // 3.9
  void (*DumpTraceback)(int, void*);                  // 3.8, 3.11, 3.12
  int (*PyUnstable_InterpreterFrame_GetLine)(void*);  // 3.12
  const uint64_t* runtime;                            // begins with offsets since 3.12
};

FrameFunctions frame_python;
bool python_known = false;
bool without_lock = false;  // frames move while they are read

template <typename T>
bool FindIn(const char* name, T* place) {
  void* symbol = dlsym(RTLD_DEFAULT, name);
  memcpy(place, &symbol, sizeof(symbol));
  return symbol != nullptr;
}

bool FindFrameFunctions(FrameFunctions* py) {
#define TRIREME_FIND(name) FindIn(#name, &py->name)
  const bool all = TRIREME_FIND(PyObject_GetAttrString) && TRIREME_FIND(PyObject_CallObject) &&
                   TRIREME_FIND(PyObject_GetItem) && TRIREME_FIND(PySequence_GetItem) &&
                   TRIREME_FIND(PySys_GetObject) && TRIREME_FIND(PyLong_FromUnsignedLongLong) &&
                   TRIREME_FIND(PyFrame_GetLineNumber) && TRIREME_FIND(PyUnicode_AsUTF8AndSize) &&
                   TRIREME_FIND(Py_DecRef) && TRIREME_FIND(PyErr_Clear) &&
                   TRIREME_FIND(PyGILState_Ensure) && TRIREME_FIND(PyGILState_Release) &&
                   TRIREME_FIND(PyGILState_GetThisThreadState) && TRIREME_FIND(Py_IsInitialized) &&
                   FindIn("_Py_NoneStruct", &py->none);
  TRIREME_FIND(PyGC_Disable);
  TRIREME_FIND(PyGC_Enable);
  TRIREME_FIND(PyThreadState_GetFrame);
  TRIREME_FIND(PyFrame_GetCode);
  TRIREME_FIND(PyFrame_GetBack);
  TRIREME_FIND(PyUnstable_InterpreterFrame_GetLine);
#undef TRIREME_FIND
  FindIn("_Py_DumpTraceback", &py->DumpTraceback);
  FindIn("_PyRuntime", &py->runtime);
  if (!FindIn("Py_IsFinalizing", &py->Py_IsFinalizing))
    FindIn("_Py_IsFinalizing", &py->Py_IsFinalizing);
  return all;
}

// Writes frames, of which the innermost come first, as JSON with the outermost first.
class FrameList {
 public:
  void Add(const char* file, size_t file_size, long line, const char* name, size_t name_size) {
    if (count_ == kFrames) return;
    Frame& frame = frames_[count_++];
    frame.skipped = file_size > kMaxFile ? file_size - kMaxFile : 0;
    frame.file_size = file_size - frame.skipped;
    memcpy(frame.file, file + frame.skipped, frame.file_size);
    frame.file[frame.file_size] = '\0';
    frame.line = line;
    name_size = name_size < kMaxName ? name_size : kMaxName - 1;
    memcpy(frame.name, name, name_size);
    frame.name[name_size] = '\0';
  }
  bool full() const { return count_ == kFrames; }

  // Paths below `folder` are shown without it. Without the agent's own frames, unless there are no others.
  uint64_t Write(char* place, uint64_t capacity, const char* folder) const {
    bool others = false;
    for (int i = 0; i < count_; ++i) others |= !IsAgents(frames_[i]);
    TextBuffer text(place, capacity);
    const char* separator = "[";
    for (int i = count_ - 1; i >= 0; --i) {
      const Frame& frame = frames_[i];
      if (others && IsAgents(frame)) continue;
      text.Add(separator).Add("\"").AddEscaped(Place(frame, folder)).Add(":");
      text.AddNumber(frame.line).Add(" in ").AddEscaped(frame.name).Add("\"");
      separator = ",";
    }
    text.Add("]");
    return count_ == 0 || text.left() == 0 ? 0 : text.size();
  }
  void Clear() { count_ = 0; }

 private:
  struct Frame {
    char file[kMaxFile + 1];
    char name[kMaxName];
    size_t file_size, skipped;
    long line;
  };

  static bool IsAgents(const Frame& frame) {
    return strstr(frame.file, "/trireme_agent/") != nullptr;
  }
  // As the rest of the project shows a file: a library's from lib/python on.
  static const char* Place(const Frame& frame, const char* folder) {
    const char* library = strstr(frame.file, "/lib/python3");
    if (library != nullptr) return library + 1;
    const size_t size = strlen(folder);
    const bool below = frame.skipped == 0 && size != 0 && strncmp(frame.file, folder, size) == 0;
    return below ? frame.file + size : frame.file;
  }

  Frame frames_[kFrames];
  int count_ = 0;
};

// Not on a stack, which is small.
FrameList asked_frames;     // by the thread that asks
FrameList copied_frames;    // by the copy
char workload_folder[256];  // of a trial, with its slash; "" not known

void Drop(PyObject* object) {
  if (object != nullptr) frame_python.Py_DecRef(object);
}

PyObject* Attribute(PyObject* object, const char* name) {
  PyObject* value = frame_python.PyObject_GetAttrString(object, name);
  if (value == nullptr) frame_python.PyErr_Clear();
  return value;
}

// The bytes of a str; its owner must be held.
const char* TextOf(PyObject* text, size_t* size) {
  ptrdiff_t length = 0;
  const char* bytes =
      text == nullptr ? nullptr : frame_python.PyUnicode_AsUTF8AndSize(text, &length);
  if (bytes == nullptr && text != nullptr) frame_python.PyErr_Clear();
  *size = bytes == nullptr ? 1 : static_cast<size_t>(length);
  return bytes == nullptr ? "?" : bytes;
}

// By functions where there are any: who reads these attributes is told to audit hooks, which are code of the program.
PyObject* CodeOf(PyObject* frame) {
  return frame_python.PyFrame_GetCode != nullptr ? frame_python.PyFrame_GetCode(frame)
                                                 : Attribute(frame, "f_code");
}
PyObject* CallerOf(PyObject* frame) {
  return frame_python.PyFrame_GetBack != nullptr ? frame_python.PyFrame_GetBack(frame)
                                                 : Attribute(frame, "f_back");
}

void AddFrameObject(FrameList& list, PyObject* frame) {
  PyObject* code = CodeOf(frame);
  PyObject* file = code == nullptr ? nullptr : Attribute(code, "co_filename");
  PyObject* name = code == nullptr ? nullptr : Attribute(code, "co_name");
  size_t file_size = 0;
  size_t name_size = 0;
  const char* file_text = TextOf(file, &file_size);
  const char* name_text = TextOf(name, &name_size);
  list.Add(file_text, file_size, frame_python.PyFrame_GetLineNumber(frame), name_text, name_size);
  PyObject* const held[] = {code, file, name};
  for (PyObject* object : held) Drop(object);
}

// 3.8: without PyThreadState_GetFrame.
PyObject* FrameByNumber(uint64_t handle) {
  PyObject* function = frame_python.PySys_GetObject("_current_frames");
  PyObject* frames =
      function == nullptr ? nullptr : frame_python.PyObject_CallObject(function, nullptr);
  PyObject* key = frame_python.PyLong_FromUnsignedLongLong(handle);
  PyObject* frame =
      frames == nullptr || key == nullptr ? nullptr : frame_python.PyObject_GetItem(frames, key);
  if (frame == nullptr) frame_python.PyErr_Clear();
  Drop(frames);
  Drop(key);
  return frame;
}

void AddFrames(FrameList& list, const Loop& loop) {
  PyObject* frame = frame_python.PyThreadState_GetFrame != nullptr
                        ? frame_python.PyThreadState_GetFrame(loop.python)
                        : FrameByNumber(loop.handle);
  while (frame != nullptr && !list.full()) {
    AddFrameObject(list, frame);
    PyObject* back = CallerOf(frame);
    Drop(frame);
    frame = back;
    if (frame == frame_python.none) break;
  }
  Drop(frame);
}

// sys.path[0], below which the workload of a trial lies.
void KeepFolder() {
  if (workload_folder[0] != '\0' || IsWatched()) return;
  PyObject* path = frame_python.PySys_GetObject("path");
  PyObject* first = path == nullptr ? nullptr : frame_python.PySequence_GetItem(path, 0);
  if (first == nullptr) return frame_python.PyErr_Clear();
  size_t size = 0;
  const char* text = TextOf(first, &size);
  if (size + 1 < sizeof(workload_folder) && *text == '/') {
    memcpy(workload_folder, text, size);
    workload_folder[size] = '/';
  }
  Drop(first);
}

// One request at a time, between the watcher and the thread that asks.
struct FrameRequest {
  uint32_t asked;     // atomic, and a futex: number of the newest request
  uint32_t answered;  // atomic: of the newest that has its answer
  LoopStep step;
  bool in_time;
  uint64_t size;
  char text[16 * 1024];
};
FrameRequest frame_request;
bool asker_runs = false;

bool MayEnter() { return frame_python.Py_IsInitialized() != 0 && !PythonEnds(); }

// A collection of garbage would run code of the program in this thread.
class WithoutCollection {
 public:
  WithoutCollection() {
    if (frame_python.PyGC_Disable != nullptr) enabled_ = frame_python.PyGC_Disable();
  }
  ~WithoutCollection() {
    if (enabled_ != 0 && frame_python.PyGC_Enable != nullptr) frame_python.PyGC_Enable();
  }
  WithoutCollection(const WithoutCollection&) = delete;
  WithoutCollection& operator=(const WithoutCollection&) = delete;

 private:
  int enabled_ = 0;
};

void Answer() {
  frame_request.size = 0;
  frame_request.in_time = false;
  if (!MayEnter()) return;
  const int state = frame_python.PyGILState_Ensure();
  // With the interpreter in hand the thread cannot go on, nor end.
  frame_request.in_time = frame_request.step.Lasts();
  const bool lives = __atomic_load_n(&frame_request.step.loop->thread, __ATOMIC_ACQUIRE) ==
                     frame_request.step.thread;
  if (lives) {
    const WithoutCollection without;
    KeepFolder();
    asked_frames.Clear();
    AddFrames(asked_frames, *frame_request.step.loop);
  }
  frame_request.in_time = frame_request.in_time && frame_request.step.Lasts();
  frame_python.PyGILState_Release(state);
  if (lives)
    frame_request.size =
        asked_frames.Write(frame_request.text, sizeof(frame_request.text), workload_folder);
}

void* Ask(void*) {
  NameOwnThread();
  for (;;) {
    const uint32_t done = __atomic_load_n(&frame_request.answered, __ATOMIC_RELAXED);
    while (__atomic_load_n(&frame_request.asked, __ATOMIC_ACQUIRE) == done)
      syscall(SYS_futex, &frame_request.asked, FUTEX_WAIT_PRIVATE, done, nullptr, nullptr, 0);
    Answer();
    __atomic_store_n(&frame_request.answered, done + 1, __ATOMIC_RELEASE);
  }
  return nullptr;
}

// What a copy of the process leaves for us: memory that both have.
struct FrameCopy {
  LoopStep step;
  uint64_t until;
  int fd;  // a file for what CPython writes
  uint64_t size;
  char text[16 * 1024];
};

// The innermost frames come first: `  File "/a/b.py", line 12 in name`.
void ReadDump(FrameList& list, const char* text) {
  static const char kStart[] = "  File \"";
  static const char kLine[] = "\", line ";
  for (const char* line = text; line != nullptr && *line != '\0';) {
    const char* end = strchr(line, '\n');
    const char* number = strstr(line, kLine);
    if (strncmp(line, kStart, sizeof(kStart) - 1) == 0 && number != nullptr && end != nullptr &&
        number < end) {
      const char* file = line + sizeof(kStart) - 1;
      const char* digits = number + sizeof(kLine) - 1;
      long value = 0;
      for (; *digits >= '0' && *digits <= '9'; ++digits) value = value * 10 + (*digits - '0');
      const char* name = strncmp(digits, " in ", 4) == 0 ? digits + 4 : digits;
      list.Add(file, static_cast<size_t>(number - file), value, name,
               static_cast<size_t>(end - name));
    }
    line = end == nullptr ? nullptr : end + 1;
  }
}

void DumpFrames(FrameList& list, FrameCopy* copy) {
  static char dump[64 * 1024];
  frame_python.DumpTraceback(copy->fd, copy->step.loop->python);
  const long size = syscall(SYS_pread64, copy->fd, dump, sizeof(dump) - 1, 0);
  if (size > 0) ReadDump(list, dump);
}

// The words at the begin of _PyRuntime in 3.13, which tell debuggers where everything is.
enum Offset : int {
  kCookie = 0,
  kVersion,
  kFreeThreaded,
  kCurrentFrame = 23,
  kPrevious = 29,
  kExecutable = 30,
  kOwner = 33,
  kFilename = 35,
  kCodeName = 36
};
constexpr char kOwnedByC = 3;  // an entry from C, no frame of Python

bool HasOffsets() {
  return frame_python.runtime != nullptr && memcmp(frame_python.runtime, "xdebugpy", 8) == 0 &&
         frame_python.runtime[kVersion] >> 16 == 0x030d &&
         frame_python.PyUnstable_InterpreterFrame_GetLine != nullptr;
}

template <typename T>
T At(const void* place, Offset offset) {
  T value;
  memcpy(&value, static_cast<const char*>(place) + frame_python.runtime[offset], sizeof(value));
  return value;
}

void AddByOffsets(FrameList& list, void* thread) {
  for (void* frame = At<void*>(thread, kCurrentFrame); frame != nullptr && !list.full();
       frame = At<void*>(frame, kPrevious)) {
    if (At<char>(frame, kOwner) == kOwnedByC) continue;
    const void* code = At<void*>(frame, kExecutable);
    size_t file_size = 0;
    size_t name_size = 0;
    const char* file = TextOf(At<void*>(code, kFilename), &file_size);
    const char* name = TextOf(At<void*>(code, kCodeName), &name_size);
    list.Add(file, file_size, frame_python.PyUnstable_InterpreterFrame_GetLine(frame), name,
             name_size);
  }
}

// Whether frame objects may be asked without the interpreter, where nobody else runs: then the functions need no
// thread state of their own.
bool HasPlainFrames() {
  return frame_python.PyThreadState_GetFrame != nullptr &&
         frame_python.PyUnstable_InterpreterFrame_GetLine == nullptr;
}

void ReadInCopy(void* pointer) {
  auto* copy = static_cast<FrameCopy*>(pointer);
  copied_frames.Clear();
  StopRecordingHere();
  if (frame_python.DumpTraceback != nullptr)
    DumpFrames(copied_frames, copy);
  else if (HasOffsets())
    AddByOffsets(copied_frames, copy->step.loop->python);
  else
    AddFrames(copied_frames, *copy->step.loop);
  copy->size = copied_frames.Write(copy->text, sizeof(copy->text), workload_folder);
}

bool CopyIsWanted(void* pointer) {
  const auto* copy = static_cast<FrameCopy*>(pointer);
  return copy->step.Lasts() && Now() < copy->until;
}

bool ReadCopy(const LoopStep& step, FrameCopy* copy, HoldStack* stack) {
  copy->step = step;
  copy->fd = -1;
  if (frame_python.DumpTraceback != nullptr)
    copy->fd = static_cast<int>(syscall(SYS_memfd_create, "trireme-watch", 1u /* CLOEXEC */));
  copy->until = Now() + kCopyFor;
  RunInCopy(ReadInCopy, copy, CopyIsWanted);
  if (copy->fd >= 0) syscall(SYS_close, copy->fd);
  // It is true of the step only if that lasted until now, and nobody had the interpreter meanwhile.
  if (copy->size == 0 || copy->size > stack->capacity || !step.Lasts()) return false;
  memcpy(stack->text, copy->text, copy->size);
  stack->size = copy->size;
  stack->source = "a copy of the process: a call holds the interpreter";
  return true;
}

}  // namespace

void NotePython() {
  if (python_known || without_lock) return;
  void* marker = nullptr;
  without_lock = FindIn("PyUnstable_Module_SetGIL", &marker);
  python_known = FindFrameFunctions(&frame_python) && !without_lock;
}

void NoteWorkloadFolder() {
  if (python_known) KeepFolder();
}

void* PythonThread() {
  return python_known ? frame_python.PyGILState_GetThisThreadState() : nullptr;
}

bool PythonEnds() {
  return frame_python.Py_IsFinalizing != nullptr && frame_python.Py_IsFinalizing() != 0;
}

void StartAskingPython() {
  if (!python_known || asker_runs) return;
  asker_runs = StartOwnThread(Ask);
}

uint64_t AskForFrames(const LoopStep& step) {
  const uint32_t asked = __atomic_load_n(&frame_request.asked, __ATOMIC_RELAXED);
  if (!asker_runs || __atomic_load_n(&frame_request.answered, __ATOMIC_ACQUIRE) != asked) return 0;
  frame_request.step = step;
  __atomic_store_n(&frame_request.asked, asked + 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &frame_request.asked, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  return asked + 1;
}

bool FramesHaveCome(uint64_t ask) {
  return __atomic_load_n(&frame_request.answered, __ATOMIC_ACQUIRE) == ask;
}

bool TakeFrames(uint64_t ask, HoldStack* stack) {
  if (!FramesHaveCome(ask)) return false;
  stack->size = frame_request.size < stack->capacity ? frame_request.size : 0;
  memcpy(stack->text, frame_request.text, stack->size);
  stack->source = "the interpreter";
  return frame_request.in_time;
}

bool CopyFrames(const LoopStep& step, HoldStack* stack) {
  if (frame_python.DumpTraceback == nullptr && !HasOffsets() && !HasPlainFrames()) return false;
  void* memory =
      mmap(nullptr, sizeof(FrameCopy), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  const bool read = ReadCopy(step, static_cast<FrameCopy*>(memory), stack);
  munmap(memory, sizeof(FrameCopy));
  return read;
}

void ForgetFrames() {
  asker_runs = false;
  frame_request.asked = frame_request.answered = 0;
}

}  // namespace trireme
