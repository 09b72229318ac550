#include "harness/fault/system_call.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "harness/base/strings.h"
#include "harness/fault/call_errors.h"
#include "harness/fault/class_table.h"
#include "harness/fault/error_names.h"

namespace trireme {
namespace {

constexpr uint32_t Bit(trireme_fault_call call) { return 1U << call; }

struct CallWord {
  std::string_view name;
  trireme_fault_call call;
};

constexpr std::array kCallWords = {CallWord{"connect", TRIREME_CALL_CONNECT},
                                   CallWord{"accept", TRIREME_CALL_ACCEPT},
                                   CallWord{"recv", TRIREME_CALL_RECV},
                                   CallWord{"send", TRIREME_CALL_SEND},
                                   CallWord{"read", TRIREME_CALL_READ},
                                   CallWord{"write", TRIREME_CALL_WRITE},
                                   CallWord{"open", TRIREME_CALL_OPEN},
                                   CallWord{"fsync", TRIREME_CALL_FSYNC},
                                   CallWord{"close", TRIREME_CALL_CLOSE},
                                   CallWord{"epoll_wait", TRIREME_CALL_EPOLL_WAIT},
                                   CallWord{"getaddrinfo", TRIREME_CALL_GETADDRINFO},
                                   CallWord{"fork", TRIREME_CALL_FORK},
                                   CallWord{"thread", TRIREME_CALL_THREAD},
                                   CallWord{"malloc", TRIREME_CALL_MALLOC},
                                   CallWord{"socket", TRIREME_CALL_SOCKET}};

constexpr uint32_t kAllCalls = (1U << kCallWords.size()) - 1;
constexpr uint32_t kSocketTransfers = Bit(TRIREME_CALL_RECV) | Bit(TRIREME_CALL_SEND);
constexpr uint32_t kConnecting = Bit(TRIREME_CALL_CONNECT) | Bit(TRIREME_CALL_ACCEPT);
// A descriptor that does not block answers these with EAGAIN; a process that may have no more threads or processes
// the last two. Whatever else a program calls waits.
constexpr uint32_t kToldToTryAgain =
    kTransferCalls | kConnecting | Bit(TRIREME_CALL_FORK) | Bit(TRIREME_CALL_THREAD);
// What happens on a connection, or an open file, that has ends; the other calls belong to tasks alone.
constexpr uint32_t kOnConnections = kTransferCalls | kConnecting;

// What a fault may do, and where.
struct ActionWord {
  std::string_view name;
  trireme_fault_action action;
  uint32_t calls;     // that it can hit
  uint32_t fallback;  // that it hits where `call` is not given
};

constexpr std::array kActionWords = {
    ActionWord{"short", TRIREME_DO_SHORT, kTransferCalls, kSocketTransfers},
    ActionWord{"error", TRIREME_DO_ERROR, kAllCalls, kSocketTransfers},
    ActionWord{"delay", TRIREME_DO_DELAY, kAllCalls & ~Bit(TRIREME_CALL_MALLOC), kSocketTransfers},
    ActionWord{"reset", TRIREME_DO_RESET, kSocketTransfers | kConnecting, kSocketTransfers},
    // What is not made yet cannot end in order: a connect that fails is an error.
    ActionWord{"close", TRIREME_DO_CLOSE, kTransferCalls | Bit(TRIREME_CALL_ACCEPT),
               kSocketTransfers},
    ActionWord{"stall", TRIREME_DO_STALL, kTransferCalls | kConnecting, kSocketTransfers},
    ActionWord{"interrupt", TRIREME_DO_INTERRUPT,
               kTransferCalls | kConnecting | Bit(TRIREME_CALL_OPEN) | Bit(TRIREME_CALL_FSYNC) |
                   Bit(TRIREME_CALL_EPOLL_WAIT),
               kSocketTransfers},
    ActionWord{"drop", TRIREME_DO_DROP, kSocketTransfers, kSocketTransfers},
    ActionWord{"duplicate", TRIREME_DO_DUPLICATE, Bit(TRIREME_CALL_SEND), Bit(TRIREME_CALL_SEND)},
    ActionWord{"reorder", TRIREME_DO_REORDER, Bit(TRIREME_CALL_SEND), Bit(TRIREME_CALL_SEND)},
    ActionWord{"spurious", TRIREME_DO_SPURIOUS, Bit(TRIREME_CALL_EPOLL_WAIT),
               Bit(TRIREME_CALL_EPOLL_WAIT)}};

std::vector<std::string> CallNames(uint32_t calls) {
  std::vector<std::string> names;
  for (const CallWord& word : kCallWords)
    if ((calls & Bit(word.call)) != 0) names.emplace_back(word.name);
  return names;
}

uint64_t Natural(const Json& object, const char* key) {
  return static_cast<uint64_t>(GetInt(object, key));
}

// Whether the glob is over the ids of connections, "client-*#0", or pipes, "client-*#p0", and not of tasks, whose names may have
// a '#' as well.
bool NumbersConnection(const std::string& glob) {
  const size_t hash = glob.rfind('#');
  if (hash == std::string::npos) return false;
  const size_t number = hash + (glob.compare(hash, 2, "#p") == 0 ? 2 : 1);
  return glob.find_first_not_of("0123456789*?[]-", number) == std::string::npos;
}

// Reads one fault, member by member.
class SystemCallReader {
 public:
  explicit SystemCallReader(const Fault& fault) : fault_(fault) {}

