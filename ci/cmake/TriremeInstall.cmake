# Where an installed Trireme keeps what it needs at run time, relative to the prefix:
#   bin/trireme, lib/trireme/{trireme-runner,libtrireme-probe.so,workloads/}, include/trireme/,
#   share/trireme/{python/,scenarios/,requirements/}
# harness/base/locations.h finds these from the program's own path; the build tree mirrors the layout.
set(TRIREME_LIBEXEC_DIR "${CMAKE_INSTALL_LIBDIR}/trireme")
set(TRIREME_SHARE_DIR "${CMAKE_INSTALL_DATADIR}/trireme")
