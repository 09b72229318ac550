#ifndef TRIREME_HARNESS_SCENARIO_CHECK_OPTION_H_
#define TRIREME_HARNESS_SCENARIO_CHECK_OPTION_H_

#include <string>

#include "harness/base/result.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/vocabulary.h"

namespace trireme {

// A check as --check names it: NAME, or NAME:KEY=VALUE,KEY=VALUE. A list has its key once for each
// item: overlap:ops=sell,ops=refund. Arguments are complete, as those of a scenario are.
Result<CheckChoice> ParseCheckOption(const std::string& text, const Vocabulary& vocabulary);

}  // namespace trireme

#endif  // TRIREME_HARNESS_SCENARIO_CHECK_OPTION_H_
