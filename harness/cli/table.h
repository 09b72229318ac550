#ifndef TRIREME_HARNESS_CLI_TABLE_H_
#define TRIREME_HARNESS_CLI_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace trireme {

// Rows in aligned columns, two spaces apart; the last column is wrapped to `width`. No trailing
// spaces.
std::string FormatTable(std::vector<std::vector<std::string>> rows, size_t width);

// `text` in lines of at most `width`, broken at spaces, each after `indent` spaces.
std::string Wrap(std::string_view text, size_t width, size_t indent);

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_TABLE_H_
