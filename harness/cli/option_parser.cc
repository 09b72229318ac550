#include "harness/cli/option_parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/strings.h"
#include "harness/cli/console.h"
#include "harness/cli/exit_codes.h"

namespace trireme {
namespace {

const Command* FindCommand(std::string_view name) {
  for (const Command& command : Commands())
    if (command.name == name) return &command;
  return nullptr;
}

Diagnostic BadValue(const std::string& option, const std::string& value,
                    const std::string& wanted) {
  return UsageError("option " + option + ": '" + value + "' is not " + wanted);
}

// At commas, but for those of the longest paths of files that there are.
std::vector<std::string> SplitAroundFiles(const std::string& given) {
  const std::vector<std::string> parts = Split(given, ',');
  const std::span<const std::string> all(parts);
  std::vector<std::string> kept;
  for (size_t begin = 0; begin < parts.size();) {
    size_t end = parts.size();
    while (end > begin + 1 && !IsRegularFile(Join(all.subspan(begin, end - begin), ","))) --end;
    kept.push_back(Join(all.subspan(begin, end - begin), ","));
    begin = end;
  }
  return kept;
}

std::optional<Diagnostic> AddParts(const std::string& option, const std::string& given,
                                   const std::vector<std::string>& parts,
                                   std::vector<std::string>& texts) {
  if (given.empty()) return BadValue(option, given, "a list such as a,b");
  for (const std::string& part : parts) {
    if (Trim(part).empty()) return BadValue(option, given, "a list such as a,b");
    texts.emplace_back(Trim(part));
  }
  return std::nullopt;
}

// The usage as the table of commands says it.
class UsageFormatter : public CLI::Formatter {
 public:
  explicit UsageFormatter(std::string usage) : usage_(std::move(usage)) { column_width(34); }
  std::string make_usage(const CLI::App*, std::string) const override { return usage_; }

 private:
  std::string usage_;
};

}  // namespace

struct OptionParser::Impl {
  explicit Impl(const Command& command) : name(command.name), app(std::string(command.summary)) {
    const std::string usage = "usage: trireme " + name + " " + std::string(command.arguments);
    app.formatter(std::make_shared<UsageFormatter>(usage + " [OPTIONS]\n"));
    app.set_help_flag("-h,--help", "show this help");
  }

  // CLI11 calls this for each value; the first bad one is the error.
  void Take(std::string_view option, std::string_view value, std::string_view help,
            std::function<std::optional<Diagnostic>(const std::string&)> take) {
    app.add_option_function<std::vector<std::string>>(
           std::string(option),
           [this, take = std::move(take)](const std::vector<std::string>& texts) {
             for (const std::string& text : texts)
               if (std::optional<Diagnostic> bad = take(text); bad && !error)
                 error = std::move(bad);
           },
           std::string(help))
        ->type_name(std::string(value))
        ->expected(1)
        ->allow_extra_args(false)
        ->take_all();
    options.emplace_back(option);
  }

  // Once only: a second value would silently replace the first.
  void TakeOnce(std::string_view option, std::string_view value, std::string_view help,
                std::function<std::optional<Diagnostic>(const std::string&)> take) {
    Take(option, value, help,
         [option = std::string(option), seen = false,
          take = std::move(take)](const std::string& text) mutable {
           if (std::exchange(seen, true))
             return std::optional(
                 UsageError("option " + option + " is given twice", "give it once"));
           return take(text);
         });
  }

  Diagnostic Unknown(const std::vector<std::string>& remaining) const {
    for (const std::string& word : remaining) {
      if (word.size() < 2 || word[0] != '-') continue;
      const std::string given = word.substr(0, word.find('='));
      const std::string guess = DidYouMean(given, options);
      return UsageError("unknown option '" + given + "'",
                        guess.empty() ? "'trireme " + name + " --help' lists the options" : guess);
    }
    return UsageError("unexpected argument '" + (remaining.empty() ? "" : remaining.front()) + "'",
                      "'trireme " + name + " --help' shows the usage");
  }

