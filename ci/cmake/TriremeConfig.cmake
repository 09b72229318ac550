# find_package(Trireme) gives trireme::workload (the header) and trireme_add_workload().
get_filename_component(_trireme_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT EXISTS "${_trireme_prefix}/include/trireme/workload.h")  # lib/<architecture>/cmake/Trireme
  get_filename_component(_trireme_prefix "${_trireme_prefix}/.." ABSOLUTE)
endif()
if(NOT TARGET trireme::workload)
  add_library(trireme::workload INTERFACE IMPORTED)
  set_target_properties(trireme::workload PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_trireme_prefix}/include"
                        INTERFACE_COMPILE_FEATURES cxx_std_20)
endif()
unset(_trireme_prefix)
include("${CMAKE_CURRENT_LIST_DIR}/TriremeWorkload.cmake")
