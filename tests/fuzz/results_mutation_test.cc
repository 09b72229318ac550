// The fuzz target under mutations with a fixed seed, so that every build runs it; results_fuzz goes
// on from there. Values change their types here, which a change of bytes hardly ever does.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/rng.h"
#include "tests/fuzz/results_target.h"
#include "tests/testing/sanitizers.h"

namespace trireme {
namespace {

constexpr const char* kValues[] = {"null",
                                   "true",
                                   "0",
                                   "-1",
                                   "1.5",
                                   "-9223372036854775808",
                                   "9223372036854775807",
                                   "18446744073709551615",
                                   "1e308",
                                   "\"\"",
                                   "\"20\"",
                                   "\"a/../b\"",
                                   "\"pass\"",
                                   "\"\\u0000\\ud83d\\ude00\"",
                                   "[]",
                                   "{}",
                                   "[[[]]]",
                                   "[0,-1,\"x\"]",
                                   "{\"cells\":[{}]}"};

std::vector<std::string> Corpus() {
  std::vector<std::string> texts;
  for (const std::string& name : ListDirectory(TRIREME_CORPUS_FOLDER))
    texts.push_back(*ReadFile(JoinPath(TRIREME_CORPUS_FOLDER, name)));
  return texts;
}

// Every value of the document, for one of them to be replaced.
void Collect(Json& value, std::vector<Json*>& all) {
  all.push_back(&value);
  if (!value.is_structured()) return;
  for (Json& child : value) Collect(child, all);
}

std::string WithOtherValues(const std::string& text, Rng& rng) {
  Result<Json> json = ParseJson(text, "corpus");
  if (!json.ok()) return text;
  for (uint64_t count = 1 + rng.Below(3); count > 0; --count) {
    std::vector<Json*> all;
    Collect(*json, all);
    *all[rng.Below(all.size())] = *ParseJson(kValues[rng.Below(std::size(kValues))], "value");
  }
  return DumpJson(*json);
}

std::string WithOtherBytes(std::string text, Rng& rng) {
  for (uint64_t count = 1 + rng.Below(4); count > 0 && !text.empty(); --count) {
    const size_t at = rng.Below(text.size());
    if (rng.Below(4) == 0)
      text.erase(at, rng.Below(24));
    else
      text[at] = "0123456789-{}[]\":,ntf e\xff"[rng.Below(24)];
  }
  return text;
}

TEST(ResultsMutationTest, ReadsAnyShape) {
  Rng rng(1);
  for (const std::string& text : Corpus())
    for (int i = 0; i < Rounds(500); ++i) ReadAnyResults(WithOtherValues(text, rng));
}

TEST(ResultsMutationTest, ReadsAnyBytes) {
  Rng rng(2);
  for (const std::string& text : Corpus())
    for (int i = 0; i < Rounds(300); ++i) ReadAnyResults(WithOtherBytes(text, rng));
}

TEST(ResultsMutationTest, ReadsEveryPrefix) {
  for (const std::string& text : Corpus())
    for (size_t size = 0; size < text.size(); size += 1 + text.size() / Rounds(200))
      ReadAnyResults(text.substr(0, size));
}

}  // namespace
}  // namespace trireme
