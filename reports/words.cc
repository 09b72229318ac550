#include "reports/words.h"

#include <algorithm>
#include <map>
#include <set>

#include "harness/base/strings.h"
#include "harness/base/terminal_text.h"

namespace trireme {
namespace {

std::string ShortValue(const Json& value) {
  return OneLine(value.is_string() ? value.get<std::string>() : DumpJson(value), 40);
}

// Parameters that do not have one value throughout the scenario's cells.
std::set<std::string> VaryingParams(const std::vector<const CellResult*>& cells) {
  std::map<std::string, std::set<std::string>> values;
  for (const CellResult* cell : cells) {
    if (!cell->params.is_object()) continue;
    for (const auto& [key, value] : cell->params.items()) values[key].insert(CanonicalJson(value));
  }
  std::set<std::string> varying;
  for (const auto& [key, seen] : values)
    if (seen.size() > 1) varying.insert(key);
  return varying;
}

std::string RowName(const CellResult& cell, const std::set<std::string>& varying) {
  std::string name = OneLine(cell.scenario.empty() ? cell.id : cell.scenario, 100);
  for (const std::string& key : varying)
    if (const Json& value = GetMember(cell.params, key.c_str()); !value.is_null())
      name += " " + OneLine(key, 40) + "=" + ShortValue(value);
  if (cell.faults.is_array())
    for (const Json& fault : cell.faults) name += " fault=" + ShortValue(fault);
  if (!cell.arm.is_null()) name += " arm=" + ShortValue(cell.arm);
  return name;
}

bool HasDifference(const CellResult& cell) {
  return std::any_of(cell.findings.begin(), cell.findings.end(), [](const CellFinding& found) {
    return found.finding.kind == "difference" && !found.finding.advisory;
  });
}

// Names a cell among all: its row and its column.
std::string PlaceOf(const CellResult& cell, const std::string& column) {
  return CanonicalJson(Json::array({cell.scenario, cell.params, cell.faults, cell.arm, column}));
}

using Places = std::map<std::string, const CellResult*>;

Places IndexByPlace(const std::vector<CellResult>& cells) {
  Places places;
  for (const CellResult& cell : cells) places.emplace(PlaceOf(cell, ColumnName(cell)), &cell);
  return places;
}

// The reference's cell of the same row, or null.
const CellResult* FindReference(const Places& places, const CellResult& cell) {
  const auto found = places.find(PlaceOf(cell, cell.reference));
  return found == places.end() ? nullptr : found->second;
}

// The outcome that most trials of a test had: what its counts are keyed by is JSON text.
std::string MostFrequent(const Json& counts) {
  std::string best = "absent";
  int64_t most = 0;
  if (!counts.is_object()) return best;
  for (const auto& [value, count] : counts.items()) {
    if (!count.is_number_integer() || count.get<int64_t>() <= most) continue;
    most = count.get<int64_t>();
    best = OneLine(
        value.starts_with('"') && value.size() > 1 ? value.substr(1, value.size() - 2) : value, 60);
  }
  return best;
}

constexpr std::string_view kTestPrefix = "test:";

std::string TestOf(const Json& row) { return GetString(row, "key").substr(kTestPrefix.size()); }

// Those rows of the comparison that are tests of a command and differ.
std::vector<const Json*> RowsOfDifferingTests(const CellResult& cell) {
  std::vector<const Json*> rows;
  if (!cell.comparison.is_array()) return rows;
  for (const Json& row : cell.comparison)
    if (GetString(row, "key").starts_with(kTestPrefix) && GetString(row, "verdict") == "difference")
      rows.push_back(&row);
  return rows;
}

// Whether what was observed, or went over the wire, was compared, and was the same. Nondeterministic keys say nothing.
bool IsCompared(const CellResult& cell) {
  bool same = GetString(cell.wire, "verdict") == "pass";
  if (!cell.comparison.is_array()) return same;
  for (const Json& row : cell.comparison) {
    const std::string verdict = GetString(row, "verdict");
    if (verdict != "same" && verdict != "nondeterministic") return false;
    same |= verdict == "same";
  }
  return same;
}

// How one runtime compares with its reference, scenario by scenario.
struct Comparison {
  std::string runtime, reference;
  std::set<std::string> same, different, undecided, not_compared;
  std::vector<std::string> tests;  // of commands, those that differ

  void Add(const CellResult& cell, const CellResult* other) {
    const bool decided = IsDecided(cell) && other != nullptr && IsDecided(*other);
    if (HasDifference(cell) || (decided && cell.state != other->state))
      different.insert(cell.scenario), AddTests(cell);
    else if (!decided)
      undecided.insert(cell.scenario);
    else
      (IsCompared(cell) ? same : not_compared).insert(cell.scenario);
  }

