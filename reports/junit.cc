// JUnit XML as Jenkins reads it (junit-10.xsd): a suite a scenario, a case a cell. What fails is
// what was not expected; unsupported is skipped, unknown an error.

#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "harness/base/strings.h"
#include "reports/report.h"
#include "reports/words.h"

namespace trireme {
namespace {

// XML 1.0 has no way to write control characters, not even as references; U+FFFE and U+FFFF are as
// forbidden.
std::string WithoutForbidden(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 && byte != '\n' && byte != '\t') continue;
    if (byte == 0x7f) continue;
    const std::string_view three = text.substr(i, 3);
    if (three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF") {
      out += "\xEF\xBF\xBD";
      i += 2;
      continue;
    }
    out += text[i];
  }
  return out;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : WithoutForbidden(ToValidUtf8(text))) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\t':
        out += "&#9;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// Text content: line ends stay as they are.
std::string EscapedText(std::string_view text) {
  std::string out;
  for (const char c : WithoutForbidden(ToValidUtf8(text))) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string Attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + Escaped(value) + "\"";
}

std::string Attribute(std::string_view name, int64_t value) {
  return Attribute(name, std::to_string(value));
}

// By hand: a locale must not turn the point into a comma.
std::string TimeAttribute(const std::optional<int64_t>& milliseconds) {
  if (!milliseconds) return "";
  std::string fraction = std::to_string(*milliseconds % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return Attribute("time", std::to_string(*milliseconds / 1000) + "." + fraction);
}

// Nothing when no trial of the cell ran: that is not the same as no time.
std::optional<int64_t> Milliseconds(const CellResult& cell) {
  constexpr double kMost = 1e12;
  if (!cell.seconds || !(*cell.seconds >= 0 && *cell.seconds <= kMost)) return std::nullopt;
  return std::llround(*cell.seconds * 1000);
}

// The times that are known; readers add up those of the cases, so the sums are of rounded ones.
void AddTime(std::optional<int64_t>& sum, const std::optional<int64_t>& milliseconds) {
  if (milliseconds) sum = sum.value_or(0) + *milliseconds;
}

// Everything that a reader of a failed case wants, as text.
std::string Details(const CellResult& cell) {
  std::string out =
      std::string(CellStateName(cell.state)) + ", expected " + cell.expectation + "\n";
  for (const CellFinding& found : cell.findings) {
    const Finding& finding = found.finding;
    out += (finding.advisory ? "advisory " : "") + finding.kind + " in " +
           Counted(found.count, "trial") + ": " + OneLine(finding.message, 2000) + "\n";
    for (const Participant& participant : finding.participants) {
      out += "  " + OneLine(NameOf(participant)) + "\n";
      for (const std::string& frame : participant.stack) out += "    " + OneLine(frame) + "\n";
    }
  }
  for (const std::string& test : DifferingTests(cell)) out += "test " + test + "\n";
  for (const std::string& note : cell.notes) out += "note: " + OneLine(note) + "\n";
  if (!cell.replay.empty()) out += "replay: " + ReplayLine(cell) + "\n";
  return out;
}

std::string FailureKind(const CellResult& cell) {
  if (cell.state == CellState::kPass) return "unexpected-pass";
  for (const CellFinding& found : cell.findings)
    if (!found.finding.advisory) return found.finding.kind;
  return "fail";
}

std::string Outcome(const CellResult& cell) {
  if (cell.state == CellState::kUnsupported)
    return "<skipped" + Attribute("message", FirstFinding(cell)) + "/>";
  if (cell.state == CellState::kUnknown)
    return "<error" + Attribute("type", "unknown") + Attribute("message", FirstFinding(cell)) +
           ">" + EscapedText(Details(cell)) + "</error>";
  if (!cell.expected)
    return "<failure" + Attribute("type", FailureKind(cell)) +
           Attribute("message", StateInWords(cell) + ": " + FirstFinding(cell)) + ">" +
           EscapedText(Details(cell)) + "</failure>";
  return cell.state == CellState::kFail
             ? "<system-out>" + EscapedText(Details(cell)) + "</system-out>"
             : "";
}

struct Suite {
  std::string scenario;
  std::string cases;
  int64_t tests = 0, failures = 0, errors = 0, skipped = 0;
  std::optional<int64_t> milliseconds;
};

// Readers take the first of two cases with one name and drop the other, so no two have one.
class Names {
 public:
  std::string Unique(const std::string& name) {
    const int64_t seen = ++seen_[name];
    if (seen == 1) return name;
    return Unique(name + " #" + std::to_string(seen));
  }

 private:
  std::map<std::string, int64_t> seen_;
};

std::string SuiteClass(const std::string& scenario) {
  std::string name = "trireme." + scenario;
  for (char& c : name)
    if (c == '/') c = '.';
  return name;
}

void AddCell(Suite& suite, const CellResult& cell, const std::string& name) {
  ++suite.tests;
  suite.failures += !cell.expected && IsDecided(cell) ? 1 : 0;
  suite.errors += cell.state == CellState::kUnknown ? 1 : 0;
  suite.skipped += cell.state == CellState::kUnsupported ? 1 : 0;
  suite.cases += "    <testcase" + Attribute("classname", SuiteClass(suite.scenario)) +
                 Attribute("name", name) + TimeAttribute(Milliseconds(cell)) + ">" + Outcome(cell) +
                 "</testcase>\n";
  AddTime(suite.milliseconds, Milliseconds(cell));
}

std::vector<Suite> MakeSuites(const RunResults& results) {
  std::vector<Suite> suites;
  std::map<std::string, size_t> places;
  Names names;
  const std::vector<std::string> rows = RowNames(results.cells);
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const CellResult& cell = results.cells[i];
    const auto [place, is_new] = places.emplace(cell.scenario, suites.size());
    if (is_new) suites.push_back({.scenario = cell.scenario});
    AddCell(suites[place->second], cell,
            names.Unique(rows[i] + " on " + OneLine(ColumnName(cell))));
  }
  return suites;
}