  std::string name;
  CLI::App app;
  std::vector<std::string> options{"--help"};
  std::optional<Diagnostic> error;
};

OptionParser::OptionParser(std::string_view command)
    : impl_(std::make_unique<Impl>(*FindCommand(command))) {}
OptionParser::~OptionParser() = default;

void OptionParser::Flag(std::string_view name, bool& given, std::string_view help) {
  impl_->app.add_flag(std::string(name), given, std::string(help));
  impl_->options.emplace_back(name);
}

void OptionParser::Value(std::string_view name, std::string_view value,
                         std::optional<std::string>& text, std::string_view help) {
  impl_->TakeOnce(name, value, help, [&text](const std::string& given) {
    text = given;
    return std::optional<Diagnostic>();
  });
}

void OptionParser::Values(std::string_view name, std::string_view value,
                          std::vector<std::string>& texts, std::string_view help) {
  impl_->Take(name, value, help, [&texts](const std::string& given) {
    texts.push_back(given);
    return std::optional<Diagnostic>();
  });
}

void OptionParser::List(std::string_view name, std::string_view value,
                        std::vector<std::string>& texts, std::string_view help) {
  impl_->Take(name, value, help, [&texts, option = std::string(name)](const std::string& given) {
    return AddParts(option, given, Split(given, ','), texts);
  });
}

void OptionParser::FileList(std::string_view name, std::string_view value,
                            std::vector<std::string>& texts, std::string_view help) {
  impl_->Take(name, value, help, [&texts, option = std::string(name)](const std::string& given) {
    return AddParts(option, given, SplitAroundFiles(given), texts);
  });
}

void OptionParser::Duration(std::string_view name, std::optional<int64_t>& nanoseconds,
                            std::string_view help) {
  impl_->TakeOnce(
      name, "DURATION", help, [&nanoseconds, option = std::string(name)](const std::string& given) {
        nanoseconds = ParseDurationNanoseconds(given);
        if (nanoseconds && *nanoseconds > 0) return std::optional<Diagnostic>();
        return std::optional(BadValue(option, given, "a duration such as 500ms, 10s or 5m"));
      });
}

void OptionParser::Count(std::string_view name, std::optional<int64_t>& count,
                         std::string_view help) {
  impl_->TakeOnce(name, "N", help, [&count, option = std::string(name)](const std::string& given) {
    const std::optional<uint64_t> number = ParseUnsigned(given);
    if (!number || *number == 0 || *number > 1'000'000'000)
      return std::optional(BadValue(option, given, "a number from 1 to 1000000000"));
    count = static_cast<int64_t>(*number);
    return std::optional<Diagnostic>();
  });
}

void OptionParser::Choice(std::string_view name, std::vector<std::string> choices,
                          std::string& choice, std::string_view help) {
  const std::string value = Join(choices, "|");
  impl_->TakeOnce(
      name, value, help, [&choice, choices, option = std::string(name)](const std::string& given) {
        choice = given;
        if (std::find(choices.begin(), choices.end(), given) != choices.end())
          return std::optional<Diagnostic>();
        Diagnostic bad = UsageError("option " + option + ": unknown value '" + given + "'",
                                    DidYouMean(given, choices));
        if (bad.hint.empty()) bad.hint = "one of " + Join(choices, ", ");
        return std::optional(bad);
      });
}

void OptionParser::Positionals(std::string_view name, std::vector<std::string>& texts,
                               std::string_view help) {
  impl_->app.add_option(std::string(name), texts, std::string(help))->type_name("");
}

void OptionParser::Later(std::string_view name) {
  impl_->Take(name, "VALUE", "", [option = std::string(name)](const std::string&) {
    return std::optional(UsageError("option " + option + " is not available yet",
                                    "it comes with a later release; run without it"));
  });
  impl_->app.get_option(std::string(name))->group("");  // not in the help
}

std::optional<int> OptionParser::Parse(const Arguments& arguments) {
  try {
    impl_->app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    Print(impl_->app.help());
    return kExitPass;
  } catch (const CLI::ExtrasError&) {
    return Fail(impl_->error ? *impl_->error : impl_->Unknown(impl_->app.remaining()));
  } catch (const CLI::ParseError& error) {
    return Fail(UsageError(error.what(), "'trireme " + impl_->name + " --help' shows the usage"));
  }
  if (impl_->error) return Fail(*impl_->error);
  return std::nullopt;
}

}  // namespace trireme