  Result<SystemCallFault> Read() {
    for (const auto read :
         {&SystemCallReader::ReadAction, &SystemCallReader::ReadCalls, &SystemCallReader::ReadError,
          &SystemCallReader::ReadSide, &SystemCallReader::ReadConnection,
          &SystemCallReader::ReadSweep, &SystemCallReader::ReadWhen, &SystemCallReader::ReadLimits})
      TRIREME_RETURN_IF_ERROR((this->*read)());
    return result_;
  }

 private:
  // `key` is the one at fault.
  Diagnostic Error(const std::string& key, const std::string& message,
                   const std::string& hint = "") const {
    return FaultKeyError(fault_, key, message, hint);
  }

  bool IsGiven(const char* key) const { return fault_.at.contains(key); }

  Status ReadAction() {
    std::vector<std::string> given;
    for (const ActionWord& word : kActionWords) {
      if (!fault_.members.contains(word.name)) continue;
      given.emplace_back(word.name);
      action_ = &word;
    }
    if (given.size() != 1)
      return Error(given.empty() ? "" : given[1],
                   given.empty() ? "'do' is empty"
                                 : "'do' is one thing, not " + Join(given, " and "),
                   given.empty() ? "write do: {reset: true}" : "write a fault for each");
    const Json& value = fault_.members.at(given[0]);
    if (value.is_boolean() && !value.get<bool>())
      return Error(given[0], "'" + given[0] + ": false' does nothing", "leave the fault out");
    result_.action = action_->action;
    const bool counts = value.is_number_integer();
    if (counts && value.get<int64_t>() <= 0)
      return Error(given[0], "'" + given[0] + "' of 0 does nothing",
                   "a short count is at least 1 byte");
    if (counts) result_.amount = value.get<uint64_t>();
    return Done{};
  }

  Status ReadCalls() {
    for (const std::string& name : TextsOf(GetMember(fault_.at, "call"))) {
      const CallWord* found = nullptr;
      for (const CallWord& word : kCallWords)
        if (word.name == name) found = &word;
      const std::vector<std::string> known = CallNames(kAllCalls);
      const std::string near = DidYouMean(name, known);
      if (found == nullptr)
        return Error("at.call", "there is no call '" + name + "'",
                     near.empty() ? "calls: " + Join(known, ", ") : near);
      result_.calls |= Bit(found->call);
    }
    if (result_.calls == 0) result_.calls = FallbackCalls();
    const uint32_t beyond = result_.calls & ~action_->calls;
    if (beyond == 0) return Done{};
    return Error(
        IsGiven("call") ? "at.call" : std::string(action_->name),
        "'" + std::string(action_->name) + "' can never apply to " + Join(CallNames(beyond), ", "),
        "it hits " + Join(CallNames(action_->calls), ", "));
  }

