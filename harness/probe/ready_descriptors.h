#ifndef TRIREME_HARNESS_PROBE_READY_DESCRIPTORS_H_
#define TRIREME_HARNESS_PROBE_READY_DESCRIPTORS_H_

#include <stdint.h>
#include <sys/epoll.h>

namespace trireme {

// Records what an epoll set has just told of, as USAGE `ready`: its descriptors, as far as /proc says which one each event
// is of. Cold: system calls.
void TellReady(int set, const epoll_event* events, int count);

// Writes what it knows of that task, which stands for what a loop reads, as members "reader" and "place" in JSON without the
// braces, at most `size` bytes at `place`, and returns how many.
using ReaderSource = uint64_t (*)(uint32_t task, char* place, uint64_t size);
void SetReaderSource(ReaderSource source);

// The same of what the loop of this thread has for that descriptor to write, as members "writer" and "place".
using WriterSource = uint64_t (*)(int fd, char* place, uint64_t size);
void SetWriterSource(WriterSource source);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_READY_DESCRIPTORS_H_
