#include "harness/check/expectation.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "harness/base/strings.h"

namespace trireme {
namespace {

bool Has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "2%", "0.5%"
std::string Percent(double share) {
  std::string text = std::to_string(std::round(share * 1e4) / 1e2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + "%";
}

std::string RangeInWords(const Interval& rate) {
  return Percent(rate.low) + " to " + Percent(rate.high);
}

std::set<std::string> KindsOf(const CellResult& cell) {
  std::set<std::string> kinds;
  for (const CellFinding& found : cell.findings) {
    if (!found.finding.advisory) kinds.insert(found.finding.kind);
  }
  return kinds;
}

// Why the findings are not those expected, "" when they are.
std::string JudgeFindings(const CellExpectation& expectation, const CellResult& cell) {
  const std::set<std::string> kinds = KindsOf(cell);
  const std::vector<std::string> found(kinds.begin(), kinds.end());
  const std::string listed = found.empty() ? "nothing" : Join(found, ", ");
  if (!expectation.finding.empty() && !kinds.contains(expectation.finding)) {
    return "found " + listed + ", expected was " + expectation.finding;
  }
  if (!expectation.findings) return "";
  const std::set<std::string> wanted(expectation.findings->begin(), expectation.findings->end());
  return wanted == kinds
             ? ""
             : "found " + listed + ", expected was exactly " + Join(*expectation.findings, ", ");
}

// A cell that shall pass and show something shows it as an advisory finding.
std::string MissingAdvice(const CellExpectation& expectation, const CellResult& cell) {
  if (expectation.finding.empty() || Has(expectation.verdicts, "fail")) return "";
  const bool shown = std::any_of(
      cell.findings.begin(), cell.findings.end(),
      [&](const CellFinding& found) { return found.finding.kind == expectation.finding; });
  return shown ? "" : "found no " + expectation.finding;
}

enum class RateVerdict { kInside, kOutside, kTooFew };

RateVerdict JudgeRate(const Interval& rate, int64_t failing, int64_t decided) {
  const double share =
      decided == 0 ? 0 : static_cast<double>(failing) / static_cast<double>(decided);
  if (decided > 0 && share >= rate.low && share <= rate.high) return RateVerdict::kInside;
  const bool below = share < rate.low;
  const double p = below ? BinomialAtMost(failing, decided, rate.low)
                         : BinomialAtLeast(failing, decided, rate.high);
  if (decided > 0 && p < kRateAlpha) return RateVerdict::kOutside;
  const Interval side =
      below ? Interval{.low = rate.low, .high = 1} : Interval{.low = 0, .high = rate.high};
  const int64_t needed = RateTrialsNeeded(side, kRateAlpha);
  return needed == 0 || decided < needed ? RateVerdict::kTooFew : RateVerdict::kInside;
}

std::string OutcomeProblem(const CellExpectation& expectation, const CellResult& cell) {
  if (expectation.outcome.empty()) return "";
  const int64_t decided = cell.trials.pass + cell.trials.fail;
  const auto found = cell.outcomes.find(expectation.outcome);
  const int64_t seen = found == cell.outcomes.end() ? 0 : found->second;
  if (seen >= decided) return "";
  return "outcome '" + expectation.outcome + "' in " + std::to_string(seen) + " of " +
         std::to_string(decided) + " trials, expected in every one";
}

// REQUIRES: the cell was decided, and failing is one of the expected verdicts.
ExpectationJudgement JudgeByRate(const CellExpectation& expectation, const CellResult& cell,
                                 int64_t failing) {
  const int64_t decided = cell.trials.pass + cell.trials.fail;
  const std::string share =
      std::to_string(failing) + " of " + std::to_string(decided) + " trials failed";
  switch (JudgeRate(*expectation.rate, failing, decided)) {
    case RateVerdict::kInside:
      return {.state = cell.state, .expected = true, .reason = ""};
    case RateVerdict::kOutside:
      return {.state = cell.state,
              .expected = false,
              .reason = share + ", expected were " + RangeInWords(*expectation.rate)};
    case RateVerdict::kTooFew:
      break;
  }
  return {.state = CellState::kUnknown,
          .expected = false,
          .reason = share + ": too few to decide on a rate of " + RangeInWords(*expectation.rate) +
                    ", " + std::to_string(RateTrialsNeeded(*expectation.rate, kRateAlpha)) +
                    " are needed"};
}

}  // namespace

CellExpectation CellExpectation::FromJson(const Json& expect) {
  CellExpectation out;
  if (std::vector<std::string> verdicts = TextsOf(GetMember(expect, "verdicts"));
      !verdicts.empty()) {
    out.verdicts = std::move(verdicts);
  }
  out.finding = GetString(expect, "finding");
  if (GetMember(expect, "findings").is_array())
    out.findings = TextsOf(GetMember(expect, "findings"));
  out.outcome = GetString(expect, "outcome");
  const Json& rate = GetMember(expect, "rate");
  if (rate.is_array() && rate.size() == 2 && rate[0].is_number() && rate[1].is_number()) {
    out.rate = Interval{.low = std::clamp(rate[0].get<double>(), 0.0, 1.0),
                        .high = std::clamp(rate[1].get<double>(), 0.0, 1.0)};
  }
  return out;
}

std::string CellExpectation::InWords() const {
  std::string words = Join(verdicts, " or ");
  if (!finding.empty()) words += " with " + finding;
  if (findings)
    words += findings->empty() ? " without findings" : " with exactly " + Join(*findings, ", ");
  if (rate && whole) words += " in " + RangeInWords(*rate) + " of the trials";
  if (rate && !whole) words += " in some trials";
  if (!outcome.empty()) words += ", outcome " + outcome;
  return words;
}

ExpectationJudgement JudgeExpectation(const CellExpectation& expectation, const CellResult& cell,
                                      int64_t failing) {
  const bool unsupported_expected = Has(expectation.verdicts, "unsupported");
  if (cell.state == CellState::kUnsupported) {
    return {.state = cell.state, .expected = true, .reason = ""};
  }
  if (cell.state == CellState::kUnknown)
    return {.state = cell.state, .expected = false, .reason = ""};
  ExpectationJudgement judgement{.state = cell.state, .expected = true, .reason = ""};
  if (expectation.rate && Has(expectation.verdicts, "fail")) {
    if (expectation.whole) judgement = JudgeByRate(expectation, cell, failing);
  } else if (!Has(expectation.verdicts, CellStateName(cell.state))) {
    judgement.expected = false;
    judgement.reason = unsupported_expected && expectation.verdicts.size() == 1
                           ? "it ran, expected was unsupported"
                           : "expected was " + expectation.InWords();
  }
  if (!judgement.expected) return judgement;
  std::string problem = OutcomeProblem(expectation, cell);
  if (problem.empty() && cell.state == CellState::kFail) problem = JudgeFindings(expectation, cell);
  if (problem.empty() && cell.state == CellState::kPass) problem = MissingAdvice(expectation, cell);
  judgement.expected = problem.empty();
  judgement.reason = std::move(problem);
  return judgement;
}

}  // namespace trireme
