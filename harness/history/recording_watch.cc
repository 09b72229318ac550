#include "harness/history/recording_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "harness/history/packing.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

bool RecordingWatch::Open() {
  if (!fd_.valid()) fd_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  return fd_.valid();
}

bool RecordingWatch::ReadPlan(trireme_plan* plan) {
  if (!Open()) return false;
  const Result<trireme_header> header = ReadHeader(FileSource(fd_.get()));
  if (!header.ok() || header->sealed != 0 || header->plan_size < sizeof(*plan)) return false;
  std::memcpy(plan, header->plan, sizeof(*plan));
  return plan->version == TRIREME_PLAN_VERSION;
}

void RecordingWatch::FindMoment(const trireme_plan& plan, uint32_t fault) {
  const FileSource source(fd_.get());
  for (uint32_t i = 0; i < plan.moments && moment_ == 0; ++i) {
    const uint64_t place = plan.moments_at + i * sizeof(trireme_moment);
    trireme_moment moment{};
    if (source.ReadAt(place, reinterpret_cast<char*>(&moment), sizeof(moment)) &&
        moment.fault == fault)
      moment_ = place;
  }
}

bool RecordingWatch::HasCome(uint32_t fault) {
  trireme_plan plan{};
  if (moment_ == 0 && ReadPlan(&plan)) FindMoment(plan, fault);
  trireme_moment moment{};
  return moment_ != 0 &&
         FileSource(fd_.get()).ReadAt(moment_, reinterpret_cast<char*>(&moment), sizeof(moment)) &&
         moment.seen >= moment.count;
}

void RecordingWatch::LetPass() {
  // Once: later the file may be a sealed history.
  const uint64_t moment = std::exchange(moment_, 0);
  const uint32_t passed = 1;
  if (moment != 0)
    (void)!::pwrite(fd_.get(), &passed, sizeof(passed),
                    static_cast<off_t>(moment + offsetof(trireme_moment, passed)));
}

}  // namespace trireme
