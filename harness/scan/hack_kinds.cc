#include "harness/scan/hack_kinds.h"

#include <array>

namespace trireme {
namespace {

constexpr std::array kKinds = {
    HackKind{"multiple-readers-allowed",
             "Eventlet's check for second readers is switched off or gone around",
             "lets two green threads wait for one socket anywhere in the process, and each message "
             "goes to either; Eventlet's asyncio hub refuses this or starves the second reader",
             "hazards/two-readers-unprotected", "error"},
    HackKind{"multiple-readers-refused", "Eventlet's check for second readers is relied on",
             "keeps a check that nothing but Eventlet has: threads and asyncio share or lose the "
             "message without a word",
             "hazards/two-readers", "note"},
    HackKind{"hub-debug", "A debug switch of Eventlet's hub is used",
             "tells of, or changes, who waits in Eventlet's hub: no other runtime has it, and a "
             "second reader that it made visible stays unseen there",
             "hazards/two-readers", "note"},
    HackKind{"hub-choice", "Eventlet's hub is chosen",
             "decides how a second reader is treated: the epolls hub serves readers in turn, the "
             "asyncio hub only the first, threads any",
             "hazards/two-readers", "warning"},
    HackKind{"trampoline", "A descriptor is waited for through Eventlet's hub",
             "waits for a descriptor by its number: a second waiter raises RuntimeError here, and "
             "shares or loses the bytes on every other runtime",
             "hazards/two-readers", "warning"},
    HackKind{"pipe-mutex", "A pipe or eventfd with one token in it is used as a lock",
             "makes every waiter of the lock a reader of one descriptor: it needs Eventlet's check "
             "switched off, and its asyncio hub never wakes the second waiter",
             "hazards/pipe-as-mutex", "error"},
    HackKind{"shared-reader", "Spawned tasks read one socket",
             "so a reply goes to whoever happens to read: Eventlet raises RuntimeError in the "
             "second, threads take turns at random, asyncio forgets the first",
             "hazards/two-readers", "error"},
    HackKind{"duplicated-reader", "Spawned tasks read one socket by descriptors of their own",
             "so a reply goes to whoever happens to read: dup() only hides the second reader from "
             "Eventlet's check, both numbers are the same socket",
             "hazards/two-readers-dup", "error"},
    HackKind{"shared-writer", "Spawned tasks write to one socket",
             "so a record that does not fit into the buffer is mixed with the other's: Eventlet "
             "raises RuntimeError in the second, threads interleave",
             "hazards/two-writers", "warning"},
    HackKind{"shared-listener", "Spawned tasks accept from one socket",
             "so each connection goes to one of them, whole, but not in turn: Eventlet raises "
             "RuntimeError in the second",
             "hazards/shared-listener", "note"},
};

}  // namespace

std::span<const HackKind> HackKinds() { return kKinds; }

const HackKind* FindHackKind(std::string_view name) {
  for (const HackKind& kind : kKinds)
    if (kind.name == name) return &kind;
  return nullptr;
}

}  // namespace trireme