  // An error of getaddrinfo names its call; another one is of those transfers that it can come of, if any.
  uint32_t FallbackCalls() const {
    const ErrorName* error = FindErrorName(GetString(fault_.members, "error"));
    if (error == nullptr) return action_->fallback;
    if (error->resolver) return Bit(TRIREME_CALL_GETADDRINFO);
    const uint32_t failing = action_->fallback & CallsThatFailWith(error->code);
    return failing != 0 ? failing : action_->fallback;
  }

  Status ReadError() {
    if (action_->action != TRIREME_DO_ERROR) return Done{};
    const std::string name = GetString(fault_.members, "error");
    const ErrorName* error = FindErrorName(name);
    if (error == nullptr) {
      std::vector<std::string> known;
      for (const ErrorName& one : ErrorNames()) known.emplace_back(one.name);
      const std::string near = DidYouMean(name, known);
      return Error("error", "there is no error '" + name + "'",
                   near.empty() ? "errors are named as in C: ECONNRESET, EMFILE, EAI_AGAIN" : near);
    }
    const uint32_t resolver = Bit(TRIREME_CALL_GETADDRINFO);
    if (error->resolver && (result_.calls & ~resolver) != 0)
      return Error("error", "only getaddrinfo fails with " + name + ", not " +
                   Join(CallNames(result_.calls & ~resolver), ", "));
    if (!error->resolver && (result_.calls & resolver) != 0)
      return Error("error", "getaddrinfo never fails with " + name,
                   "its errors are EAI_AGAIN, EAI_NONAME, EAI_FAIL and so on");
    const uint32_t waiting = result_.calls & ~kToldToTryAgain;
    if (!error->resolver && error->code == EAGAIN && waiting != 0)
      return Error("error",
                   name + " can never come of " + Join(CallNames(waiting), ", ") +
                       ": it has no descriptor that would not block",
                   "only " + Join(CallNames(kToldToTryAgain), ", ") + " are told to try again");
    if (!error->resolver) TRIREME_RETURN_IF_ERROR(CheckCallsFailWith(*error));
    result_.error = error->code;
    return Done{};
  }

  Status CheckCallsFailWith(const ErrorName& error) const {
    const uint32_t never = result_.calls & ~CallsThatFailWith(error.code);
    if (never == 0) return Done{};
    const std::string calls = Join(CallNames(CallsThatFailWith(error.code)), ", ");
    const std::string hint = calls.empty() ? "" : "it comes of " + calls + "; ";
    return Error("error",
                 std::string(error.name) + " can never come of " + Join(CallNames(never), ", "),
                 hint + WhatItFailsWith(never & (~never + 1)));
  }

  // "fork fails with EAGAIN, ENOMEM, ENOSYS, EPERM".
  static std::string WhatItFailsWith(uint32_t call) {
    std::vector<std::string> errors;
    for (const ErrorName& error : ErrorNames())
      if (!error.resolver && error.name != "EWOULDBLOCK" &&
          (CallsThatFailWith(error.code) & call) != 0)
        errors.emplace_back(error.name);
    return CallNames(call).front() + " fails with " + Join(errors, ", ");
  }

