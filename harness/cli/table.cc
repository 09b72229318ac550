#include "harness/cli/table.h"

#include <algorithm>

#include "harness/base/terminal_text.h"

namespace trireme {
namespace {

constexpr size_t kLeastWidth = 24;

std::string Padded(const std::string& text, size_t width) {
  return text.size() >= width ? text : text + std::string(width - text.size(), ' ');
}

}  // namespace

std::string Wrap(std::string_view text, size_t width, size_t indent) {
  const size_t room = std::max(width > indent ? width - indent : 0, kLeastWidth);
  std::string out;
  while (true) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    size_t end = text.size();
    if (end > room) {
      end = text.rfind(' ', room);
      if (end == std::string_view::npos) end = std::min(text.find(' '), text.size());
    }
    out += std::string(indent, ' ') + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(end);
    if (text.empty()) return out;
  }
}

std::string FormatTable(std::vector<std::vector<std::string>> rows, size_t width) {
  for (std::vector<std::string>& row : rows)
    for (std::string& cell : row) cell = TerminalText(cell);
  std::vector<size_t> widths;
  for (const auto& row : rows)
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i + 1 < row.size(); ++i) line += Padded(row[i], widths[i]) + "  ";
    const size_t indent = line.size();
    std::string last = Wrap(row.back(), width, indent);
    std::copy(line.begin(), line.end(), last.begin());
    if (row.back().empty()) last = last.substr(0, last.find_last_not_of(" \n") + 1) + "\n";
    out += last;
  }
  return out;
}

}  // namespace trireme
