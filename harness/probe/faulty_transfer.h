#ifndef TRIREME_HARNESS_PROBE_FAULTY_TRANSFER_H_
#define TRIREME_HARNESS_PROBE_FAULTY_TRANSFER_H_

#include <stdint.h>
#include <sys/uio.h>

#include "harness/probe/connections.h"

namespace trireme {

// The program's memory that a call reads into or writes from.
struct Pieces {
  const iovec* parts = nullptr;
  int count = 0;
  const void* address = nullptr;  // where a datagram goes; null: to the peer
  uint32_t address_size = 0;
  int64_t position = -1;          // in a file; -1: where the descriptor stands
  const void* control = nullptr;  // what goes beside a message, as sendmsg(2) has it
  uint64_t control_size = 0;

  uint64_t size() const {
    uint64_t sum = 0;
    for (int i = 0; i < count; ++i) sum += parts[i].iov_len;
    return sum;
  }
};

// One call that reads or writes a connection while a plan is active. It is cut so that it ends exactly where the next
// fault is due, and the fault happens to the call that begins there; for a read only once there is a byte to be read,
// so that it does not matter how often and how early a runtime asks. The same where the harness does a fault at a byte.
class FaultyTransfer {
 public:
  static constexpr uint64_t kNoLimit = ~uint64_t{0};

  FaultyTransfer(int fd, Direction direction, const Pieces& pieces, int flags);

  // Whether the call is to be made, of at most limit() bytes. Otherwise it is over: result(), and errno.
  bool Begin();
  // What the call gave, or -errno; returns what the program is told of it, with its errno.
  int64_t End(int64_t result);

  uint64_t limit() const { return limit_; }
  int64_t result() const { return result_; }
  // A datagram that is not to be sent: no call is made, and End() is told that all was.
  bool dropped() const { return dropped_ != nullptr; }
  // A datagram that is to be sent a second time, before End(); and that it could not be.
  bool duplicated() const { return duplicated_ != nullptr; }
  void CouldNotDuplicate();

 private:
  // kNext: neither yet; the next rule of this place, or the next datagram.
  enum class Step { kMakeCall, kOver, kNext };

  uint64_t offset() const;
  Subject subject() const { return end_.subject(end_.transfer(direction_)); }
  bool MayBlock() const;
  bool TellsAWaiterToTryAgain(const trireme_fault_rule& rule) const;
  bool WaitsWhileHeldBack();
  bool RemoteWants();
  bool MayBegin();
  Step BeginDatagram();
  Step ChangeDatagram();
  Step LoseDatagram(trireme_fault_rule& rule);
  bool ChangesMessage(const trireme_fault_rule& rule) const;
  bool IsNever(const trireme_fault_rule& rule) const;
  trireme_fault_rule* RuleThat(uint8_t action);
  bool Takes(trireme_fault_rule& rule);
  bool BeginStream();
  bool GoesNowhere() const;
  int64_t NoteEndOfPeer(int64_t result);
  void EndAtMoment();
  Step ApplyDue(const Due& due);
  Step Apply(trireme_fault_rule& rule);
  Step Fail(int error);
  Step Late(uint64_t nanoseconds, bool both);
  int Look();
  bool MovesSomething() const;
  bool HasMoved(int64_t result) const;
  bool Breaks(int error) const;
  void SignalBrokenPipe() const;
  void Note(const trireme_fault_rule& rule, const Outdone& outdone = {});
  bool EndsConnection(const trireme_fault_rule& rule) const;
  bool EndsMessage(const trireme_fault_rule& rule) const;
  Outdone OutdoneBy(uint32_t rule) const;
  void NoteChanges();
  void TakeBackChanges();
  void Over(int64_t result, int error);

  int fd_;
  Direction direction_;
  Pieces pieces_;
  int flags_;
  ConnectionEnd end_;
  uint64_t size_ = 0;
  uint64_t limit_ = kNoLimit;
  int64_t result_ = -1;
  // By these rules: to be noted once something moved, else taken back.
  trireme_fault_rule* shortened_ = nullptr;
  trireme_fault_rule* dropped_ = nullptr;
  trireme_fault_rule* duplicated_ = nullptr;
};

// A stream loses, doubles and reorders nothing.
bool IsForDatagrams(uint8_t action);

// Resets the connection behind the descriptor as far as its kind allows: a TCP peer gets RST.
void ResetConnection(int fd);

}  // namespace trireme

#endif  // TRIREME_HARNESS_PROBE_FAULTY_TRANSFER_H_
