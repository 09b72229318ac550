#include "harness/cli/saved_run.h"

#include <gtest/gtest.h>

#include "harness/base/file.h"

namespace trireme {
namespace {

TEST(ListTrialsTest, OrdersByCellAndNumberAndLeavesOutTheRest) {
  const TemporaryDirectory run;
  for (const char* folder : {"a/10", "a/2", "a/2.retry", "b/0", "a/notes", "a/0x1"})
    ASSERT_TRUE(MakeDirectories(run.path() + "/trials/" + folder).ok());
  ASSERT_TRUE(WriteFile(run.path() + "/trials/a/2/history.ring", "").ok());
  std::vector<std::string> found;
  for (const SavedTrial& trial : ListTrials(run.path()))
    found.push_back(trial.cell + " " + std::to_string(trial.trial) + (trial.retry ? " again" : "") +
                    " " + BaseName(trial.history));
  EXPECT_EQ(found, (std::vector<std::string>{"a 2 history.ring", "a 2 again ", "a 10 ", "b 0 "}));
}

TEST(ReadResultsTest, SaysWhatIsMissingInAFolder) {
  const TemporaryDirectory folder;
  const Result<RunResults> results = ReadResults(folder.path());
  ASSERT_FALSE(results.ok());
  EXPECT_EQ(results.error().message,
            folder.path() + " is no run: it has neither results.json nor plan.json");
}

TEST(ReadResultsTest, NotesWhereTheFileIsDamaged) {
  const TemporaryDirectory folder;
  const std::string file = folder.path() + "/results.json";
  ASSERT_TRUE(
      WriteFile(file,
                R"({"schema": "trireme.results/1", "cells": [{"id": "x", "verdict": "pass"}, {"id)")
          .ok());
  const Result<RunResults> results = ReadResults(folder.path());
  ASSERT_TRUE(results.ok());
  EXPECT_EQ(results->cells.size(), 2U);
  EXPECT_EQ(results->cells[1].state, CellState::kUnknown);
  EXPECT_TRUE(results->notes.back().starts_with(file + " is damaged at byte "))
      << results->notes.back();
}

}  // namespace
}  // namespace trireme
