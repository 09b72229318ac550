#include "harness/probe/fault_log.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/addresses.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"

namespace trireme {
namespace {

struct ErrorName {
  int error;
  const char* name;
};
// All that a plan may name; harness/fault/error_names.cc has them for the harness.
#define TRIREME_ERROR(name) ErrorName{name, #name}
constexpr ErrorName kErrors[] = {
    TRIREME_ERROR(EACCES), TRIREME_ERROR(EADDRINUSE), TRIREME_ERROR(EADDRNOTAVAIL),
    TRIREME_ERROR(EAFNOSUPPORT), TRIREME_ERROR(EAGAIN), TRIREME_ERROR(EALREADY),
    TRIREME_ERROR(EBADF), TRIREME_ERROR(EBUSY), TRIREME_ERROR(ECONNABORTED),
    TRIREME_ERROR(ECONNREFUSED), TRIREME_ERROR(ECONNRESET), TRIREME_ERROR(EDESTADDRREQ),
    TRIREME_ERROR(EDQUOT), TRIREME_ERROR(EEXIST), TRIREME_ERROR(EFAULT), TRIREME_ERROR(EFBIG),
    TRIREME_ERROR(EHOSTDOWN), TRIREME_ERROR(EHOSTUNREACH), TRIREME_ERROR(EINPROGRESS),
    TRIREME_ERROR(EINTR), TRIREME_ERROR(EINVAL), TRIREME_ERROR(EIO), TRIREME_ERROR(EISCONN),
    TRIREME_ERROR(EISDIR), TRIREME_ERROR(ELOOP), TRIREME_ERROR(EMFILE), TRIREME_ERROR(EMSGSIZE),
    TRIREME_ERROR(ENAMETOOLONG), TRIREME_ERROR(ENETDOWN), TRIREME_ERROR(ENETRESET),
    TRIREME_ERROR(ENETUNREACH), TRIREME_ERROR(ENFILE), TRIREME_ERROR(ENOBUFS),
    TRIREME_ERROR(ENODEV), TRIREME_ERROR(ENOENT), TRIREME_ERROR(ENOMEM), TRIREME_ERROR(ENOPROTOOPT),
    TRIREME_ERROR(ENOSPC), TRIREME_ERROR(ENOSYS), TRIREME_ERROR(ENOTCONN), TRIREME_ERROR(ENOTDIR),
    TRIREME_ERROR(ENOTSOCK), TRIREME_ERROR(ENXIO), TRIREME_ERROR(EOPNOTSUPP),
    TRIREME_ERROR(EOVERFLOW), TRIREME_ERROR(EPERM), TRIREME_ERROR(EPIPE), TRIREME_ERROR(EPROTO),
    TRIREME_ERROR(EPROTONOSUPPORT), TRIREME_ERROR(EROFS), TRIREME_ERROR(ESHUTDOWN),
    TRIREME_ERROR(ESPIPE), TRIREME_ERROR(ESTALE), TRIREME_ERROR(ETIMEDOUT), TRIREME_ERROR(ETXTBSY),
};
constexpr ErrorName kLookupErrors[] = {
    TRIREME_ERROR(EAI_ADDRFAMILY), TRIREME_ERROR(EAI_AGAIN), TRIREME_ERROR(EAI_BADFLAGS),
    TRIREME_ERROR(EAI_FAIL), TRIREME_ERROR(EAI_FAMILY), TRIREME_ERROR(EAI_MEMORY),
    TRIREME_ERROR(EAI_NODATA), TRIREME_ERROR(EAI_NONAME), TRIREME_ERROR(EAI_SERVICE),
    TRIREME_ERROR(EAI_SOCKTYPE), TRIREME_ERROR(EAI_SYSTEM),
};
#undef TRIREME_ERROR

template <size_t kCount>
const char* FindName(const ErrorName (&names)[kCount], int error) {
  for (const ErrorName& name : names)
    if (name.error == error) return name.name;
  return nullptr;
}

void AddError(TextBuffer& text, trireme_fault_call call, int error) {
  const char* name =
      call == TRIREME_CALL_GETADDRINFO ? FindName(kLookupErrors, error) : FindName(kErrors, error);
  text.Add("{\"error\":");
  if (name == nullptr)
    text.AddNumber(error).Add("}");
  else
    text.Add("\"").Add(name).Add("\"}");
}

// {"delay":0.020000000}
void AddDuration(TextBuffer& text, const char* name, uint64_t nanoseconds) {
  char digits[10] = "000000000";
  uint64_t rest = nanoseconds % 1000000000u;
  for (int i = 8; i >= 0; --i, rest /= 10) digits[i] = static_cast<char>('0' + rest % 10);
  text.Add("{\"").Add(name).Add("\":").AddNumber(static_cast<int64_t>(nanoseconds / 1000000000u));
  text.Add(".").Add(digits).Add("}");
}

void AddDo(TextBuffer& text, const trireme_fault_rule& rule, trireme_fault_call call) {
  switch (rule.action) {
    case TRIREME_DO_SHORT:
      text.Add("{\"short\":").AddNumber(static_cast<int64_t>(rule.amount)).Add("}");
      return;
    case TRIREME_DO_ERROR:
      return AddError(text, call, rule.error);
    case TRIREME_DO_DELAY:
      return AddDuration(text, "delay", rule.amount);
    case TRIREME_DO_STALL:
      return AddDuration(text, "stall", rule.amount);
    case TRIREME_DO_RESET:
      text.Add("{\"reset\":true}");
      return;
    case TRIREME_DO_CLOSE:
      text.Add("{\"close\":true}");
      return;
    case TRIREME_DO_INTERRUPT:
      text.Add("{\"interrupt\":true}");
      return;
    case TRIREME_DO_DROP:
      text.Add("{\"drop\":true}");
      return;
    case TRIREME_DO_DUPLICATE:
      text.Add("{\"duplicate\":true}");
      return;
    case TRIREME_DO_REORDER:
      text.Add("{\"reorder\":true}");
      return;
    default:
      text.Add("{\"spurious\":true}");
  }
}

const char* NameOfDirection(Direction direction) { return direction == kRead ? "read" : "write"; }
const char* NameOfSide(uint8_t side) { return side == kClient ? "client" : "server"; }

void AddOutdone(TextBuffer& text, const Outdone& outdone) {
  for (int i = 0; i < outdone.count(); ++i)
    text.Add(i == 0 ? ",\"instead_of\":[\"" : "\",\"").AddEscaped(outdone.at(i).name);
  if (outdone.count() > 0) text.Add("\"]");
}

// The object is to be ended by what follows.
void AddWhere(TextBuffer& text, const Subject& subject, int direction, uint64_t offset) {
  text.Add(",\"call\":\"")
      .Add(NameOf(subject.call))
      .Add("\",\"side\":\"")
      .Add(NameOfSide(subject.side));
  text.Add("\",\"connection\":\"").AddEscaped(subject.id).Add("\"");
  if (direction >= 0)
    text.Add(",\"direction\":\"").Add(NameOfDirection(static_cast<Direction>(direction))).Add("\"");
  text.Add(",\"offset\":").AddNumber(static_cast<int64_t>(offset));
}

void RecordJson(uint16_t kind, uint64_t id, const char* key, const TextBuffer& text) {
  Record({.kind = kind,
          .type = TRIREME_JSON,
          .task = CurrentOrServedTask(),
          .id = id,
          .key = {key, strlen(key)},
          .value = {text.text(), text.size()}});
}

constexpr const char* kWireKeys[2][2] = {{"client read", "client write"},
                                         {"server read", "server write"}};

void RecordWire(const ConnectionEnd& end, Direction direction, uint16_t type, const void* value,
                uint64_t size) {
  const char* key = kWireKeys[end.side][direction];
  Record({.kind = TRIREME_WIRE,
          .type = type,
          .task = CurrentOrServedTask(),
          .id = end.connection->number,
          .key = {key, strlen(key)},
          .value = {value, size}});
}

}  // namespace

const char* NameOf(trireme_fault_call call) {
  constexpr const char* kNames[] = {"connect",     "accept", "recv",   "send",   "read",
                                    "write",       "open",   "fsync",  "close",  "epoll_wait",
                                    "getaddrinfo", "fork",   "thread", "malloc", "socket"};
  return kNames[call];
}

void LogFault(const trireme_fault_rule& rule, const Subject& subject, int direction,
              uint64_t offset, const Outdone& outdone) {
  char place[1024];
  TextBuffer text(place, sizeof(place));
  text.Add("{\"do\":");
  AddDo(text, rule, subject.call);
  AddWhere(text, subject, direction, offset);
  AddOutdone(text, outdone);
  text.Add("}");
  RecordJson(TRIREME_FAULT, rule.fault, rule.name, text);
}

void LogRemoteFault(const Subject& subject, int direction, uint64_t offset, int error) {
  char place[768];
  TextBuffer text(place, sizeof(place));
  text.Add("{\"do\":");
  AddError(text, subject.call, error);
  AddWhere(text, subject, direction, offset);
  text.Add("}");
  RecordJson(TRIREME_FAULT, 0, "fiu-ctrl", text);
}

void LogOpened(const ConnectionEnd& end, const char* kind, int fd, const Peer* peer,
               const Peer* local) {
  char place[1024];
  TextBuffer text(place, sizeof(place));
  text.Add("{\"connection\":\"").AddEscaped(end.connection->id).Add("\",\"name\":\"");
  text.AddEscaped(end.connection->name).Add("\",\"side\":\"").Add(NameOfSide(end.side));
  text.Add("\",\"kind\":\"").Add(kind).Add("\"");
  if (end.socket()) {
    if (local == nullptr)
      AddAddress(text, "local", SYS_getsockname, fd);
    else
      AddAddress(text, "local", *local);
    if (peer == nullptr)
      AddAddress(text, "peer", SYS_getpeername, fd);
    else
      AddAddress(text, "peer", *peer);
  }
  text.Add("}");
  RecordJson(TRIREME_CONNECTION, end.connection->number, "opened", text);
}

void LogClosed(const ConnectionEnd& end) {
  TextBuffer text;
  text.Add("{\"side\":\"").Add(NameOfSide(end.side)).Add("\",\"read\":");
  text.AddNumber(static_cast<int64_t>(end.moved(kRead))).Add(",\"written\":");
  text.AddNumber(static_cast<int64_t>(end.moved(kWrite))).Add("}");
  RecordJson(TRIREME_CONNECTION, end.connection->number, "closed", text);
}

bool RecordsWire() {
  const trireme_plan* plan = ActivePlan();
  return plan != nullptr && (plan->flags & TRIREME_PLAN_WIRE) != 0;
}

void LogBytes(const ConnectionEnd& end, Direction direction, const iovec* parts, int count,
              uint64_t size) {
  for (int i = 0; i < count && size > 0; ++i) {
    const uint64_t piece = parts[i].iov_len < size ? parts[i].iov_len : size;
    // A file that is sent passes through no memory of the program.
    if (piece != 0 && parts[i].iov_base != nullptr)
      RecordWire(end, direction, TRIREME_BYTES, parts[i].iov_base, piece);
    size -= piece;
  }
}

void LogEndOfBytes(const ConnectionEnd& end, Direction direction, int error) {
  const int64_t value = error;
  RecordWire(end, direction, TRIREME_INT, &value, sizeof(value));
}

}  // namespace trireme
