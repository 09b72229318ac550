#include "reports/report.h"

#include <array>

namespace trireme {
namespace {

constexpr std::array kFormats = {
    ReportFormat{"text", "the matrix and the closing summary, for a terminal", &TextReport},
    ReportFormat{"json", "results.json, schema trireme.results/1 ('trireme list results-schema')",
                 &JsonReport},
    ReportFormat{
        "junit",
        "JUnit XML in Jenkins' dialect: a suite a scenario, a case a cell; only surprises fail",
        &JunitReport},
    ReportFormat{"markdown", "at most 60 KiB, for a job summary or a comment", &MarkdownReport},
    ReportFormat{"faults",
                 "what each runtime made of each fault plan; Markdown in a file that ends in .md",
                 &FaultsReport},
    ReportFormat{"sarif", "SARIF 2.1.0: each finding at its place in the code, for code scanning",
                 &SarifReport},
    ReportFormat{"jsonl", ""},
    ReportFormat{"subunit", ""},
    ReportFormat{"codequality", ""},
    ReportFormat{"csv", ""},
    ReportFormat{"html", ""},
    ReportFormat{"trace", ""},
    ReportFormat{"prometheus", ""},
    ReportFormat{"correspondences", ""},
};

}  // namespace

std::span<const ReportFormat> ReportFormats() { return kFormats; }

const ReportFormat* FindReportFormat(std::string_view name) {
  for (const ReportFormat& format : kFormats)
    if (format.name == name) return &format;
  return nullptr;
}

}  // namespace trireme
