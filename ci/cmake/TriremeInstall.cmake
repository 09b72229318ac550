# Where an installed Trireme keeps what it needs at run time, relative to the prefix:
#   bin/trireme, lib/trireme/{trireme-runner,libtrireme-probe.so,workloads/}, include/trireme/,
#   share/trireme/{python/,scenarios/,requirements/}, lib/cmake/Trireme/
# harness/base/locations.h finds these from the program's own path; the build tree mirrors the layout, so that a
# build runs from where it is. Nothing is written below the prefix later: it may be read-only and owned by another.
set(TRIREME_LIBEXEC_DIR "${CMAKE_INSTALL_LIBDIR}/trireme")
set(TRIREME_SHARE_DIR "${CMAKE_INSTALL_DATADIR}/trireme")
set(TRIREME_CMAKE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/Trireme")

# Everything that `cmake --install` takes: `cmake --build --target product` builds no tests and no benchmarks.
add_custom_target(product)

# trireme_install_target(TARGET DIRECTORY): builds and installs a program or library in DIRECTORY, below the prefix.
function(trireme_install_target target directory)
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${directory}"
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${directory}")
  add_dependencies(product ${target})
  install(TARGETS ${target} RUNTIME DESTINATION "${directory}" LIBRARY DESTINATION "${directory}")
endfunction()

# trireme_install_folder(FOLDER DIRECTORY [ONLY PATTERN...] [EXCEPT PATTERN...]): installs the files of FOLDER as DIRECTORY,
# below the prefix; the build tree has a link.
function(trireme_install_folder folder directory)
  cmake_parse_arguments(ARG "" "" "ONLY;EXCEPT" ${ARGN})
  get_filename_component(parent "${PROJECT_BINARY_DIR}/${directory}" DIRECTORY)
  file(MAKE_DIRECTORY "${parent}")
  file(CREATE_LINK "${folder}" "${PROJECT_BINARY_DIR}/${directory}" SYMBOLIC)
  set(filter "")
  if(ARG_ONLY)
    list(APPEND filter FILES_MATCHING)
  endif()
  foreach(pattern IN LISTS ARG_ONLY)
    list(APPEND filter PATTERN "${pattern}")
  endforeach()
  foreach(pattern IN LISTS ARG_EXCEPT ITEMS "__pycache__" ".*" "CMakeLists.txt")
    list(APPEND filter PATTERN "${pattern}" EXCLUDE)
  endforeach()
  install(DIRECTORY "${folder}/" DESTINATION "${directory}" ${filter})
endfunction()

trireme_install_folder("${PROJECT_SOURCE_DIR}/runners/python" "${TRIREME_SHARE_DIR}/python"
                       ONLY "*.py" "py.typed" EXCEPT "requirements")
trireme_install_folder("${PROJECT_SOURCE_DIR}/runners/python/requirements" "${TRIREME_SHARE_DIR}/requirements"
                       ONLY "*.txt")
trireme_install_folder("${PROJECT_SOURCE_DIR}/scenarios" "${TRIREME_SHARE_DIR}/scenarios")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${TRIREME_SHARE_DIR}")
