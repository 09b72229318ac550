#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/strings.h"
#include "reports/report.h"
#include "tests/reports/sample_results.h"

namespace trireme {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MarkdownReportTest, LeadsWithWhatDiffers) {
  EXPECT_EQ(MarkdownReport(SampleResults(), {}), R"(## Trireme: fail

- threading differs from eventlet in 2 of 3 scenarios: hazards/two-readers, planted/lost-update
- asyncio could not be compared with eventlet in 1 scenario: hazards/two-readers

| | planned | executed | pass | fail | unknown | unsupported |
|---|---|---|---|---|---|---|
| cells | 9 | 8 | 5 | 2 (1 as expected) | 1 | 1 |
| trials | 180 | 160 | 113 | 27 | 20 | |

id `20260102T030405Z-1f0c2a`, seed `0x5eed`, directory `trireme-runs/20260102T030405Z-1f0c2a`

### Not as expected

- **hazards/two-readers on threading/3.11**: fail, expected pass  
  'order' is 'b' in 20 trials, in the reference 'a' in 20
  ```
  trireme run hazards/two-readers --runtimes threading --seed 0x5eed --trial 0
  ```
- **hazards/two-readers on asyncio/3.11**: unknown, expected pass  
  no operation and no observation was recorded
  ```
  trireme run hazards/two-readers --runtimes asyncio --seed 0x5eed --trial 0
  ```
- **planted/leak on eventlet/3.11**: pass, expected fail with leak  
  no finding
  ```
  trireme run planted/leak --runtimes eventlet --seed 0x5eed --trial 0
  ```

### Matrix

| | `eventlet/3.11` | `threading/3.11` | `fiber` | `asyncio/3.11` |
|---|---|---|---|---|
| `patterns/client` | ✓ | ✓ | ∅ |  |
| `planted/lost-update` | ✓ | x 7/20 |  |  |
| `hazards/two-readers` | ✓ | X |  | ? |
| `planted/leak` | \! |  |  |  |

✓ pass, x fail, as expected, X FAIL, unexpected, \! PASS, unexpected, ? unknown, ∅ unsupported; \~ either was allowed; \* advisory findings

### Unsupported

- no C++ compiler was found: 1 cell, first patterns/client on fiber

### Notes

- the budget of 5m was spent: not every trial was run
)");
}

TEST(MarkdownReportTest, EscapesWhatAWorkloadSaid) {
  RunResults results = SampleResults();
  results.cells[6].findings[0].finding.message = "<script> | `x` [a](b) @all";
  const std::string report = MarkdownReport(results, {});
  EXPECT_THAT(report, HasSubstr("&lt;script&gt; \\| \\`x\\` \\[a\\](b) \\@all"));
}

// More failing cells than fit, of every size, stay below the limit, and the counts of what is left out
// add up.
TEST(MarkdownReportTest, CutsNoReplayLineAndSaysWhereTheRestIs) {
  RunResults results = SampleResults();
  CellResult& cell = results.cells.back();
  cell.expected = false;
  cell.findings.assign(2, {.finding = {.kind = "hang", .message = std::string(395, 'm')}});
  cell.replay = "trireme run a --param 'text=" + std::string(3000, 'x') + "' --trial 0";
  const std::string report = MarkdownReport(results, {});
  EXPECT_NE(report.find("```\n  " + cell.replay + "\n  ```\n"), std::string::npos);
  EXPECT_NE(report.find("m (and 1 more finding in results.json)\n"), std::string::npos);
}

TEST(MarkdownReportTest, StaysBelowItsLimitAndCountsWhatItLeavesOut) {
  for (const auto& [length, cells] : {std::pair<size_t, int>{1, 1000}, {300, 400}, {5000, 100}}) {
    RunResults results;
    for (int i = 0; i < cells; ++i) {
      CellResult cell = FailingCell("scenario-" + std::to_string(i), "threading", 20, "difference",
                                    std::string(length, '|'));
      cell.replay = std::string(length, '&');
      cell.runtime = "runtime-" + std::to_string(i % 40) + std::string(length % 200, 'r');
      results.cells.push_back(cell);
      results.notes.push_back(std::string(length, '<'));
    }
    const std::string report = MarkdownReport(results, {});
    EXPECT_LE(report.size(), kMarkdownLimit);
    EXPECT_GE(report.size(), kMarkdownLimit * 8 / 10);
    EXPECT_THAT(report, HasSubstr("_Left out, to stay below 60 KiB: "));
    EXPECT_THAT(report, HasSubstr("of " + std::to_string(cells) + " unexpected cells"));
    EXPECT_EQ(ToValidUtf8(report), report);
  }
}

TEST(MarkdownReportTest, LeavesNothingOutOfASmallRun) {
  EXPECT_THAT(MarkdownReport(SampleResults(), {}), Not(HasSubstr("Left out")));
}

TEST(MarkdownReportTest, IsBoundedWhateverTheRunSaysOfItself) {
  RunResults results;
  for (const char* name : {"id", "seed", "directory", "version"})
    results.run[name] = std::string(1 << 18, 'x');
  results.infrastructure_failed = true;
  results.infrastructure_reason = std::string(1 << 18, '*');
  EXPECT_LE(MarkdownReport(results, {}).size(), kMarkdownLimit);
}

}  // namespace
}  // namespace trireme
