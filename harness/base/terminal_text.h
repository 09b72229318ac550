#ifndef TRIREME_HARNESS_BASE_TERMINAL_TEXT_H_
#define TRIREME_HARNESS_BASE_TERMINAL_TEXT_H_

#include <string>
#include <string_view>

namespace trireme {

// Text of others as a terminal may print it: valid UTF-8 without what a terminal obeys. Control characters (C0, DEL, C1)
// become '?', marks that turn the direction of writing, end a line or take no room U+FFFD. `kept` are control
// characters that stay, for text of several lines "\n\t".
std::string TerminalText(std::string_view text, std::string_view kept = "");

}  // namespace trireme

#endif  // TRIREME_HARNESS_BASE_TERMINAL_TEXT_H_
