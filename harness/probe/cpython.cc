#include "harness/probe/cpython.h"

#include <dlfcn.h>
#include <string.h>

namespace trireme {

Python python;

namespace {

// Whether there is a symbol of that name; then its address is at `place`.
template <typename T>
bool Find(const char* name, T* place) {
  void* symbol = dlsym(RTLD_DEFAULT, name);
  memcpy(place, &symbol, sizeof(symbol));
  return symbol != nullptr;
}

bool FindFunctions(Python* py) {
#define TRIREME_FIND(name) Find(#name, &py->name)
  return TRIREME_FIND(PyCFunction_NewEx) && TRIREME_FIND(Py_IncRef) && TRIREME_FIND(Py_DecRef) &&
         TRIREME_FIND(PyTuple_New) && TRIREME_FIND(PyTuple_SetItem) &&
         TRIREME_FIND(PyTuple_GetItem) && TRIREME_FIND(PyObject_Type) &&
         TRIREME_FIND(PyObject_Str) && TRIREME_FIND(PyObject_GetAttr) &&
         TRIREME_FIND(PyObject_SetAttr) && TRIREME_FIND(PyObject_CallObject) &&
         TRIREME_FIND(PyObject_CallFunctionObjArgs) && TRIREME_FIND(PyErr_Fetch) &&
         TRIREME_FIND(PyErr_Restore) && TRIREME_FIND(Py_AddPendingCall) &&
         TRIREME_FIND(PyGILState_Ensure) && TRIREME_FIND(PyGILState_Release) &&
         TRIREME_FIND(PyGILState_GetThisThreadState) && TRIREME_FIND(Py_IsInitialized) &&
         TRIREME_FIND(PyInterpreterState_Main) &&
         (TRIREME_FIND(PyInterpreterState_Get) ||
          Find("_PyInterpreterState_Get", &py->PyInterpreterState_Get)) &&  // 3.8
         TRIREME_FIND(PyNumber_ToBase) && TRIREME_FIND(PyType_IsSubtype) &&
         TRIREME_FIND(PyLong_AsLongLongAndOverflow) && TRIREME_FIND(PyLong_AsUnsignedLongLong) &&
         TRIREME_FIND(PyLong_FromLongLong) && TRIREME_FIND(PyLong_FromUnsignedLongLong) &&
         TRIREME_FIND(PyFloat_AsDouble) && TRIREME_FIND(PyUnicode_AsUTF8AndSize) &&
         TRIREME_FIND(PyUnicode_AsEncodedString) &&
         TRIREME_FIND(PyUnicode_InternFromString) && TRIREME_FIND(PyBytes_AsStringAndSize) &&
         TRIREME_FIND(PyErr_SetString) && TRIREME_FIND(PyErr_Clear) && TRIREME_FIND(PyErr_Occurred);
#undef TRIREME_FIND
}

bool FindObjects(Python* py) {
  return Find("_Py_NoneStruct", &py->none) && Find("_Py_TrueStruct", &py->true_object) &&
         Find("_Py_FalseStruct", &py->false_object) && Find("PyLong_Type", &py->int_type) &&
         Find("PyFloat_Type", &py->float_type) && Find("PyUnicode_Type", &py->str_type) &&
         Find("PyBytes_Type", &py->bytes_type) && Find("PyExc_TypeError", &py->type_error) &&
         Find("PyExc_ValueError", &py->value_error);
}

Object* TypeAt(Object* object, size_t offset) {
  Object* type;
  memcpy(&type, static_cast<char*>(object) + offset, sizeof(type));
  return type;
}

// Where an object keeps its type differs between builds; four objects of known types show it.
size_t MeasureTypeOffset(const Python& py, Object* text) {
  Object* number_type = py.PyObject_Type(py.none);
  py.Py_DecRef(number_type);
  for (size_t offset = sizeof(void*); offset <= 4 * sizeof(void*) && number_type != nullptr;
       offset += sizeof(void*)) {
    if (TypeAt(text, offset) == py.str_type && TypeAt(py.none, offset) == number_type &&
        TypeAt(py.true_object, offset) == TypeAt(py.false_object, offset)) {
      return offset;
    }
  }
  return 0;
}

}  // namespace

bool FindPython() {
  if (python.task_attribute != nullptr) return true;
  Python found{};
  if (!FindFunctions(&found) || !FindObjects(&found)) return false;
  if (!Find("PyObject_GetOptionalAttr", &found.get_optional_attribute)) {
    Find("_PyObject_LookupAttr", &found.get_optional_attribute);
  }
  if (!Find("Py_IsFinalizing", &found.Py_IsFinalizing))
    Find("_Py_IsFinalizing", &found.Py_IsFinalizing);
  Object* attribute = found.PyUnicode_InternFromString("trireme_task");
  found.dead_attribute = found.PyUnicode_InternFromString("dead");
  if (attribute == nullptr || found.dead_attribute == nullptr) return false;
  found.type_offset = MeasureTypeOffset(found, attribute);
  found.task_attribute = attribute;
  python = found;
  return true;
}

// Without CPython's functions no exception can be set but by the few that set one.
void* RefusePython() {
  void (*set_string)(Object*, const char*) = nullptr;
  Object** error = nullptr;
  if (Find("PyErr_SetString", &set_string) && Find("PyExc_SystemError", &error)) {
    set_string(*error, "trireme: this is no CPython that the probe knows");
  }
  return nullptr;
}

bool InMainInterpreter() {
  return python.PyInterpreterState_Get() == python.PyInterpreterState_Main();
}

bool IsInstance(Object* object, Object* type) {
  if (python.type_offset != 0) {
    Object* own = TypeAt(object, python.type_offset);
    return own == type || python.PyType_IsSubtype(own, type) != 0;
  }
  Object* own = python.PyObject_Type(object);
  const bool is = own != nullptr && python.PyType_IsSubtype(own, type) != 0;
  if (own != nullptr) python.Py_DecRef(own);
  return is;
}

Object* None() {
  python.Py_IncRef(python.none);
  return python.none;
}

Object* Raise(Object** type, const char* message) {
  python.PyErr_SetString(*type, message);
  return nullptr;
}

}  // namespace trireme
