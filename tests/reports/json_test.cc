#include <gtest/gtest.h>

#include "reports/report.h"
#include "tests/reports/sample_results.h"

namespace trireme {
namespace {

TEST(JsonReportTest, ReadsBackAsTheSameResults) {
  const std::string report = JsonReport(SampleResults(), {});
  const Result<Json> json = ParseJson(report, "report");
  ASSERT_TRUE(json.ok());
  const Result<RunResults> back = RunResults::FromJson(*json);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(JsonReport(*back, {}), report);
}

TEST(ReportFormatsTest, WritesEveryFormatOfThisRelease) {
  for (const char* name : {"text", "json", "junit", "markdown", "faults", "sarif"}) {
    ASSERT_NE(FindReportFormat(name), nullptr) << name;
    EXPECT_NE(FindReportFormat(name)->write, nullptr) << name;
  }
}

TEST(ReportFormatsTest, KnowsLaterFormatsByName) {
  ASSERT_NE(FindReportFormat("html"), nullptr);
  EXPECT_EQ(FindReportFormat("html")->write, nullptr);
  EXPECT_EQ(FindReportFormat("docx"), nullptr);
}

}  // namespace
}  // namespace trireme
