#include "harness/probe/lanes.h"

#include <errno.h>
#include <string.h>

#include "harness/probe/keep_errno.h"
#include "harness/probe/thread_end.h"

namespace trireme {

constinit thread_local ThreadState thread_state;

namespace {

constexpr uint64_t kOperationsPerThread = 1024;
constexpr int kRangeBits = 11;              // for how many of those are left
constexpr uint64_t kWarmSize = 512 * 1024;  // stays in a core's cache

// A compare-and-swap that only this thread's own signal handlers may come between: one instruction, without the lock that
// other processors would need.
bool SwapOwn(uint64_t* word, uint64_t* expected, uint64_t desired) {
#if defined(__x86_64__)
  bool swapped;
  __asm__ volatile("cmpxchgq %3, %1"
                   : "=@ccz"(swapped), "+m"(*word), "+a"(*expected)
                   : "r"(desired)
                   : "memory");
  return swapped;
#else
  return __atomic_compare_exchange_n(word, expected, desired, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED);
#endif
}

void EndThread(void* state) {
  if (IsStoppedForGood()) return;
  const KeepErrno keep;
  auto* thread = static_cast<ThreadState*>(state);
  for (Lane& lane : thread->lanes) {
    if (lane.space.chunk == nullptr) continue;
    const Space space = lane.space;
    lane.space = {};
    if (thread->recording->header() == AttachedHeader()) {
      thread->recording->Return(space);
    } else {
      thread->recording->Unmap(space);
    }
  }
}

// Brings the thread's state up to date with the file and the process that it records for.
void Adopt(ThreadState& state, Recording* recording) {
  for (Lane& lane : state.lanes) {
    if (state.recording != nullptr) state.recording->Unmap(lane.space);
    lane = {};
  }
  state.recording = recording;
  state.operations = 0;
  if (!state.ends_noticed) state.ends_noticed = CallAtThreadEnd(EndThread, &state);
}

// A warm chunk, emptied into the file: see Recording::Spill.
bool EmptyChunk(Lane& lane) {
  const Space full = lane.space;
  int error = 0;
  if (full.used == 0 || !thread_state.recording->Spill(full, &error)) return false;
  // A signal handler may have forked meanwhile: then this is the child, and the chunk is its
  // parent's.
  if (__atomic_load_n(&lane.space.chunk, __ATOMIC_RELAXED) != full.chunk) return false;
  __atomic_store_n(&full.chunk->used, 0, __ATOMIC_RELEASE);
  lane.space.used = 0;
  return true;
}

// A thread begins with a small chunk, and gets a larger one each time that it fills one.
Space NewChunk(const Lane& lane, Recording* recording, uint64_t size, int* error) {
  const bool first = lane.space.chunk == nullptr;
  const Space returned = first ? recording->TakeReturned(size) : Space();
  if (returned.chunk != nullptr) return returned;
  const uint64_t larger = 4 * (lane.space.capacity + sizeof(trireme_chunk));
  const uint64_t wanted = first ? 0 : larger < kWarmSize ? larger : kWarmSize;
  return recording->Claim(ProcessId(), size, wanted / recording->header()->chunk_size, error);
}

// Makes room for `size` bytes, or counts the event as lost.
[[gnu::noinline]] bool MakeRoom(ThreadState& state, Lane& lane, uint64_t size) {
  const KeepErrno keep;
  ThreadId();
  ProcessId();
  const bool warm = lane.space.capacity > kWarmSize / 2;
  if (warm && lane.space.capacity >= size && EmptyChunk(lane)) return true;
  int error = 0;
  const Space space = NewChunk(lane, state.recording, size, &error);
  if (space.chunk == nullptr) {
    state.recording->CountLost(1, error);
    return false;
  }
  const Space full = lane.space;
  lane.space = space;
  state.recording->Unmap(full);
  return true;
}

template <typename Word>
void CopyEnds(char* place, const char* from, uint64_t size) {
  memcpy(place, from, sizeof(Word));
  memcpy(place + size - sizeof(Word), from + size - sizeof(Word), sizeof(Word));
}

// Most keys and values are short: then two moves, which may overlap, cost less than a call.
[[gnu::always_inline]] inline char* Put(char* place, const Bytes& bytes) {
  const uint64_t size = bytes.size;
  const auto* from = static_cast<const char*>(bytes.data);
  if (size > 16)
    memcpy(place, from, size);
  else if (size >= 8)
    CopyEnds<uint64_t>(place, from, size);
  else if (size >= 4)
    CopyEnds<uint32_t>(place, from, size);
  else if (size >= 2)
    CopyEnds<uint16_t>(place, from, size);
  else if (size == 1)
    *place = *from;
  return place + size;
}

// A thread's times increase, so that merging by time alone keeps its order even where the clock is
// coarse.
uint64_t NextTime(ThreadState& state) {
  uint64_t time = Now();
  if (time <= state.last_time) time = state.last_time + 1;
  state.last_time = time;
  return time;
}

}  // namespace

void Append(ThreadState& state, Recording* recording, const Entry& entry) {
  const uint64_t size =
      (sizeof(trireme_record) + entry.key.size + entry.value.size + 7) & ~uint64_t{7};
  if (state.depth > kLanes || size > UINT32_MAX) [[unlikely]] {
    recording->CountLost(1, state.depth > kLanes ? EDEADLK : EMSGSIZE);
    return;
  }
  if (recording != state.recording) [[unlikely]]
    Adopt(state, recording);
  Lane& lane = state.lanes[state.depth - 1];
  if (lane.space.left() < size) [[unlikely]]
    if (!MakeRoom(state, lane, size)) return;
  trireme_chunk* chunk = lane.space.chunk;
  char* place = lane.space.end();
  memset(place + size - 8, 0, 8);
  auto* record = reinterpret_cast<trireme_record*>(place);
  record->size = static_cast<uint32_t>(size);
  record->kind = entry.kind;
  record->type = entry.type;
  record->time = NextTime(state);
  record->task = entry.task;
  record->thread = entry.thread != 0 ? entry.thread : state.thread;
  record->id = entry.id;
  record->key_size = static_cast<uint32_t>(entry.key.size);
  record->value_size = static_cast<uint32_t>(entry.value.size);
  Put(Put(place + sizeof(*record), entry.key), entry.value);
  // A signal handler may have forked meanwhile: then this is the child, and the chunk is its
  // parent's.
  if (__atomic_load_n(&lane.space.chunk, __ATOMIC_RELAXED) != chunk) return;
  lane.space.used += size;
  chunk->newest = record->time;
  __atomic_store_n(&chunk->used, lane.space.used, __ATOMIC_RELEASE);
}

// The next id and how many are left are one word, so that a signal handler that wants an id between
// our reading and writing of it makes us read again, and nobody gets an id twice.
uint64_t TakeOperation(ThreadState& state, Recording* recording) {
  if (state.recording != recording) Adopt(state, recording);
  constexpr uint64_t kOneTaken = (uint64_t{1} << kRangeBits) - 1;  // next + 1, left - 1
  constexpr uint64_t kLeft = (uint64_t{1} << kRangeBits) - 1;
  uint64_t range = __atomic_load_n(&state.operations, __ATOMIC_RELAXED);
  while ((range & kLeft) != 0) {
    if (SwapOwn(&state.operations, &range, range + kOneTaken)) return range >> kRangeBits;
  }
  const uint64_t first = __atomic_fetch_add(&recording->header()->next_operation,
                                            kOperationsPerThread, __ATOMIC_RELAXED);
  // Where a handler has got a range meanwhile, that one stays, and of ours only this id is used.
  const uint64_t rest = ((first + 1) << kRangeBits) | (kOperationsPerThread - 1);
  SwapOwn(&state.operations, &range, rest);
  return first;
}

void LeaveLanesToParent(ThreadState& state) {
  for (Lane& lane : state.lanes) {
    // A recording that this fork interrupted is still writing there.
    if (state.recording != nullptr && state.depth == 0) state.recording->Unmap(lane.space);
    lane = {};
  }
  state.operations = 0;
}

}  // namespace trireme
