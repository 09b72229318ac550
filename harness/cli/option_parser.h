#ifndef TRIREME_HARNESS_CLI_OPTION_PARSER_H_
#define TRIREME_HARNESS_CLI_OPTION_PARSER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/command.h"

namespace trireme {

// The options of one subcommand. The variables given to it receive what was parsed and must outlive
// Parse(); an option that is not given leaves its variable alone.
class OptionParser {
 public:
  explicit OptionParser(std::string_view command);
  ~OptionParser();
  OptionParser(const OptionParser&) = delete;
  OptionParser& operator=(const OptionParser&) = delete;

  // `name` with its dashes: "--seed". `value` names the value in the help: "N".
  void Flag(std::string_view name, bool& given, std::string_view help);
  void Value(std::string_view name, std::string_view value, std::optional<std::string>& text,
             std::string_view help);
  void Values(std::string_view name, std::string_view value, std::vector<std::string>& texts,
              std::string_view help);
  // a,b,c; may be repeated
  void List(std::string_view name, std::string_view value, std::vector<std::string>& texts,
            std::string_view help);
  // The same of names or files: a path with commas is one where there is such a file.
  void FileList(std::string_view name, std::string_view value, std::vector<std::string>& texts,
                std::string_view help);
  void Duration(std::string_view name, std::optional<int64_t>& nanoseconds, std::string_view help);
  void Count(std::string_view name, std::optional<int64_t>& count,
             std::string_view help);  // 1, 2, ...
  void Choice(std::string_view name, std::vector<std::string> choices, std::string& choice,
              std::string_view help);
  void Positionals(std::string_view name, std::vector<std::string>& texts, std::string_view help);
  // An option that a later release brings: using it is an error that says so.
  void Later(std::string_view name);

  // Nothing when the subcommand may go on; else the exit code to return: help was printed, or an
  // error was.
  std::optional<int> Parse(const Arguments& arguments);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace trireme

#endif  // TRIREME_HARNESS_CLI_OPTION_PARSER_H_
