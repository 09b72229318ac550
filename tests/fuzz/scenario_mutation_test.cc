// The fuzz target under mutations with a fixed seed, so that every build runs it; scenario_fuzz
// goes on from there.
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "harness/base/file.h"
#include "harness/base/rng.h"
#include "tests/fuzz/scenario_target.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

constexpr std::string_view kFragments[] = {"[",
                                           "]",
                                           "{",
                                           "}",
                                           ":",
                                           ": ",
                                           ",",
                                           "\n",
                                           "- ",
                                           "? ",
                                           "'",
                                           "\"",
                                           "|\n",
                                           ">\n",
                                           "&a ",
                                           "*a",
                                           "!!str ",
                                           "#",
                                           "---\n",
                                           "...\n",
                                           "%YAML ",
                                           "\t",
                                           "\r\n",
                                           "\xFF",
                                           "\x01",
                                           "<<: *a\n",
                                           "~",
                                           "null",
                                           "true",
                                           "-1",
                                           "1e999",
                                           ".inf",
                                           ".nan",
                                           "0x",
                                           "0..1",
                                           "400d",
                                           "9223372036854775808",
                                           "none",
                                           "eventlet",
                                           "thread/3.11",
                                           "*",
                                           "[a-",
                                           "unknown",
                                           "version:",
                                           "  a: 1",
                                           "roles:",
                                           "expect:\n",
                                           "matrix: ",
                                           "checks",
                                           "tolerance:",
                                           "rate: ",
                                           "\\x",
                                           "\\",
                                           "\xC3\xA9"};

std::string_view AnyFragment(Rng& rng) { return kFragments[rng.Below(std::size(kFragments))]; }

// Puts fragments in, takes stretches out, repeats them elsewhere, flips bits: a few at once.
std::string Mutate(std::string text, Rng& rng) {
  for (uint64_t count = 1 + rng.Below(4); count > 0; --count) {
    const size_t at = rng.Below(text.size() + 1);
    const size_t length = std::min<size_t>(rng.Below(24), text.size() - at);
    switch (rng.Below(5)) {
      case 0:
        text.insert(at, AnyFragment(rng));
        break;
      case 1:
        text.replace(at, length, AnyFragment(rng));
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(rng.Below(text.size() + 1), text.substr(at, length));
        break;
      case 4:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << rng.Below(8)));
        break;
    }
  }
  return text;
}

std::vector<std::string> Corpus() {
  std::vector<std::string> texts;
  for (const std::string& name : ListDirectory(TRIREME_CORPUS_FOLDER)) {
    Result<std::string> text = ReadFile(JoinPath(TRIREME_CORPUS_FOLDER, name));
    if (text.ok()) texts.push_back(*std::move(text));
  }
  return texts;
}

TEST(ScenarioMutationTest, ReadsAnyScenario) {
  const std::vector<std::string> corpus = Corpus();
  ASSERT_FALSE(corpus.empty());
  Rng rng(1);
  for (int i = 0; i < Rounds(6000); ++i)
    ReadAnyScenario(Mutate(corpus[rng.Below(corpus.size())], rng));
}

TEST(ScenarioMutationTest, ReadsEveryPrefix) {
  for (const std::string& text : Corpus())
    for (size_t size = 0; size <= text.size(); size += 1 + text.size() / Rounds(10'000))
      ReadAnyScenario(text.substr(0, size));
}

}  // namespace
}  // namespace trireme
