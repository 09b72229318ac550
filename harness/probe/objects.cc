#include "harness/probe/objects.h"

namespace trireme {
namespace {

enum : uint32_t { kFree, kChangingHands, kInUse };
// How far from where its hash points an object may be.
constexpr uint32_t kReach = 16;

trireme_object* Table(trireme_header* header) {
  return reinterpret_cast<trireme_object*>(reinterpret_cast<char*>(header) + TRIREME_HEADER_SIZE);
}

uint64_t Hash(const ObjectId& id) {
  const uint64_t mixed = (id.inode ^ (uint64_t{id.device} << 32)) * 0x9e3779b97f4a7c15u;
  return mixed >> 20;
}

// Whether a set tells for as long as it can be read: whoever waits there waits for it.
bool IsHeld(const trireme_object* object) {
  const uint32_t epoll = __atomic_load_n(&object->epoll, __ATOMIC_SEQ_CST);
  return epoll != 0 && (epoll & TRIREME_EDGE) == 0;
}

bool IsIdle(const trireme_object* object) {
  return __atomic_load_n(&object->waiters[0], __ATOMIC_SEQ_CST) == 0 &&
         __atomic_load_n(&object->waiters[1], __ATOMIC_SEQ_CST) == 0 && !IsHeld(object);
}

// What is edge-triggered gives way: servers hold all their connections so.
void ForgetEdge(trireme_object* object) {
  uint32_t epoll = __atomic_load_n(&object->epoll, __ATOMIC_RELAXED);
  if ((epoll & TRIREME_EDGE) != 0)
    __atomic_compare_exchange_n(&object->epoll, &epoll, uint32_t{0}, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_RELAXED);
}

// Takes the place for `id`, if nobody waits there. Whoever becomes a waiter looks afterwards whether the object is
// still its own, and we look for waiters after the object is nobody's: so one of the two gives way.
bool Take(trireme_object* object, const ObjectId& id) {
  uint32_t owned = __atomic_load_n(&object->owned, __ATOMIC_ACQUIRE);
  if (owned == kChangingHands || (owned == kInUse && !IsIdle(object))) return false;
  if (!__atomic_compare_exchange_n(&object->owned, &owned, uint32_t{kChangingHands}, false,
                                   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
    return false;
  const uint64_t before = __atomic_exchange_n(&object->inode, 0, __ATOMIC_SEQ_CST);
  const bool idle = IsIdle(object);
  if (idle) {
    ForgetEdge(object);
    object->device = id.device;
    object->events = 0;
  }
  __atomic_store_n(&object->inode, idle ? id.inode : before, __ATOMIC_SEQ_CST);
  __atomic_store_n(&object->owned, uint32_t{kInUse}, __ATOMIC_SEQ_CST);
  return idle;
}

}  // namespace

trireme_object* ObjectAt(trireme_header* header, uint32_t index) {
  return index < header->objects ? Table(header) + index : nullptr;
}

bool IsObject(const trireme_object* object, const ObjectId& id) {
  return __atomic_load_n(&object->inode, __ATOMIC_SEQ_CST) == id.inode &&
         object->device == id.device && __atomic_load_n(&object->owned, __ATOMIC_RELAXED) == kInUse;
}

namespace {

[[gnu::noinline]] trireme_object* FindOrTake(trireme_header* header, Descriptor* descriptor) {
  const uint64_t count = header->objects;
  if (count == 0) return nullptr;
  const uint64_t start = Hash(descriptor->id);
  const uint64_t reach = count < kReach ? count : kReach;
  trireme_object* taken = nullptr;
  // Once more after a place was taken: another thread or process may have taken one for the same object, and then the
  // first one stands.
  for (int round = 0; round < 2; ++round) {
    for (uint64_t i = 0; i < reach; ++i) {
      const auto index = static_cast<uint32_t>((start + i) % count);
      trireme_object* object = ObjectAt(header, index);
      if (!IsObject(object, descriptor->id)) continue;
      descriptor->slot = index + 1;
      return object;
    }
    for (uint64_t i = 0; i < reach && taken == nullptr; ++i) {
      trireme_object* object = ObjectAt(header, static_cast<uint32_t>((start + i) % count));
      if (Take(object, descriptor->id)) taken = object;
    }
    if (taken == nullptr) return nullptr;
  }
  return nullptr;
}

}  // namespace

trireme_object* FindObject(trireme_header* header, Descriptor* descriptor) {
  trireme_object* known = descriptor->slot == 0 ? nullptr : ObjectAt(header, descriptor->slot - 1);
  if (known != nullptr && IsObject(known, descriptor->id)) [[likely]]
    return known;
  return FindOrTake(header, descriptor);
}

}  // namespace trireme