  void AddTests(const CellResult& cell) {
    for (const Json* row : RowsOfDifferingTests(cell)) {
      const std::string test = OneLine(TestOf(*row), 100);
      if (std::find(tests.begin(), tests.end(), test) == tests.end()) tests.push_back(test);
    }
  }

  // A scenario with several rows counts once, by its worst.
  void Settle() {
    for (const std::string& name : different)
      undecided.erase(name), not_compared.erase(name), same.erase(name);
    for (const std::string& name : undecided) not_compared.erase(name), same.erase(name);
    for (const std::string& name : not_compared) same.erase(name);
  }
};

std::string NamesInWords(const std::set<std::string>& names) {
  constexpr size_t kShown = 6;
  std::string text;
  size_t shown = 0;
  for (const std::string& name : names) {
    if (shown == kShown) return text + " and " + std::to_string(names.size() - kShown) + " more";
    text += (shown++ == 0 ? "" : ", ") + OneLine(name, 100);
  }
  return text;
}

// " (2 tests: a, b)"
std::string TestsInWords(const std::vector<std::string>& tests) {
  constexpr size_t kShown = 5;
  if (tests.empty()) return "";
  std::string text = " (" + Counted(static_cast<int64_t>(tests.size()), "test") + ": ";
  for (size_t i = 0; i < tests.size() && i < kShown; ++i) text += (i == 0 ? "" : ", ") + tests[i];
  if (tests.size() > kShown) text += " and " + std::to_string(tests.size() - kShown) + " more";
  return text + ")";
}

std::string Sentence(const Comparison& comparison) {
  const auto total =
      static_cast<int64_t>(comparison.same.size() + comparison.different.size() +
                           comparison.undecided.size() + comparison.not_compared.size());
  const auto clause = [](const std::string& what, const std::set<std::string>& names) {
    return names.empty()
               ? ""
               : "; " + what + " in " + std::to_string(names.size()) + ": " + NamesInWords(names);
  };
  const std::string undecided =
      clause("undecided", comparison.undecided) + clause("not compared", comparison.not_compared);
  if (!comparison.different.empty())
    return comparison.runtime + " differs from " + comparison.reference + " in " +
           std::to_string(comparison.different.size()) + " of " + Counted(total, "scenario") +
           ": " + NamesInWords(comparison.different) + TestsInWords(comparison.tests) + undecided;
  if (comparison.same.empty() && !comparison.not_compared.empty())
    return comparison.runtime + " was not compared with " + comparison.reference + " in " +
           Counted(static_cast<int64_t>(comparison.not_compared.size()), "scenario") + ": " +
           NamesInWords(comparison.not_compared) + clause("undecided", comparison.undecided);
  if (comparison.same.empty())
    return comparison.runtime + " could not be compared with " + comparison.reference + " in " +
           Counted(total, "scenario") + ": " + NamesInWords(comparison.undecided);
  const std::string all = undecided.empty() && total > 1 ? "all " : "";
  return comparison.runtime + " does the same as " + comparison.reference + " in " + all +
         Counted(static_cast<int64_t>(comparison.same.size()), "scenario") + undecided;
}

// Names of runtimes that ran on several interpreters need the interpreter to be told apart.
std::set<std::string> AmbiguousRuntimes(const std::vector<CellResult>& cells) {
  std::map<std::string, std::set<std::string>> interpreters;
  for (const CellResult& cell : cells) interpreters[cell.runtime].insert(cell.interpreter);
  std::set<std::string> ambiguous;
  for (const auto& [runtime, names] : interpreters)
    if (names.size() > 1) ambiguous.insert(runtime);
  return ambiguous;
}

std::string ShortName(const std::string& column, const std::set<std::string>& ambiguous) {
  const std::string runtime = column.substr(0, column.find('/'));
  return ambiguous.contains(runtime) ? column : runtime;
}

template <typename Belongs>
std::vector<CellGroup> ByReason(const RunResults& results, Belongs belongs) {
  std::vector<CellGroup> groups;
  const std::vector<std::string> rows = RowNames(results.cells);
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const CellResult& cell = results.cells[i];
    if (!belongs(cell)) continue;
    const std::string reason = cell.reason.empty() ? "no reason is recorded" : OneLine(cell.reason);
    auto place = std::find_if(groups.begin(), groups.end(),
                              [&](const CellGroup& group) { return group.reason == reason; });
    if (place == groups.end()) place = groups.insert(place, CellGroup{.reason = reason});
    place->cells.push_back(rows[i] + " on " + ColumnName(cell));
  }
  return groups;
}

}  // namespace

