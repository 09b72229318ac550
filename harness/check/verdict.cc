#include "harness/check/verdict.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "harness/base/rng.h"
#include "harness/check/stacks.h"

namespace trireme {
namespace {

constexpr size_t kFramesOfSignature = 3;

std::string Hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// The innermost application frames, innermost last.
std::string TopFrames(const Participant& participant) {
  std::vector<std::string> frames;
  for (auto frame = participant.stack.rbegin();
       frame != participant.stack.rend() && frames.size() < kFramesOfSignature; ++frame) {
    std::string normalised = NormalisedFrame(*frame);
    if (!normalised.empty()) frames.push_back(std::move(normalised));
  }
  std::string text;
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) text += *frame + '\n';
  return text;
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kUnknown:
      return "unknown";
    case Verdict::kFail:
      return "fail";
  }
  return "unknown";
}

std::string NameOf(const Participant& participant) {
  if (!participant.task.empty()) return participant.task;
  return participant.thread == 0 ? "a thread" : "thread " + std::to_string(participant.thread);
}

Verdict Heavier(Verdict a, Verdict b) { return std::max(a, b); }

// Participants are a set: how many of a hundred equal tasks are caught in one place is a matter of
// timing.
std::string Signature(const std::string& kind, const std::string& subject,
                      const std::vector<Participant>& participants) {
  std::vector<std::string> stacks;
  for (const Participant& participant : participants) {
    if (std::string frames = TopFrames(participant); !frames.empty())
      stacks.push_back(std::move(frames));
  }
  std::sort(stacks.begin(), stacks.end());
  stacks.erase(std::unique(stacks.begin(), stacks.end()), stacks.end());
  std::string text = kind + '\0' + subject;
  for (const std::string& stack : stacks) text += '\0' + stack;
  // Mixed, so that near texts do not have near signatures, which people compare by eye.
  return Hex(Mix64(Hash64(text)));
}

}  // namespace trireme
