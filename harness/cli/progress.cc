#include "harness/cli/progress.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "harness/base/strings.h"

namespace trireme {
namespace {

constexpr int64_t kBarInterval = 100 * kNanosecondsPerMillisecond;
constexpr int64_t kLineInterval = 10 * kNanosecondsPerSecond;
constexpr size_t kBarWidth = 20;

std::string Of(int64_t done, int64_t all, const char* what) {
  return std::to_string(done) + " of " + std::to_string(all) + " " + what;
}

}  // namespace

Progress::Progress(const Plan& plan, Output output, const Clock& clock)
    : output_(std::move(output)), clock_(clock), begin_(clock.Now()), last_(begin_) {
  for (const PlannedCell& cell : plan.cells) {
    trials_left_.push_back(cell.unsupported.empty() ? static_cast<int64_t>(cell.trials.size()) : 0);
    trials_ += trials_left_.back();
    cells_ += trials_left_.back() > 0 ? 1 : 0;
  }
}

void Progress::Finished(size_t cell, bool failed) {
  if (trials_left_[cell] == 0) return;
  ++trials_done_;
  failures_ += failed ? 1 : 0;
  cells_done_ += --trials_left_[cell] == 0 ? 1 : 0;
}

void Progress::GaveUp(size_t cell) {
  if (trials_left_[cell] == 0) return;
  skipped_ += std::exchange(trials_left_[cell], 0);
  ++cells_done_;
}

void Progress::Tick() {
  const int64_t now = clock_.Now();
  const int64_t interval = output_.mode == Mode::kBar ? kBarInterval : kLineInterval;
  if (output_.mode == Mode::kNone || now - last_ < interval) return;
  last_ = now;
  output_.write(output_.mode == Mode::kBar ? Bar() : Line());
}

void Progress::Clear() {
  if (output_.mode == Mode::kBar) output_.write("\r\x1b[K");
}

std::string Progress::Facts() const {
  const double seconds = static_cast<double>(clock_.Now() - begin_) / kNanosecondsPerSecond;
  const double rate = seconds > 0 ? static_cast<double>(trials_done_) / seconds : 0;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f/s", rate);
  const int64_t left = trials_ - skipped_ - trials_done_;
  std::string facts = Of(cells_done_, cells_, "cells") + ", " +
                      Of(trials_done_, trials_ - skipped_, "trials") + ", " + text.data() + ", ";
  if (left > 0 && rate > 0)
    facts += FormatDuration(static_cast<int64_t>(static_cast<double>(left) / rate) *
                            kNanosecondsPerSecond) +
             " left, ";
  return facts + std::to_string(failures_) + " failed";
}

std::string Progress::Bar() const {
  const auto filled =
      static_cast<size_t>(trials_ == 0 ? 0 : kBarWidth * (trials_done_ + skipped_) / trials_);
  std::string text =
      "[" + std::string(filled, '=') + std::string(kBarWidth - filled, ' ') + "] " + Facts();
  text.resize(std::min(text.size(), output_.columns > 1 ? output_.columns - 1 : 0));
  if (output_.color && failures_ > 0) text = "\x1b[31m" + text + "\x1b[0m";
  return "\r" + text + "\x1b[K";
}

std::string Progress::Line() const { return "trireme: " + Facts() + "\n"; }

}  // namespace trireme