// A run that could not go on must not look green because its suites are empty.
Suite InfrastructureSuite(const RunResults& results) {
  const std::string what = results.interrupted             ? "the run was interrupted"
                           : results.infrastructure_failed ? OneLine(results.infrastructure_reason)
                                                           : "nothing was run";
  Suite suite{.scenario = "run", .tests = 1, .errors = 1};
  suite.cases = "    <testcase" + Attribute("classname", "trireme.run") + Attribute("name", "run") +
                "><error" + Attribute("type", "infrastructure") + Attribute("message", what) +
                "/></testcase>\n";
  return suite;
}

std::string Properties(const RunResults& results) {
  std::string out;
  for (const char* name : {"id", "seed", "version", "directory"})
    if (const std::string value = GetString(results.run, name); !value.empty())
      out += "      <property" + Attribute("name", name) + Attribute("value", value) + "/>\n";
  return out.empty() ? "" : "    <properties>\n" + out + "    </properties>\n";
}

std::string Counts(const Suite& suite) {
  return Attribute("tests", suite.tests) + Attribute("failures", suite.failures) +
         Attribute("errors", suite.errors);
}

}  // namespace

std::string JunitReport(const RunResults& results, const ReportStyle&) {
  std::vector<Suite> suites = MakeSuites(results);
  if (results.interrupted || results.infrastructure_failed || suites.empty())
    suites.push_back(InfrastructureSuite(results));
  Suite total;
  std::string body;
  for (const Suite& suite : suites) {
    total.tests += suite.tests;
    total.failures += suite.failures;
    total.errors += suite.errors;
    AddTime(total.milliseconds, suite.milliseconds);
    body += "  <testsuite" + Attribute("name", SuiteClass(suite.scenario)) + Counts(suite) +
            Attribute("skipped", suite.skipped) + TimeAttribute(suite.milliseconds) + ">\n" +
            Properties(results) + suite.cases + "  </testsuite>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + Attribute("name", "trireme") +
         Counts(total) + TimeAttribute(total.milliseconds) + ">\n" + body + "</testsuites>\n";
}

}  // namespace trireme
