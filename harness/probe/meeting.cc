#include "harness/probe/meeting.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/probe/addresses.h"
#include "harness/probe/native_stack.h"
#include "harness/probe/recorder.h"
#include "harness/probe/text.h"
#include "harness/probe/waiter.h"

// dladdr moved to libc in glibc 2.34; the old version of the symbol serves both.
#if defined(__x86_64__)
__asm__(".symver dladdr,dladdr@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dladdr,dladdr@GLIBC_2.17");
#endif

namespace trireme {
namespace {

StackSource stack_source = nullptr;
TaskStackSource task_stack_source = nullptr;

// The state letter in a stat file of /proc; 0 when there is none.
char StateIn(const char* path) {
  char bytes[512];
  if (ReadFile(path, bytes, sizeof(bytes)) <= 0) return 0;
  const char* name_end = strrchr(bytes, ')');
  return name_end == nullptr || name_end[1] != ' ' ? '\0' : name_end[2];
}

// A thread of which /proc says nothing, and that is there.
constexpr char kUnknownState = '?';

// The state of a waiter's thread, or of its process where it does not matter which thread ran it; 0: it is gone. In the jail
// of a chroot() there is no /proc.
char StateOf(const Waiter& waiter, uint32_t thread) {
  const uint32_t process = waiter.process();
  const uint32_t known = waiter.state() == Waiter::kInside ? thread : process;
  TextBuffer path;
  path.Add("/proc/").AddNumber(process).Add("/task/").AddNumber(known).Add("/stat");
  const char state = StateIn(path.text());
  if (state != 0) return state;
  return syscall(SYS_tgkill, process, known, 0) == 0 || errno == EPERM ? kUnknownState : '\0';
}

bool HasProc() { return StateIn("/proc/self/stat") != 0; }

bool IsReady(int fd, Direction direction) {
  pollfd polled{
      .fd = fd, .events = static_cast<short>(direction == kRead ? POLLIN : POLLOUT), .revents = 0};
  const timespec now{};
  return syscall(SYS_ppoll, &polled, 1, &now, nullptr, 0) > 0;
}

bool IsListener(int fd) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
         listens != 0;
}

// Whether that descriptor of this process is what is known of it.
bool IsStill(int fd, const Descriptor& descriptor) {
  ObjectId id;
  return Identify(fd, &id) == descriptor.kind && id == descriptor.id;
}

// Whether the other's descriptor still is this object. That this process may not look, or has no /proc, says nothing against it.
bool OtherHolds(const Meeting& meeting) {
  if (meeting.descriptor.kind == ObjectKind::kEventfd) return true;
  const int fd = meeting.wait.object->fds[meeting.wait.direction];
  const Waiter other(meeting.wait.other);
  if (other.process() == (ProcessId() & 0x3fffff)) return IsStill(fd, meeting.descriptor);
  TextBuffer path;
  path.Add("/proc/").AddNumber(other.process()).Add("/fd/").AddNumber(fd);
  struct stat status;
  if (syscall(SYS_newfstatat, AT_FDCWD, path.text(), &status, 0) != 0)
    return errno == EACCES || !HasProc();
  return ObjectId{status.st_ino, static_cast<uint32_t>(status.st_dev)} == meeting.descriptor.id;
}

bool MayBlock(const Meeting& meeting) {
  return (meeting.caller.flags & MSG_DONTWAIT) == 0 &&
         (syscall(SYS_fcntl, meeting.wait.fd, F_GETFL) & O_NONBLOCK) == 0;
}

constexpr uint64_t kPolls[] = {
#ifdef SYS_poll
    SYS_poll,  SYS_select,
#endif
    SYS_ppoll, SYS_pselect6, SYS_restart_syscall,
};

// A number as the kernel writes it, which `text` is behind afterwards. By hand: strtoul() has a version of its own in each C
// library of late.
uint64_t NumberIn(const char** text) {
  const char* at = *text + strspn(*text, " ");
  const bool is_hex = at[0] == '0' && at[1] == 'x';
  if (is_hex) at += 2;
  uint64_t number = 0;
  for (; (*at >= '0' && *at <= '9') || (is_hex && *at >= 'a' && *at <= 'f'); ++at)
    number = number * (is_hex ? 16 : 10) +
             static_cast<uint64_t>(*at <= '9' ? *at - '0' : *at - 'a' + 10);
  *text = at;
  return number;
}

enum class Sleeps { kThere, kElsewhere, kNoMore };

// Whether a thread that sleeps does so in a call of that descriptor, or one that polls. A call that it began may be over,
// left by longjmp, or interrupted by a signal handler that waits for something else. There, where the kernel does not say.
Sleeps SleepsInCallOf(const Waiter& waiter, uint32_t thread, int fd) {
  TextBuffer path;
  path.Add("/proc/").AddNumber(waiter.process()).Add("/task/").AddNumber(thread).Add("/syscall");
  char bytes[256];
  if (ReadFile(path.text(), bytes, sizeof(bytes)) <= 0) return Sleeps::kThere;
  if (strncmp(bytes, "running", 7) == 0) return Sleeps::kNoMore;
  if (bytes[0] < '0' || bytes[0] > '9') return Sleeps::kThere;
  const char* text = bytes;
  const uint64_t call = NumberIn(&text);
  for (const uint64_t poll : kPolls)
    if (call == poll) return Sleeps::kThere;
  for (int argument = 0; argument < 3; ++argument)
    if (NumberIn(&text) == static_cast<uint64_t>(fd)) return Sleeps::kThere;
  return Sleeps::kElsewhere;
}

enum class Waits { kYes, kNo, kNeverMore };

// Whether the other one waits, as far as the kernel knows.
Waits OtherWaits(const Meeting& meeting) {
  const Waiter other(meeting.wait.other);
  const Direction direction = meeting.wait.direction;
  const uint32_t thread = meeting.wait.object->threads[direction];
  const char state = StateOf(other, thread);
  if (state == 0 || state == 'Z' || state == 'X') return Waits::kNeverMore;
  if (other.state() != Waiter::kInside) return Waits::kYes;
  if (state == 'S' || state == 'T') {
    const Sleeps sleeps = SleepsInCallOf(other, thread, meeting.wait.object->fds[direction]);
    if (sleeps != Sleeps::kNoMore) return sleeps == Sleeps::kThere ? Waits::kYes : Waits::kNo;
  }
  // It is inside a call and runs: on its way out with what it got, or, where there is nothing and a call blocks, about
  // to sleep.
  return MayBlock(meeting) && !IsReady(meeting.wait.fd, meeting.wait.direction) ? Waits::kYes
                                                                                : Waits::kNo;
}

// Each writes its bytes whole, whoever writes meanwhile.
bool MayShare(const Meeting& meeting) {
  if (meeting.wait.direction == kRead) return false;
  const ObjectKind kind = meeting.descriptor.kind;
  return kind == ObjectKind::kDatagram || kind == ObjectKind::kEventfd ||
         (kind == ObjectKind::kPipe && meeting.size <= 4096);
}

// The C stack of this thread, outermost first, without our own frames.
void AddNativeStack(TextBuffer& text, const Meeting& meeting) {
  void* frames[kNativeFrames];
  const char* separator = ",\"stack\":[";
  const int count = UnwindsNativeStacks() ? backtrace(frames, kNativeFrames) : 0;
  for (int i = count - 1; i >= 0; --i) AddFrame(text, frames[i], separator);
  if (!UnwindsNativeStacks() && meeting.caller.place != nullptr)
    AddFrame(text, meeting.caller.place, separator);
  if (*separator == ',' && separator[1] == '\0') text.Add("]");
}

// Where the other one's call came from: of another thread no more is known.
void AddOthersPlace(TextBuffer& text, const Meeting& meeting) {
  if (Waiter(meeting.wait.other).process() != (ProcessId() & 0x3fffff)) return;
  const char* separator = ",\"other_stack\":[";
  const Direction direction = meeting.wait.direction;
  const Descriptor* descriptor = KnownDescriptor(meeting.wait.object->fds[direction]);
  const void* place = meeting.other_place;
  if (place == nullptr && descriptor != nullptr)
    place = __atomic_load_n(&descriptor->places[direction], __ATOMIC_RELAXED);
  if (place == nullptr) return;
  AddFrame(text, place, separator);
  if (*separator == ',' && separator[1] == '\0') text.Add("]");
}

// The name of the file that the code is of; nullptr where it is of none.
const char* FileOf(const void* place) {
  Dl_info info{};
  if (place == nullptr || dladdr(place, &info) == 0) return nullptr;
  return info.dli_fname;
}

const char* NameIn(const char* path) {
  const char* name = strrchr(path, '/');
  return name == nullptr ? path : name + 1;
}

template <size_t kCount>
bool StartsWithOne(const char* name, const char* const (&starts)[kCount]) {
  for (const char* start : starts)
    if (strncmp(name, start, strlen(start)) == 0) return true;
  return false;
}

bool IsOfOpenSsl(const char* file) {
  return file != nullptr && StartsWithOne(NameIn(file), {"libssl", "libcrypto"});
}

// Whether it was CPython's own module that called OpenSSL, which calls us. OpenSSL holds no lock while it reads, and that
// module none that one who has the interpreter waits for; another caller of OpenSSL may.
[[gnu::noinline]] bool IsFromPythonsTls() {
  void* frames[kNativeFrames];
  const int count = backtrace(frames, kNativeFrames);
  int at = 0;
  while (at < count && !IsOfOpenSsl(FileOf(frames[at]))) ++at;  // our own
  while (at < count && IsOfOpenSsl(FileOf(frames[at]))) ++at;
  const char* file = at < count ? FileOf(frames[at]) : nullptr;
  return file != nullptr && StartsWithOne(NameIn(file), {"_ssl."});
}

// Whether the call comes from CPython itself, or from uvloop, which hold no lock but the interpreter's there. Any other
// caller may hold one that whoever has the interpreter waits for.
bool IsFromPython(const Caller& caller) {
  const char* file = FileOf(caller.place);
  if (file == nullptr) return false;
  if (strstr(file, "/uvloop/loop.") != nullptr) return true;
  if (StartsWithOne(NameIn(file), {"libpython3", "python", "_socket.", "select."})) return true;
  return IsOfOpenSsl(file) && IsFromPythonsTls();
}

// Whoever is in a signal handler may hold anything of the interpreter's.
bool MayAskPython(const Meeting& meeting) {
  return __atomic_load_n(&stack_source, __ATOMIC_ACQUIRE) != nullptr && !meeting.wait.nested &&
         IsFromPython(meeting.caller);
}

// Meetings are rare: one that comes while that of another object is written does without stacks. Not on the stack, which
// may be that of a fiber.
class Scratch {
 public:
  static constexpr uint64_t kStacks = 24 * 1024;
  static constexpr uint64_t kText = 32 * 1024;
  explicit Scratch(trireme_object* object)
      : taken_(__atomic_compare_exchange_n(&used_for, &user_, object, false, __ATOMIC_ACQUIRE,
                                           __ATOMIC_RELAXED)) {}
  ~Scratch() {
    if (taken_) __atomic_store_n(&used_for, nullptr, __ATOMIC_RELEASE);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  bool taken() const { return taken_; }
  bool IsUsedFor(const trireme_object* object) const { return !taken_ && user_ == object; }
  static void ForgetInChild() { used_for = nullptr; }

  static char stacks[kStacks];
  static char text[kText];

 private:
  static trireme_object* used_for;
  trireme_object* user_ = nullptr;  // the other one's, when it is not taken
  bool taken_;
};
trireme_object* Scratch::used_for = nullptr;
char Scratch::stacks[kStacks];
char Scratch::text[kText];

// Where the other one was.
Holding OtherOf(const Meeting& meeting) {
  if (meeting.other.thread != 0) return meeting.other;
  const trireme_object& object = *meeting.wait.object;
  return {object.fds[meeting.wait.direction], object.threads[meeting.wait.direction]};
}

void AddScratchStacks(TextBuffer& text, uint64_t size) {
  if (size != 0 && size + kFrameRoom < text.left()) text.Add(",").AddBytes(Scratch::stacks, size);
}

struct KnownStacks {
  bool own = false;
  bool others = false;
};

// What a runtime in C++ knows of both.
KnownStacks AddTaskStacks(TextBuffer& text, const Meeting& meeting) {
  const TaskStackSource source = __atomic_load_n(&task_stack_source, __ATOMIC_ACQUIRE);
  if (source == nullptr || meeting.wait.nested) return {};
  const Waiter other(meeting.wait.other);
  const bool here = other.process() == (ProcessId() & 0x3fffff);
  const uint64_t size = source(here ? other.task() : 0, Scratch::stacks, Scratch::kStacks);
  AddScratchStacks(text, size);
  constexpr char kOwn[] = "\"stack\"";
  constexpr char kOthers[] = "\"other_stack\"";
  return {.own = size > sizeof(kOwn) && memcmp(Scratch::stacks, kOwn, sizeof(kOwn) - 1) == 0,
          .others = memmem(Scratch::stacks, size, kOthers, sizeof(kOthers) - 1) != nullptr};
}

// Both where an interpreter knows them; else the caller's own. False: the other one waits no more.
bool AddStacks(TextBuffer& text, const Meeting& meeting) {
  const KnownStacks known = AddTaskStacks(text, meeting);
  if (known.own) return true;
  const StackSource source = __atomic_load_n(&stack_source, __ATOMIC_ACQUIRE);
  if (!MayAskPython(meeting)) {
    AddNativeStack(text, meeting);
    if (!known.others) AddOthersPlace(text, meeting);
    return true;
  }
  const Waiter other(meeting.wait.other);
  const bool here = other.process() == (ProcessId() & 0x3fffff);
  const uint32_t thread = here ? OtherOf(meeting).thread : 0;
  const uint64_t size = source(here ? other.task() : 0, thread, Scratch::stacks, Scratch::kStacks);
  if (size == kOtherIsGone) return false;
  AddScratchStacks(text, size);
  return true;
}

const char* NameOf(How how) {
  return how == How::kPoll ? "poll" : how == How::kAccept ? "accept" : "read";
}

void AddOther(TextBuffer& text, const Meeting& meeting) {
  const Waiter other(meeting.wait.other);
  const Holding where = OtherOf(meeting);
  text.Add(",\"other\":{\"task\":")
      .AddNumber(other.task())
      .Add(",\"process\":")
      .AddNumber(other.process());
  text.Add(",\"thread\":").AddNumber(where.thread);
  text.Add(",\"fd\":").AddNumber(where.fd);
  text.Add(other.wants_one() ? ",\"one\":true}" : "}");
}

void RecordAction(const char* action, uint64_t inode, const TextBuffer& value) {
  Record({.kind = TRIREME_SOCKET,
          .type = TRIREME_JSON,
          .task = CurrentTask(),
          .id = inode,
          .key = {action, strlen(action)},
          .value = {value.text(), value.size()}});
}

bool HasEvent(const trireme_object* object) {
  return !IsLeftOut(TRIREME_SOCKET) && __atomic_load_n(&object->events, __ATOMIC_RELAXED) != 1;
}

// Whether the object may have one more event.
bool TakeEvent(trireme_object* object, bool first) {
  // While none is recorded none is used up.
  if (IsLeftOut(TRIREME_SOCKET)) return false;
  uint32_t left = __atomic_load_n(&object->events, __ATOMIC_RELAXED);
  do {
    if (left == 1 || (left == 0 && !first)) return false;
  } while (!__atomic_compare_exchange_n(&object->events, &left,
                                        left == 0 ? TRIREME_SOCKET_EVENTS : left - 1, false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return true;
}

void Describe(TextBuffer& text, const Meeting& meeting, const char* how) {
  const int fd = meeting.wait.fd;
  text.Add("{\"kind\":\"").Add(NameOf(meeting.descriptor.kind)).Add("\",\"fd\":").AddNumber(fd);
  text.Add(",\"how\":\"").Add(how).Add("\"");
  if (meeting.how != How::kPoll && meeting.size != kUnknownSize)
    text.Add(",\"size\":").AddNumber(static_cast<int64_t>(meeting.size));
  if (Waiter(meeting.wait.token).wants_one()) text.Add(",\"one\":true");
  if (meeting.descriptor.kind == ObjectKind::kStream ||
      meeting.descriptor.kind == ObjectKind::kDatagram) {
    AddAddress(text, "local", SYS_getsockname, fd);
    AddAddress(text, "peer", SYS_getpeername, fd);
  }
}

const char* ActionOf(const Meeting& meeting) {
  if (meeting.how == How::kAccept || IsListener(meeting.wait.fd)) return "shared-listener";
  return meeting.wait.direction == kRead ? "second-reader" : "second-writer";
}

// Who of this process has been told of at which object, with a stack if there was one. By a hash: where two share a place,
// one of them is told of once more.
constexpr uint64_t kToldOf = 256;
uint64_t told_of[kToldOf];

// True the first time.
bool TellOf(uint32_t task, uint32_t thread, uint64_t inode) {
  const uint64_t who = task != 0 ? task : uint64_t{1} << 32 | thread;
  const uint64_t word = (who * 0x9e3779b97f4a7c15u) ^ inode;
  return __atomic_exchange_n(&told_of[(word >> 20) % kToldOf], word, __ATOMIC_RELAXED) != word;
}

void TellOfBoth(const Meeting& meeting) {
  const Waiter other(meeting.wait.other);
  TellOf(CurrentTask(), ThreadId(), meeting.descriptor.id.inode);
  if (other.process() == (ProcessId() & 0x3fffff))
    TellOf(other.task(), OtherOf(meeting).thread, meeting.descriptor.id.inode);
}

thread_local bool reporting = false;  // what finds the stacks may read something itself

// False: the other one waits no more.
bool Report(const Meeting& meeting, const char* how) {
  if (reporting || !HasEvent(meeting.wait.object)) return true;
  const Scratch scratch(meeting.wait.object);
  // Another thread tells of this object, and may have to wait for an interpreter's stacks: one without them says less.
  if (scratch.IsUsedFor(meeting.wait.object)) return true;
  reporting = true;
  char small[1536];
  TextBuffer text(scratch.taken() ? Scratch::text : small,
                  scratch.taken() ? Scratch::kText : sizeof(small));
  Describe(text, meeting, how);
  if (meeting.wait.other != 0) AddOther(text, meeting);
  const bool waits = !scratch.taken() || AddStacks(text, meeting);
  text.Add("}");
  if (waits && TakeEvent(meeting.wait.object, true)) {
    TellOfBoth(meeting);
    RecordAction(ActionOf(meeting), meeting.descriptor.id.inode, text);
  }
  reporting = false;
  return waits;
}

// Whoever came from another process could not ask where this one waits: it says so itself when it comes back.
void AddStackOfReturn(TextBuffer& text, const Wait& wait) {
  const Descriptor* descriptor = KnownDescriptor(wait.fd);
  if (wait.nested || descriptor == nullptr) return;
  Meeting meeting{.wait = wait, .descriptor = *descriptor};
  meeting.wait.other = 0;
  meeting.caller.place = __atomic_load_n(&descriptor->places[wait.direction], __ATOMIC_RELAXED);
  AddStacks(text, meeting);
}

// A library in C reads in the thread of the loop that waits: for what has a callback there, most likely, which Python
// would say if it could be asked.
bool IsTheLoopsOwn(const Meeting& meeting) {
  const Waiter other(meeting.wait.other);
  return other.stands() && other.process() == (ProcessId() & 0x3fffff) &&
         meeting.wait.object->threads[meeting.wait.direction] == ThreadId() &&
         !MayAskPython(meeting);
}

Met Judge(const Meeting& meeting) {
  if (IsTheLoopsOwn(meeting)) return Met::kNobody;
  const Waits waits = OtherWaits(meeting);
  if (waits == Waits::kNeverMore) return Met::kGone;
  if (waits == Waits::kNo) return Met::kNobody;
  return OtherHolds(meeting) ? Met::kReported : Met::kGone;
}

}  // namespace

Met ReportMeeting(const Meeting& meeting) {
  const int error = errno;
  Met met = Met::kNobody;
  if (!IsStill(meeting.wait.fd, meeting.descriptor))
    met = Met::kOther;
  else if (!MayShare(meeting))
    met = Judge(meeting);
  if (met == Met::kReported && !Report(meeting, NameOf(meeting.how))) met = Met::kGone;
  errno = error;
  return met;
}

bool ReportTwoSets(const Meeting& meeting) {
  const int error = errno;
  TextBuffer path;
  path.Add("/proc/").AddNumber(meeting.wait.object->epoll_process).Add("/stat");
  const char state = StateIn(path.text());
  const bool lives = state != 0 && state != 'Z' && state != 'X';
  if (lives) Report(meeting, "epoll");
  errno = error;
  return lives;
}

namespace {

// `set`: as in ReportSharedSet().
bool ReportPoller(const Meeting& meeting, int set, const char* how) {
  const int error = errno;
  const Waiter other(meeting.wait.other);
  const char state = StateOf(other, meeting.other.thread);
  bool lives = state != 0 && state != 'Z' && state != 'X';
  // It may have left the call by longjmp.
  if (lives && set >= 0 && (state == 'S' || state == 'T'))
    lives = SleepsInCallOf(other, meeting.other.thread, set) != Sleeps::kElsewhere;
  if (lives) Report(meeting, how);
  errno = error;
  return lives;
}

}  // namespace

bool ReportSharedSet(const Meeting& meeting, int set) {
  return ReportPoller(meeting, set, set >= 0 ? "set" : "set-told");
}

bool ReportTwoPolledSets(const Meeting& meeting, int set) {
  const int error = errno;
  const bool still = IsStill(meeting.wait.fd, meeting.descriptor);
  errno = error;
  return still && ReportPoller(meeting, set, "epoll");
}

void ReportOverlap(const Meeting& meeting) {
  const int error = errno;
  if (IsStill(meeting.wait.fd, meeting.descriptor) && IsStill(meeting.other.fd, meeting.descriptor))
    Report(meeting, "overlap");
  errno = error;
}

void ReportTransfer(const Wait& wait, int64_t result) {
  const int error = errno;
  if (TakeEvent(wait.object, false)) {
    const uint64_t inode = wait.object->inode;
    const Scratch scratch(wait.object);
    char small[96];
    TextBuffer text(scratch.taken() ? Scratch::text : small,
                    scratch.taken() ? Scratch::kText : sizeof(small));
    text.Add("{\"fd\":").AddNumber(wait.fd).Add(",\"bytes\":").AddNumber(result);
    if (Waiter(wait.token).wants_one()) text.Add(",\"one\":true");
    if (!reporting && scratch.taken() && TellOf(CurrentTask(), ThreadId(), inode)) {
      reporting = true;
      AddStackOfReturn(text, wait);
      reporting = false;
    }
    text.Add("}");
    RecordAction(wait.direction == kRead ? "read" : "write", inode, text);
  }
  errno = error;
}

void SetTaskStackSource(TaskStackSource source) {
  __atomic_store_n(&task_stack_source, source, __ATOMIC_RELEASE);
}

void SetStackSource(StackSource source) {
  __atomic_store_n(&stack_source, source, __ATOMIC_RELEASE);
}

void ForgetMeetings() {
  Scratch::ForgetInChild();
  for (uint64_t& word : told_of) word = 0;
}

}  // namespace trireme