std::string Counted(int64_t count, std::string_view singular, std::string_view plural) {
  std::string text = std::to_string(count) + " ";
  if (count == 1) return text.append(singular);
  return plural.empty() ? text.append(singular) + "s" : text.append(plural);
}

std::string OneLine(std::string_view text, size_t limit) {
  std::string out;
  for (const char c : ToValidUtf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = byte < 0x20 || byte == 0x7f;
    if (!control)
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  out = TerminalText(out);
  while (out.ends_with(' ')) out.pop_back();
  if (out.size() <= limit) return out;
  size_t end = limit > 3 ? limit - 3 : 0;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) --end;
  return out.substr(0, end) + "...";
}

std::string MarkdownText(std::string_view text, size_t limit) {
  std::string out;
  for (const char c : OneLine(text, limit)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (std::string_view("\\`*_[]|#~@!").find(c) != std::string_view::npos)
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string ColumnName(const CellResult& cell) {
  return cell.interpreter.empty() ? cell.runtime : cell.runtime + "/" + cell.interpreter;
}

std::vector<std::string> RowNames(const std::vector<CellResult>& cells) {
  std::map<std::string, std::vector<const CellResult*>> by_scenario;
  for (const CellResult& cell : cells) by_scenario[cell.scenario].push_back(&cell);
  std::map<std::string, std::set<std::string>> varying;
  for (const auto& [scenario, members] : by_scenario) varying[scenario] = VaryingParams(members);
  std::vector<std::string> names;
  names.reserve(cells.size());
  std::map<std::string, std::map<std::string, size_t>> rows;  // those that have a name, numbered
  for (const CellResult& cell : cells) {
    names.push_back(RowName(cell, varying[cell.scenario]));
    auto& same = rows[names.back()];
    const size_t number = same.emplace(PlaceOf(cell, ""), same.size() + 1).first->second;
    if (number > 1) names.back() += " #" + std::to_string(number);
  }
  return names;
}

std::string StateInWords(const CellResult& cell) {
  std::string words(CellStateName(cell.state));
  if (!cell.expected && !cell.expectation.empty() && cell.state != CellState::kUnsupported)
    words += ", expected " + OneLine(cell.expectation, 100);
  return words;
}

bool IsDecided(const CellResult& cell) {
  return cell.state == CellState::kPass || cell.state == CellState::kFail;
}

// With why it is not what was expected, which the reason says before the finding: another outcome, or a rate.
std::string FindingInWords(const CellResult& cell, const std::string& message) {
  const size_t problem = cell.expected ? std::string::npos : cell.reason.find("; " + message);
  return problem == std::string::npos ? OneLine(message)
                                      : OneLine(cell.reason.substr(0, problem) + "; " + message);
}

std::string ReplayLine(const CellResult& cell) {
  return OneLine(cell.replay, std::string::npos);
}

std::string FirstFinding(const CellResult& cell, const std::string& rest) {
  std::string first;
  int64_t others = 0;
  for (const CellFinding& found : cell.findings) {
    if (found.finding.advisory) continue;
    if (first.empty())
      first = FindingInWords(cell, found.finding.message);
    else
      ++others;
  }
  if (!first.empty())
    return others == 0 ? first
                       : first + " (and " + Counted(others, "more finding", "more findings") + rest +
                             ")";
  if (!cell.reason.empty()) return OneLine(cell.reason);
  return cell.state == CellState::kPass ? "no finding" : "no reason is recorded";
}

std::vector<std::string> DifferingTests(const CellResult& cell) {
  std::vector<std::string> tests;
  for (const Json* row : RowsOfDifferingTests(cell))
    tests.push_back(OneLine(TestOf(*row)) + ": " + MostFrequent(GetMember(*row, "here")) +
                    " here, " + MostFrequent(GetMember(*row, "there")) + " on " + cell.reference);
  return tests;
}

CellCounts CountCells(const RunResults& results) {
  CellCounts counts{.totals = results.totals()};
  for (const CellResult& cell : results.cells) {
    counts.expected_fail += cell.state == CellState::kFail && cell.expected ? 1 : 0;
    counts.trials.pass += cell.trials.pass;
    counts.trials.fail += cell.trials.fail;
    counts.trials.unknown += cell.trials.unknown;
  }
  return counts;
}

std::vector<std::string> SuppressionNotes(const RunResults& results) {
  std::vector<std::string> notes;
  for (const Suppression& one : results.suppressions) {
    if (one.count > 0)
      notes.push_back(OneLine("findings suppressed in " + Counted(one.count, "trial") + " by " +
                              one.place + ": " + one.reason));
    else if (const std::string useless = one.Useless(); !useless.empty())
      notes.push_back(OneLine("suppression " + useless));
  }
  return notes;
}

std::vector<std::string> Differences(const RunResults& results) {
  const std::set<std::string> ambiguous = AmbiguousRuntimes(results.cells);
  const Places places = IndexByPlace(results.cells);
  std::vector<Comparison> comparisons;
  for (const CellResult& cell : results.cells) {
    if (cell.reference.empty() || cell.reference == ColumnName(cell) ||
        cell.state == CellState::kUnsupported)
      continue;
    const std::string runtime = ShortName(ColumnName(cell), ambiguous);
    const std::string reference = ShortName(cell.reference, ambiguous);
    auto place =
        std::find_if(comparisons.begin(), comparisons.end(), [&](const Comparison& comparison) {
          return comparison.runtime == runtime && comparison.reference == reference;
        });
    if (place == comparisons.end())
      place = comparisons.insert(place, Comparison{.runtime = runtime, .reference = reference});
    place->Add(cell, FindReference(places, cell));
  }
  for (Comparison& comparison : comparisons) comparison.Settle();
  std::stable_partition(comparisons.begin(), comparisons.end(),
                        [](const Comparison& comparison) { return !comparison.different.empty(); });
  std::vector<std::string> sentences;
  for (const Comparison& comparison : comparisons) sentences.push_back(Sentence(comparison));
  return sentences;
}

std::string FaultLogsInWords(const RunResults& results) {
  std::map<std::string, int64_t> trials;
  std::vector<std::string> columns;  // that have a log which is not equal
  for (const CellResult& cell : results.cells) {
    const Json& counts = GetMember(cell.fault_log, "trials");
    if (!counts.is_object()) continue;
    for (const auto& [state, count] : counts.items())
      if (count.is_number_integer()) trials[state] += count.get<int64_t>();
    const std::string column = OneLine(ColumnName(cell), 60);
    if (GetInt(counts, "equal") < GetInt(counts, "compared") &&
        std::find(columns.begin(), columns.end(), column) == columns.end())
      columns.push_back(column);
  }
  const int64_t nothing = trials["nothing"];
  if (trials["compared"] == 0)
    return nothing == 0 ? "" : "fault logs: nothing to compare in " + Counted(nothing, "trial");
  std::string text = "fault logs: equal in " + std::to_string(trials["equal"]) + " of " +
                     Counted(trials["compared"], "trial");
  for (const auto& [state, words] : {std::pair("not_reached", "equal but for what was not reached"),
                                     {"diverged", "diverged"},
                                     {"different", "different"},
                                     {"undecided", "undecided"}})
    if (trials[state] > 0) text += ", " + std::to_string(trials[state]) + " " + words;
  if (!columns.empty()) text += " (" + Join(columns, ", ") + ")";
  return nothing == 0 ? text : text + "; nothing to compare in " + Counted(nothing, "more trial");
}

std::string FaultsNotReachedInWords(const RunResults& results) {
  constexpr size_t kMostNamed = 5;
  const std::vector<std::string> rows = RowNames(results.cells);
  std::vector<std::string> named;
  int64_t planned = 0, count = 0;
  for (size_t i = 0; i < results.cells.size(); ++i) {
    const std::string effect = GetString(results.cells[i].under_faults, "class");
    planned += effect.empty() ? 0 : 1;
    if (effect != "not reached") continue;
    if (++count <= static_cast<int64_t>(kMostNamed))
      named.push_back(rows[i] + " on " + OneLine(ColumnName(results.cells[i]), 60));
  }
  if (count == 0) return "";
  if (const int64_t more = count - static_cast<int64_t>(named.size()); more > 0)
    named.push_back(std::to_string(more) + " more");
  return "none reached in " + std::to_string(count) + " of " + Counted(planned, "cell") +
         ", whose verdicts say nothing of a fault: " + Join(named, ", ");
}

std::vector<CellGroup> UnsupportedByReason(const RunResults& results) {
  return ByReason(results,
                  [](const CellResult& cell) { return cell.state == CellState::kUnsupported; });
}

bool WasNotRun(const CellResult& cell) {
  return cell.state == CellState::kUnknown && !cell.refusal && cell.trials.planned > 0 &&
         cell.trials.executed == 0 && cell.findings.empty();
}

std::vector<CellGroup> NotRunByReason(const RunResults& results) {
  return ByReason(results, WasNotRun);
}

}  // namespace trireme