  Status ReadSide() {
    if (!IsGiven("side")) return Done{};
    const std::string side = GetString(fault_.at, "side");
    static const auto& sides = *new std::vector<std::string>{"client", "server"};
    if (side != "client" && side != "server")
      return Error("at.side", "'side' must be client or server, not '" + side + "'",
                   DidYouMean(side, sides));
    result_.sides = side == "client" ? 1 : 2;
    const uint32_t never =
        (result_.calls & ~kOnConnections) |
        (result_.calls & Bit(side == "client" ? TRIREME_CALL_ACCEPT : TRIREME_CALL_CONNECT));
    if (never == 0) return Done{};
    return Error("at.side",
                 "'side: " + side + "' can never apply to " + Join(CallNames(never), ", "),
                 "the client connects and the server accepts");
  }

  Status ReadConnection() {
    result_.connection = GetString(fault_.at, "connection");
    // Of several calls one may be on a connection all the same.
    const uint32_t without = OnNoConnection();
    if (without != 0 && without == result_.calls && NumbersConnection(result_.connection))
      return Error(
          "at.connection",
          "'connection: " + result_.connection + "' can never apply to " +
              Join(CallNames(without), ", ") + ": what fails so has no connection",
          "a glob without '#' is over the task that makes the call; of a task with a "
          "'#' in its name, write '?' for it");
    constexpr size_t kLongest = sizeof(trireme_fault_rule::connection) - 1;
    if (result_.connection.size() > kLongest)
      return Error("at.connection",
                   "'connection' is longer than " + std::to_string(kLongest) + " bytes");
    return Done{};
  }

  Status ReadSweep() {
    if (!IsGiven("sweep")) return Done{};
    TRIREME_RETURN_IF_ERROR(CheckSweepWord(fault_, GetString(fault_.at, "sweep")));
    for (const char* key : {"offset", "every", "probability", "times", "total"})
      if (IsGiven(key))
        return Error(std::string("at.") + key,
                     std::string("'") + key + "' and 'sweep' exclude each other",
                     "a sweep hits one point a trial");
    result_.every_point = true;
    return Done{};
  }

  Status ReadWhen() {
    static constexpr std::array kWhens = {std::pair("offset", TRIREME_WHEN_AT),
                                          std::pair("every", TRIREME_WHEN_EVERY),
                                          std::pair("probability", TRIREME_WHEN_CHANCE)};
    const char* given = nullptr;
    for (const auto& [key, when] : kWhens) {
      if (!IsGiven(key)) continue;
      if (given != nullptr)
        return Error(std::string("at.") + key,
                     "'" + std::string(given) + "' and '" + key + "' exclude each other");
      given = key;
      result_.when = when;
    }
    if (given == nullptr) return Done{};
    if (result_.when == TRIREME_WHEN_CHANCE) return ReadProbability();
    result_.place = Natural(fault_.at, given);
    if (result_.when == TRIREME_WHEN_EVERY && result_.place == 0)
      return Error("at.every", "'every: 0' can never apply", "leave 'every' out to hit each one");
    const uint32_t streams = result_.calls & kTransferCalls;
    if (streams == 0 || streams == result_.calls) return Done{};
    return Error(std::string("at.") + given,
                 "'" + std::string(given) + "' counts bytes of " + Join(CallNames(streams), ", ") +
                     ", but calls of " + Join(CallNames(result_.calls & ~streams), ", "),
                 "write a fault for each of the two");
  }

  Status ReadProbability() {
    result_.probability = GetDouble(fault_.at, "probability");
    if (result_.probability <= 0)
      return Error("at.probability", "'probability: 0' can never apply");
    if (ChanceOf(result_.probability) == 0)
      return Error("at.probability", "'probability' is too small to ever apply",
                   "at least 1e-19 of the events");
    return Done{};
  }

  // Whether it hits accept itself, and not the connection that it takes.
  bool AcceptTakesNothing() const {
    if ((result_.calls & Bit(TRIREME_CALL_ACCEPT)) == 0) return false;
    if (action_->action == TRIREME_DO_INTERRUPT) return true;
    return action_->action == TRIREME_DO_ERROR && result_.error != ECONNABORTED &&
           result_.error != EPROTO && result_.error != ECONNRESET;
  }

