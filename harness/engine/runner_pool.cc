#include "harness/engine/runner_pool.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "harness/base/clock.h"

namespace trireme {
namespace {

// The guardian needs milliseconds to end a runner, more against a fork bomb.
constexpr int64_t kStopPatience = 20 * kNanosecondsPerSecond;

template <typename Predicate>
Runner* FindRunner(const std::vector<std::unique_ptr<Runner>>& runners, Predicate matches) {
  const auto found = std::find_if(runners.begin(), runners.end(),
                                  [&](const auto& runner) { return matches(*runner); });
  return found == runners.end() ? nullptr : found->get();
}

bool Awaited(const Runner& runner) {
  return runner.state == Runner::State::kLoading || runner.state == Runner::State::kEnding;
}

}  // namespace

Runner& RunnerPool::Start(const RunnerSpec& spec, Guardian& guardian,
                          const Runner::LoadPatience& patience,
                          const std::function<void(Runner&)>& message) {
  MakeRoom(guardian);
  runners_.push_back(std::make_unique<Runner>(spec));
  Runner& runner = *runners_.back();
  if (const Status launched = runner.Launch(guardian, patience); !launched.ok()) {
    runner.broken = launched.error().message;
    return runner;
  }
  poller_.Watch(runner.channel.fd(), [message, &runner] { message(runner); });
  poller_.Watch(runner.log.fd(), [this, &runner] {
    if (!runner.log.Read()) poller_.Forget(runner.log.fd());
  });
  return runner;
}

void RunnerPool::MakeRoom(Guardian& guardian) {
  Runner* oldest = nullptr;
  size_t count = 0;
  for (const auto& runner : runners_) {
    if (runner->state != Runner::State::kEnding) ++count;
    if (runner->state != Runner::State::kIdle) continue;
    if (oldest == nullptr || runner->last_used < oldest->last_used) oldest = runner.get();
  }
  if (oldest != nullptr && count >= limit_) End(*oldest, guardian);
}

Runner* RunnerPool::FindIdle(const std::string& key) const {
  return FindRunner(runners_, [&](const Runner& runner) {
    return runner.state == Runner::State::kIdle && runner.spec.key == key;
  });
}

bool RunnerPool::Has(const std::string& key) const {
  return FindRunner(runners_, [&](const Runner& runner) {
           return runner.state != Runner::State::kEnding && runner.spec.key == key;
         }) != nullptr;
}

Runner* RunnerPool::FindByToken(uint64_t token) const {
  return FindRunner(runners_, [&](const Runner& runner) { return runner.token == token; });
}

Runner* RunnerPool::FindByPid(pid_t pid) const {
  return FindRunner(runners_, [&](const Runner& runner) { return runner.pid == pid; });
}

void RunnerPool::End(Runner& runner, Guardian& guardian) {
  if (runner.state == Runner::State::kEnding) return;
  runner.state = Runner::State::kEnding;
  runner.deadline = SystemClock().Now() + kStopPatience;
  poller_.Forget(runner.channel.fd());
  runner.channel.Close();
  if (runner.pid != 0) (void)guardian.End(runner.pid);
}

void RunnerPool::Remove(Runner& runner) {
  if (runner.channel.valid()) poller_.Forget(runner.channel.fd());
  if (runner.log.open()) poller_.Forget(runner.log.fd());
  runner.channel.Close();
  runner.log.Close();
  const auto at = std::find_if(runners_.begin(), runners_.end(),
                               [&](const auto& other) { return other.get() == &runner; });
  gone_.push_back(std::move(*at));
  runners_.erase(at);
}

void RunnerPool::RemoveAll() {
  while (!runners_.empty()) Remove(*runners_.back());
}

void RunnerPool::Postpone(int64_t nanoseconds) {
  for (const auto& runner : runners_)
    if (Awaited(*runner)) runner->deadline += nanoseconds;
}

int64_t RunnerPool::deadline() const {
  int64_t first = std::numeric_limits<int64_t>::max();
  for (const auto& runner : runners_)
    if (Awaited(*runner)) first = std::min(first, runner->deadline);
  return first;
}

std::vector<Runner*> RunnerPool::Late(int64_t now) const {
  std::vector<Runner*> late;
  for (const auto& runner : runners_)
    if (Awaited(*runner) && now >= runner->deadline) late.push_back(runner.get());
  return late;
}

}  // namespace trireme
