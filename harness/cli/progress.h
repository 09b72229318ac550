#ifndef TRIREME_HARNESS_CLI_PROGRESS_H_
#define TRIREME_HARNESS_CLI_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/clock.h"
#include "harness/scenario/plan.h"

namespace trireme {

// What a run says of itself while it goes on: a bar on a terminal, elsewhere a plain line every ten
// seconds.
class Progress {
 public:
  enum class Mode { kNone, kLines, kBar };
  struct Output {
    Mode mode = Mode::kNone;
    size_t columns = 80;
    bool color = false;
    std::function<void(std::string_view)> write;
  };

  // "clock" must outlive this.
  Progress(const Plan& plan, Output output, const Clock& clock);

  // A trial is over and needs no repetition. `failed`: it did what its cell was not expected to do.
  void Finished(size_t cell, bool failed);
  // No further trial of the cell comes.
  void GaveUp(size_t cell);
  // Draws, if it is time to.
  void Tick();
  // Leaves the line empty, for other output.
  void Clear();

 private:
  std::string Bar() const;
  std::string Line() const;
  // "12 of 72 cells, 120 of 360 trials, 35.2/s, 7s left, 1 failed"
  std::string Facts() const;

  Output output_;
  const Clock& clock_;
  int64_t begin_, last_;
  std::vector<int64_t> trials_left_;  // by cell
  int64_t cells_ = 0, cells_done_ = 0, trials_ = 0, trials_done_ = 0, skipped_ = 0, failures_ = 0;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_PROGRESS_H_
