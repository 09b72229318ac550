#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/sample_results.h"

namespace trireme {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(JunitReportTest, FailsOnlyWhatWasNotExpected) {
  EXPECT_EQ(JunitReport(SampleResults(), {}), R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="trireme" tests="9" failures="2" errors="1" time="10.000">
  <testsuite name="trireme.patterns.client" tests="3" failures="0" errors="0" skipped="1" time="2.500">
    <properties>
      <property name="id" value="20260102T030405Z-1f0c2a"/>
      <property name="seed" value="0x5eed"/>
      <property name="directory" value="trireme-runs/20260102T030405Z-1f0c2a"/>
    </properties>
    <testcase classname="trireme.patterns.client" name="patterns/client on eventlet/3.11" time="1.250"></testcase>
    <testcase classname="trireme.patterns.client" name="patterns/client on threading/3.11" time="1.250"></testcase>
    <testcase classname="trireme.patterns.client" name="patterns/client on fiber"><skipped message="no C++ compiler was found"/></testcase>
  </testsuite>
  <testsuite name="trireme.planted.lost-update" tests="2" failures="0" errors="0" skipped="0" time="2.500">
    <properties>
      <property name="id" value="20260102T030405Z-1f0c2a"/>
      <property name="seed" value="0x5eed"/>
      <property name="directory" value="trireme-runs/20260102T030405Z-1f0c2a"/>
    </properties>
    <testcase classname="trireme.planted.lost-update" name="planted/lost-update on eventlet/3.11" time="1.250"></testcase>
    <testcase classname="trireme.planted.lost-update" name="planted/lost-update on threading/3.11" time="1.250"><system-out>fail, expected fail with lost-update
lost-update in 7 trials: 3 of 200 acknowledged increments are missing
  reader-1
    workload.py:12 in reader
replay: trireme run planted/lost-update --runtimes threading --seed 0x5eed --trial 0
</system-out></testcase>
  </testsuite>
  <testsuite name="trireme.hazards.two-readers" tests="3" failures="1" errors="1" skipped="0" time="3.750">
    <properties>
      <property name="id" value="20260102T030405Z-1f0c2a"/>
      <property name="seed" value="0x5eed"/>
      <property name="directory" value="trireme-runs/20260102T030405Z-1f0c2a"/>
    </properties>
    <testcase classname="trireme.hazards.two-readers" name="hazards/two-readers on eventlet/3.11" time="1.250"></testcase>
    <testcase classname="trireme.hazards.two-readers" name="hazards/two-readers on threading/3.11" time="1.250"><failure type="difference" message="fail, expected pass: 'order' is 'b' in 20 trials, in the reference 'a' in 20">fail, expected pass
difference in 20 trials: 'order' is 'b' in 20 trials, in the reference 'a' in 20
  reader-1
    workload.py:12 in reader
replay: trireme run hazards/two-readers --runtimes threading --seed 0x5eed --trial 0
</failure></testcase>
    <testcase classname="trireme.hazards.two-readers" name="hazards/two-readers on asyncio/3.11" time="1.250"><error type="unknown" message="no operation and no observation was recorded">unknown, expected pass
replay: trireme run hazards/two-readers --runtimes asyncio --seed 0x5eed --trial 0
</error></testcase>
  </testsuite>
  <testsuite name="trireme.planted.leak" tests="1" failures="1" errors="0" skipped="0" time="1.250">
    <properties>
      <property name="id" value="20260102T030405Z-1f0c2a"/>
      <property name="seed" value="0x5eed"/>
      <property name="directory" value="trireme-runs/20260102T030405Z-1f0c2a"/>
    </properties>
    <testcase classname="trireme.planted.leak" name="planted/leak on eventlet/3.11" time="1.250"><failure type="unexpected-pass" message="pass, expected fail with leak: no finding">pass, expected fail with leak
replay: trireme run planted/leak --runtimes eventlet --seed 0x5eed --trial 0
</failure></testcase>
  </testsuite>
</testsuites>
)");
}

TEST(JunitReportTest, CutsNoReplayLineAndListsEveryFinding) {
  RunResults results = SampleResults();
  CellResult& cell = results.cells.back();
  cell.expected = false;
  cell.findings.assign(1, {.finding = {.kind = "hang", .message = "the first"}});
  cell.findings.push_back({.finding = {.kind = "leak", .message = "the second"}});
  cell.replay = "trireme run a --param text=" + std::string(6000, 'x') + " --trial 0";
  const std::string report = JunitReport(results, {});
  EXPECT_NE(report.find("replay: " + cell.replay + "\n"), std::string::npos);
  EXPECT_NE(report.find(": the second\n"), std::string::npos);
}

TEST(JunitReportTest, SumsTheTimesThatItPrints) {
  RunResults results = GoodResults();
  results.cells[0].seconds = 0.0004;
  results.cells[1].seconds = 61.0616;
  const std::string report = JunitReport(results, {});
  EXPECT_THAT(report, HasSubstr("errors=\"0\" time=\"61.062\">"));
  EXPECT_THAT(report, HasSubstr("eventlet/3.11\" time=\"0.000\">"));
  EXPECT_THAT(report, HasSubstr("threading/3.11\" time=\"61.062\">"));
}

TEST(JunitReportTest, SaysNoTimeThatNobodyMeasured) {
  RunResults results = GoodResults();
  for (CellResult& cell : results.cells) cell.seconds.reset();
  EXPECT_THAT(JunitReport(results, {}), Not(HasSubstr("time=")));
}

TEST(JunitReportTest, GivesNoTwoCasesOneName) {
  RunResults results = GoodResults();
  results.cells.push_back(results.cells[0]);
  const std::string report = JunitReport(results, {});
  EXPECT_THAT(report, HasSubstr("name=\"patterns/client on eventlet/3.11\""));
  EXPECT_THAT(report, HasSubstr("name=\"patterns/client on eventlet/3.11 #2\""));
}

TEST(JunitReportTest, StripsWhatXmlCannotHold) {
  RunResults results = SampleResults();
  results.cells[6].findings[0].finding.message = std::string("a\x01\x1b<&\"\xff\xef\xbf\xbe", 11);
  const std::string report = JunitReport(results, {});
  EXPECT_THAT(report, HasSubstr("a &lt;&amp;&quot;\xef\xbf\xbd"));
  for (const char c : report)
    EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 && c != '\n') << int{c};
  EXPECT_THAT(report, Not(HasSubstr("\xef\xbf\xbe")));
}

TEST(JunitReportTest, IsNotGreenWhenNothingWasRun) {
  EXPECT_THAT(JunitReport(RunResults(), {}), HasSubstr("errors=\"1\""));
}

TEST(JunitReportTest, IsNotGreenWhenTheRunWasInterrupted) {
  RunResults results = GoodResults();
  results.interrupted = true;
  EXPECT_THAT(JunitReport(results, {}), HasSubstr("message=\"the run was interrupted\""));
}

}  // namespace
}  // namespace trireme