  // Which of the calls are on no connection, but belong to the task alone that calls.
  uint32_t OnNoConnection() const {
    const uint32_t accept = AcceptTakesNothing() ? Bit(TRIREME_CALL_ACCEPT) : 0;
    return (result_.calls & ~kOnConnections) | accept;
  }

  Status ReadLimits() {
    // Counted per connection in one byte each.
    const uint32_t alone = result_.calls & ~kOnConnections;
    if (IsGiven("times") && alone != 0)
      return Error("at.times",
                   "'times' counts what happens on one connection, and " +
                       Join(CallNames(alone), ", ") + " is on none",
                   "say 'total', or 'offset' for the n-th of a task");
    if (IsGiven("times") && AcceptTakesNothing())
      return Error(
          "at.times",
          "'times' counts what happens on one connection, and an accept that fails takes none",
          "say 'total', or 'offset' for the n-th of a listener");
    TRIREME_ASSIGN_OR_RETURN(result_.times, Limit("times", std::numeric_limits<uint8_t>::max()));
    TRIREME_ASSIGN_OR_RETURN(result_.total, Limit("total", std::numeric_limits<uint32_t>::max()));
    result_.after = Natural(fault_.at, "after");
    if (!IsGiven("for")) return Done{};
    const uint64_t length = Natural(fault_.at, "for");
    if (length == 0) return Error("at.for", "'for' of no time can never apply");
    result_.until = result_.after + length;
    return Done{};
  }

  Result<uint32_t> Limit(const char* key, uint64_t most) const {
    if (!IsGiven(key)) return uint32_t{0};
    const uint64_t value = Natural(fault_.at, key);
    const std::string place = std::string("at.") + key;
    if (value == 0) return Error(place, "'" + std::string(key) + ": 0' can never apply");
    if (value > most)
      return Error(place, "'" + std::string(key) + "' is at most " + std::to_string(most));
    return static_cast<uint32_t>(value);
  }

