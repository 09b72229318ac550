#ifndef TRIREME_HARNESS_FAULT_PASSAGE_TABLE_H_
#define TRIREME_HARNESS_FAULT_PASSAGE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "harness/base/result.h"
#include "harness/fault/proxy_table.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

// The table of passages in a trial's recording, from the proxy's side of it; see struct trireme_passage. The program under test
// may write into it whatever it likes: what is no address on this machine, or no place of a connection, is no passage.
class PassageTable : public ProxyTable {
 public:
  PassageTable() = default;
  ~PassageTable() override;
  PassageTable(const PassageTable&) = delete;
  PassageTable& operator=(const PassageTable&) = delete;

  // Of a recording whose plan has passages. Before the first connection comes; at most once.
  Status Open(const std::string& recording);

  std::optional<ProxyTarget> Take(const LoopbackAddress& client) override;
  void Enter(const ProxyTarget& target, const LoopbackAddress& onward) override;
  void Leave(const LoopbackAddress& onward) override;
  // From now on no process of the trial goes by the proxy any more: it connects as it would without one.
  void CloseRoutes() const;

 private:
  trireme_passage* At(uint32_t key, uint32_t i) const;
  trireme_passage* Find(uint32_t key) const;
  trireme_passage* Claim(uint32_t key) const;
  std::optional<ProxyTarget> TargetOf(const trireme_passage& passage) const;

  // As the harness made it: the program cannot change these.
  char* file_ = nullptr;
  size_t size_ = 0;
  uint64_t passages_at_ = 0, connections_at_ = 0;
  uint32_t passages_ = 0, connections_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_FAULT_PASSAGE_TABLE_H_
