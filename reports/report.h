#ifndef TRIREME_REPORTS_REPORT_H_
#define TRIREME_REPORTS_REPORT_H_

#include <span>
#include <string>
#include <string_view>

#include "harness/check/results.h"

namespace trireme {

// How a report for people may look. Files are written with the default: wide, with no colour.
struct ReportStyle {
  bool unicode = true;  // else ASCII only in what we write ourselves
  bool color = false;
  size_t columns = 0;     // of the terminal; 0: as wide as needed
  bool markdown = false;  // of a format that has both: Markdown instead of plain text
};

// A format: results -> bytes, one file a format. Every report is a function of the results alone,
// total (whatever a damaged results.json left), and strips control characters from what workloads
// said.
struct ReportFormat {
  std::string_view name;
  std::string_view summary;
  std::string (*write)(const RunResults&, const ReportStyle&) = nullptr;  // null: not available yet
};

// Every format of interface.md section 6.
std::span<const ReportFormat> ReportFormats();
// Null when there is none of that name.
const ReportFormat* FindReportFormat(std::string_view name);

// The matrix, then the closing summary.
std::string TextReport(const RunResults& results, const ReportStyle& style);
std::string JsonReport(const RunResults& results, const ReportStyle& style);
std::string JunitReport(const RunResults& results, const ReportStyle& style);
// At most kMarkdownLimit bytes, whatever the results; says with counts what it leaves out.
std::string MarkdownReport(const RunResults& results, const ReportStyle& style);

// What each runtime made of each fault plan, with a line for each cell that neither survived nor recovered.
std::string FaultsReport(const RunResults& results, const ReportStyle& style);
// Findings at their places in the code, those that were suppressed among them.
std::string SarifReport(const RunResults& results, const ReportStyle& style);

inline constexpr size_t kMarkdownLimit = 60 * 1024;

}  // namespace trireme

#endif  // TRIREME_REPORTS_REPORT_H_
