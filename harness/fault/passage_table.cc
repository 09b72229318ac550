#include "harness/fault/passage_table.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace trireme {
namespace {

constexpr uint32_t kChanging = ~uint32_t{0};

uint32_t KeyOf(const LoopbackAddress& address, bool onward) {
  return TRIREME_PASSAGE_USED | (onward ? TRIREME_PASSAGE_ONWARD : 0) |
         (address.family() == AF_INET6 ? TRIREME_PASSAGE_IPV6 : 0) | address.port();
}

uint32_t KeyNow(const trireme_passage& passage) {
  return __atomic_load_n(&passage.key, __ATOMIC_ACQUIRE);
}

bool Change(trireme_passage* passage, uint32_t from, uint32_t to) {
  return __atomic_compare_exchange_n(&passage->key, &from, to, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_RELAXED);
}

std::string TextOf(const char* bytes, size_t size) {
  return std::string(bytes, ::strnlen(bytes, size));
}

}  // namespace

PassageTable::~PassageTable() {
  if (file_ != nullptr) ::munmap(file_, size_);
}

Status PassageTable::Open(const std::string& recording) {
  TRIREME_CHECK(file_ == nullptr);
  const UniqueFd fd(::open(recording.c_str(), O_RDWR | O_CLOEXEC));
  trireme_header header{};
  if (!fd.valid() || ::pread(fd.get(), &header, sizeof(header), 0) != sizeof(header))
    return ErrnoError("cannot read " + recording, errno);
  trireme_plan plan{};
  std::memcpy(&plan, header.plan, sizeof(plan));
  if (header.plan_size < sizeof(plan) || plan.passages == 0)
    return InfrastructureError(recording + " has no passages for the proxy");
  passages_at_ = plan.passages_at;
  passages_ = plan.passages;
  connections_at_ = plan.connections_at;
  connections_ = plan.connections;
  size_ = std::max(passages_at_ + passages_ * sizeof(trireme_passage),
                   connections_at_ + connections_ * sizeof(trireme_connection));
  void* file = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (file == MAP_FAILED) return ErrnoError("cannot map " + recording, errno);
  file_ = static_cast<char*>(file);
  return Done{};
}

trireme_passage* PassageTable::At(uint32_t key, uint32_t i) const {
  const uint32_t place = (trireme_passage_start(key, passages_) + i) & (passages_ - 1);
  return reinterpret_cast<trireme_passage*>(file_ + passages_at_) + place;
}

trireme_passage* PassageTable::Find(uint32_t key) const {
  for (uint32_t i = 0; i < TRIREME_PASSAGE_REACH && file_ != nullptr; ++i)
    if (trireme_passage* passage = At(key, i); KeyNow(*passage) == key) return passage;
  return nullptr;
}

// One of the same key first, then a free one, then one that is over. Null when there is none.
trireme_passage* PassageTable::Claim(uint32_t key) const {
  for (int round = 0; round < 3; ++round) {
    for (uint32_t i = 0; i < TRIREME_PASSAGE_REACH && file_ != nullptr; ++i) {
      trireme_passage* passage = At(key, i);
      const uint32_t now = KeyNow(*passage);
      const bool wanted = round == 0   ? (now & ~TRIREME_PASSAGE_OVER) == key
                          : round == 1 ? now == 0
                                       : now != kChanging && (now & TRIREME_PASSAGE_OVER) != 0;
      if (wanted && Change(passage, now, kChanging)) return passage;
    }
  }
  return nullptr;
}

std::optional<ProxyTarget> PassageTable::Take(const LoopbackAddress& client) {
  const uint32_t key = KeyOf(client, false);
  trireme_passage* passage = Find(key);
  if (passage == nullptr || !Change(passage, key, kChanging)) return std::nullopt;
  trireme_passage taken{};
  std::memcpy(&taken, passage, sizeof(taken));
  __atomic_store_n(&passage->key, 0U, __ATOMIC_RELEASE);
  return TargetOf(taken);
}

std::optional<ProxyTarget> PassageTable::TargetOf(const trireme_passage& passage) const {
  if (passage.place >= connections_ || passage.target_size > sizeof(passage.target))
    return std::nullopt;
  sockaddr_storage storage{};
  std::memcpy(&storage, passage.target, passage.target_size);
  Result<LoopbackAddress> address =
      LoopbackAddress::Of(reinterpret_cast<const sockaddr*>(&storage), passage.target_size);
  if (!address.ok() || address->family() == AF_UNIX) return std::nullopt;
  trireme_connection connection{};
  std::memcpy(&connection, file_ + connections_at_ + passage.place * sizeof(trireme_connection),
              sizeof(connection));
  if (connection.number != passage.number) return std::nullopt;
  return ProxyTarget{.address = *std::move(address),
                     .id = TextOf(connection.id, sizeof(connection.id)),
                     .name = TextOf(connection.name, sizeof(connection.name)),
                     .place = passage.place,
                     .number = passage.number};
}

void PassageTable::Enter(const ProxyTarget& target, const LoopbackAddress& onward) {
  const uint32_t key = KeyOf(onward, true);
  trireme_passage* passage = Claim(key);
  if (passage == nullptr) return;
  passage->place = target.place;
  passage->number = target.number;
  passage->target_size = 0;
  __atomic_store_n(&passage->key, key, __ATOMIC_RELEASE);
}

// The end that accepts may look for it still.
void PassageTable::Leave(const LoopbackAddress& onward) {
  const uint32_t key = KeyOf(onward, true);
  if (trireme_passage* passage = Find(key)) (void)Change(passage, key, key | TRIREME_PASSAGE_OVER);
}

void PassageTable::CloseRoutes() const {
  if (file_ == nullptr) return;
  auto* plan = reinterpret_cast<trireme_plan*>(file_ + offsetof(trireme_header, plan));
  __atomic_store_n(&plan->routes, 0U, __ATOMIC_SEQ_CST);
}

}  // namespace trireme
