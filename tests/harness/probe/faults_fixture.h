// The probe with a plan of faults on system calls, in this process.
#ifndef TRIREME_TESTS_HARNESS_PROBE_FAULTS_FIXTURE_H_
#define TRIREME_TESTS_HARNESS_PROBE_FAULTS_FIXTURE_H_

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/history/history.h"
#include "harness/history/writer.h"
#include "harness/probe/probe_abi.h"

namespace trireme {

inline const trireme_probe_api& FaultsApi() { return *trireme_probe(TRIREME_PROBE_ABI); }

// As code does that makes its system calls itself: the runtimes of the sanitizers, Go.
inline void CloseUnseen(int fd) {
  static void* const c_library = ::dlopen("libc.so.6", RTLD_LAZY);
  static auto* const close = reinterpret_cast<int (*)(int)>(::dlsym(c_library, "close"));
  EXPECT_EQ(close(fd), 0);
}

inline trireme_fault_rule Rule(trireme_fault_call call, trireme_fault_action action) {
  trireme_fault_rule rule{};
  rule.name[0] = 'f';
  rule.calls = 1u << call;
  rule.action = static_cast<uint8_t>(action);
  rule.fault = 1;
  rule.seed = 7;
  return rule;
}

inline trireme_fault_rule At(trireme_fault_rule rule, uint64_t offset) {
  rule.when = TRIREME_WHEN_AT;
  rule.at = offset;
  return rule;
}

inline trireme_fault_rule Error(trireme_fault_call call, int error) {
  trireme_fault_rule rule = Rule(call, TRIREME_DO_ERROR);
  rule.error = error;
  return rule;
}

inline trireme_fault_rule OfServer(trireme_fault_rule rule) {
  rule.sides = 2;
  return rule;
}

class FaultsFixture : public testing::Test {
 protected:
  void TearDown() override {
    Begin({});
    FaultsApi().set_task(0);
  }

  void Begin(const std::vector<trireme_fault_rule>& rules, uint32_t flags = 0) {
    ::unlink(path_.c_str());
    RecordingOptions options;
    options.plan.rules = rules;
    options.plan.connections = 64;
    options.plan.block.flags = flags;
    for (const trireme_fault_rule& rule : rules) options.plan.block.calls |= rule.calls;
    ASSERT_TRUE(CreateRecording(path_, options).ok());
    ASSERT_EQ(FaultsApi().attach(path_.c_str()), 0);
    StartTask(1, "1", "main");
  }
  static void StartTask(uint32_t task, const std::string& path, const std::string& name) {
    FaultsApi().record_for(task, TRIREME_TASK_START, 0, path.data(),
                           static_cast<uint32_t>(path.size()), TRIREME_TEXT, name.data(),
                           static_cast<uint32_t>(name.size()));
    FaultsApi().set_task(task);
  }

  // "recv 1#0 server read 10 {...}" of each FAULT event.
  std::vector<std::string> Faults() {
    std::vector<std::string> faults;
    for (const Json& fault : Values(EventKind::kFault))
      faults.push_back(GetString(fault, "call") + " " + GetString(fault, "connection") + " " +
                       GetString(fault, "side") + " " + GetString(fault, "direction") + " " +
                       std::to_string(GetInt(fault, "offset")) + " " +
                       DumpJson(GetMember(fault, "do")));
    return faults;
  }
  std::vector<Json> Values(EventKind kind) {
    Result<History> history = History::Read(path_);
    EXPECT_TRUE(history.ok());
    std::vector<Json> values;
    for (const Event& event : history->events())
      if (event.kind == kind) values.push_back(event.Value());
    return values;
  }

  const std::string path_ = testing::TempDir() + "faults." + std::to_string(::getpid());
};

}  // namespace trireme

#endif  // TRIREME_TESTS_HARNESS_PROBE_FAULTS_FIXTURE_H_