  const Fault& fault_;
  const ActionWord* action_ = nullptr;
  SystemCallFault result_;
};

Result<uint8_t> FreeCounter(const Fault& fault, const CompiledPlan& plan) {
  const auto limited = std::count_if(plan.rules.begin(), plan.rules.end(),
                                     [](const auto& rule) { return rule.limit != 0; });
  if (limited < TRIREME_PLAN_LIMITS) return static_cast<uint8_t>(limited);
  return FaultError(fault,
                    "a plan has at most " + std::to_string(TRIREME_PLAN_LIMITS) +
                        " faults with 'times', this is one more",
                    "say 'total', which counts in the whole trial, or make two plans");
}

template <size_t kSize>
void CopyText(const std::string& text, char (&to)[kSize]) {
  std::memcpy(static_cast<char*>(to), text.data(), std::min(text.size(), kSize - 1));
}

}  // namespace

const FaultClass& SystemCallPlaceClass() {
  static const auto& place = *new FaultClass{
      "at",
      "which system calls a fault with `do` hits; without `call` those that it is about",
      {{"call", "texts", Join(CallNames(kAllCalls), ", ")},
       {"side", "text", "client, the end that connected, or server, the one that listened"},
       {"connection", "text",
       "glob over <task's path or name>#<n-th connect or socketpair>, #p<n-th pipe>; of what "
       "is on no connection, an error of accept itself among it, over the path or name of the task "
       "that makes the call"},
       {"offset", "bytes",
        "at this byte of the stream, or this event, from 0; of accept an error of the process "
        "(EMFILE, EINTR) at the listener's n-th, and what befalls the connection that it takes "
        "(ECONNABORTED, EPROTO, ECONNRESET, reset, close, delay, stall) at the n-th connect of the "
        "task that connected"},
       {"every", "bytes", "at each multiple of so many bytes, or events"},
       {"probability", "share", "by chance, for each 64 bytes or each event"},
       {"times", "count", "at most so often on one connection"},
       {"total", "count", "at most so often in the trial"},
       {"sweep", "text", "every-point: each such place in turn, one a trial"},
       {"after", "duration", "not before, from the trial's begin"},
       {"for", "duration", "not longer than this from then on"}}};
  return place;
}

const FaultClass& SystemCallFaultClass() {
  static const auto& what = *new FaultClass{
      "do",
      "what a system call does instead: one of these",
      {{"short", "bytes", "at most so many bytes move"},
       {"error", "text",
        "it fails: ECONNRESET, EMFILE, EAGAIN, EAI_AGAIN and so on; ECONNRESET and EPIPE reset the "
        "connection, and a pipe takes nothing after EPIPE"},
       {"delay", "duration", "it, or the readiness for it, comes so late"},
       {"reset", "boolean", "the connection is reset: RST to the peer, ECONNRESET here"},
       {"close", "boolean", "it is shut down in order: FIN to the peer, end of stream here"},
       {"stall", "duration", "nothing moves on it for so long"},
       {"interrupt", "boolean", "EINTR, once; only a connect that blocks, which goes on being made"},
       {"drop", "boolean", "a datagram is lost; nothing of a stream ever is"},
       {"duplicate", "boolean", "a datagram that is sent comes twice; nothing of a stream does"},
       {"reorder", "boolean",
        "a datagram that is sent comes after the next one; a stream stays in order"},
       {"spurious", "boolean", "epoll_wait comes back without an event"}}};
  return what;
}

Json PlaceOfCall(const Json& event) {
  const std::string call = GetString(event, "call");
  Json place = {{"call", Json::array({call})}};
  if (HasSides(call)) place["side"] = GetMember(event, "side");
  place["connection"] = LiteralGlob(GetString(event, "connection"));
  place["offset"] = GetMember(event, "offset");
  return place;
}

bool HasSides(const std::string& call) {
  for (const CallWord& word : kCallWords)
    if (word.name == call) return (kOnConnections & Bit(word.call)) != 0;
  return false;
}

std::string LiteralGlob(const std::string& text) {
  std::string glob;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '[' || c == '\\') glob += '\\';
    glob += c;
  }
  return glob;
}

std::string_view CallName(trireme_fault_call call) { return kCallWords.at(call).name; }

Result<SystemCallFault> ReadSystemCallFault(const Fault& fault) {
  return SystemCallReader(fault).Read();
}

Status CheckSystemCallFault(const Fault& fault) {
  TRIREME_RETURN_IF_ERROR(ReadSystemCallFault(fault));
  return Done{};
}

std::string WhySystemCallFaultIsNotWatched(const Fault& fault) {
  return fault.at.contains("sweep") ? "a sweep is one trial after the other" : "";
}

Status CompileSystemCallFault(const Fault& fault, uint32_t number, uint64_t seed,
                              CompiledPlan& plan) {
  TRIREME_ASSIGN_OR_RETURN(const SystemCallFault what, ReadSystemCallFault(fault));
  trireme_fault_rule rule{.seed = seed,
                          .at = what.place,
                          .chance = ChanceOf(what.probability),
                          .amount = what.amount,
                          .after = what.after,
                          .until = what.until,
                          .calls = what.calls,
                          .error = what.error,
                          .limit = what.times,
                          .total = what.total,
                          .fault = static_cast<uint16_t>(number),
                          .when = static_cast<uint8_t>(what.when),
                          .action = static_cast<uint8_t>(what.action),
                          .sides = what.sides};
  CopyText(fault.name, rule.name);
  CopyText(what.connection, rule.connection);
  if (what.times != 0) {
    TRIREME_ASSIGN_OR_RETURN(rule.counter, FreeCounter(fault, plan));
  }
  plan.rules.push_back(rule);
  return Done{};
}

}  // namespace trireme
