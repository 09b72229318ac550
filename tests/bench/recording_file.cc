#include "tests/bench/recording_file.h"

#include "harness/base/check.h"
#include "harness/history/writer.h"

namespace trireme {

void MakeRecording(const std::string& path, bool recording) {
  TRIREME_CHECK(CreateRecording(path, {.recording = recording}).ok());
}

}  // namespace trireme
