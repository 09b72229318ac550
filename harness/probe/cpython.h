#ifndef TRIREME_HARNESS_PROBE_CPYTHON_H_
#define TRIREME_HARNESS_PROBE_CPYTHON_H_

#include <stddef.h>

namespace trireme {

// CPython's C API as far as it is used here, found by name at run time: one library serves every interpreter, free-threaded
// ones included, since it knows no layout of theirs but what it measures.
using Object = void;
using Size = ptrdiff_t;
using FastFunction = Object* (*)(Object*, Object* const*, Size);

constexpr int kMethFastcall = 0x0080;

// CPython's own, which may not change within 3.x.
struct MethodDef {
  const char* name;
  FastFunction function;
  int flags;
  const char* doc;
};

// What is used of CPython's C API; empty until FindPython() has found it.
struct Python {
  Object* (*PyCFunction_NewEx)(const MethodDef*, Object*, Object*);
  void (*Py_IncRef)(Object*);
  void (*Py_DecRef)(Object*);
  Object* (*PyTuple_New)(Size);
  int (*PyTuple_SetItem)(Object*, Size, Object*);
  Object* (*PyTuple_GetItem)(Object*, Size);
  Object* (*PyObject_Type)(Object*);
  Object* (*PyObject_Str)(Object*);
  Object* (*PyObject_GetAttr)(Object*, Object*);
  int (*PyObject_SetAttr)(Object*, Object*, Object*);
  Object* (*PyObject_CallObject)(Object*, Object*);
  Object* (*PyObject_CallFunctionObjArgs)(Object*, ...);
  Object* (*PyNumber_ToBase)(Object*, int);
  int (*PyType_IsSubtype)(Object*, Object*);
  long long (*PyLong_AsLongLongAndOverflow)(Object*, int*);
  unsigned long long (*PyLong_AsUnsignedLongLong)(Object*);
  Object* (*PyLong_FromLongLong)(long long);
  Object* (*PyLong_FromUnsignedLongLong)(unsigned long long);
  double (*PyFloat_AsDouble)(Object*);
  const char* (*PyUnicode_AsUTF8AndSize)(Object*, Size*);
  Object* (*PyUnicode_AsEncodedString)(Object*, const char*, const char*);
  Object* (*PyUnicode_InternFromString)(const char*);
  int (*PyBytes_AsStringAndSize)(Object*, char**, Size*);
  void (*PyErr_SetString)(Object*, const char*);
  void (*PyErr_Clear)();
  void (*PyErr_Fetch)(Object**, Object**, Object**);
  void (*PyErr_Restore)(Object*, Object*, Object*);
  int (*Py_AddPendingCall)(int (*)(void*), void*);
  Object* (*PyErr_Occurred)();
  int (*PyGILState_Ensure)();
  void (*PyGILState_Release)(int);
  void* (*PyGILState_GetThisThreadState)();
  int (*Py_IsInitialized)();
  int (*Py_IsFinalizing)();  // by one of its names; nullptr: by none
  void* (*PyInterpreterState_Get)();
  void* (*PyInterpreterState_Main)();
  Object* none;
  Object* true_object;
  Object* false_object;
  Object* int_type;
  Object* float_type;
  Object* str_type;
  Object* bytes_type;
  Object** type_error;
  Object** value_error;
  // 1: found, 0: absent, -1: raised; without the cost of making an AttributeError. May be missing.
  int (*get_optional_attribute)(Object*, Object*, Object**);
  Object* task_attribute;
  Object* dead_attribute;
  size_t type_offset;  // of ob_type in an object; 0: not known
};

extern Python python;

// Whether `python` is ready, now or since long. REQUIRES: the caller holds the interpreter, as ctypes.PyDLL does; and so for
// all that follows.
bool FindPython();
// nullptr, with an exception set that says that it was not found, where even that can be.
void* RefusePython();

// Whether this thread runs the interpreter that the process began with, not one that a program made within it: only that one
// is hooked, and objects of the one may not come into the other.
bool InMainInterpreter();

bool IsInstance(Object* object, Object* type);
// A new reference.
Object* None();
// nullptr, with that exception set.
Object* Raise(Object** type, const char* message);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_CPYTHON_H_
