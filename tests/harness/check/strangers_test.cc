#include "harness/check/strangers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "harness/check/judge.h"
#include "tests/harness/check/trial_builder.h"

namespace trireme {
namespace {

constexpr const char* kOwn = "127.0.0.1:4000";
constexpr const char* kPeer = "127.0.0.1:5001";

// A trial that observed something, by the ends of its connections.
class StrangersTrial : public TrialBuilder {
 public:
  StrangersTrial() { Observe("x", 1); }

  StrangersTrial& Connected(uint64_t number, const std::string& to) {
    return Opened(number, "client", "1#" + std::to_string(number), kPeer, to, "tcp");
  }
  StrangersTrial& Accepted(uint64_t number, const std::string& connection,
                           const std::string& kind = "tcp") {
    return Opened(number, "server", connection, kOwn, kPeer, kind);
  }
  StrangersTrial& Read(uint64_t number, int64_t bytes, const std::string& side = "client") {
    Add(EventKind::kConnection, 800, "closed", {{"side", side}, {"read", bytes}, {"written", 1}}, 1,
        number);
    return *this;
  }
  std::string InWords() {
    Finish();
    return StrangersInWords(View());
  }
  TrialJudgement Judged(bool repeated) {
    Finish();
    TrialView view = View();
    view.repeated = repeated;
    return JudgeTrial(view);
  }

 private:
  StrangersTrial& Opened(uint64_t number, const std::string& side, const std::string& connection,
                         const std::string& local, const std::string& peer,
                         const std::string& kind) {
    Add(EventKind::kConnection, 10, "opened",
        {{"connection", connection},
         {"name", connection},
         {"side", side},
         {"kind", kind},
         {"local", local},
         {"peer", peer}},
        1, number);
    return *this;
  }
};

TEST(StrangersTest, NamesTheAddressThatSomebodyFromOutsideCameTo) {
  StrangersTrial trial;
  trial.Connected(1, kOwn).Accepted(1, "1#1").Accepted(2, "outside#0").Accepted(3, "outside#1");
  EXPECT_EQ(trial.InWords(),
            "a process outside of the trial connected to 127.0.0.1:4000 (2 times)");
}

TEST(StrangersTest, KnowsItsOwnConnections) {
  StrangersTrial trial;
  trial.Connected(1, kOwn).Accepted(1, "1#1").Read(1, 7).Read(1, 7, "server");
  EXPECT_EQ(trial.InWords(), "");
}

// Paths and names of the workload's own are nobody else's by chance.
TEST(StrangersTest, LeavesWhatHasNoPortAlone) {
  StrangersTrial trial;
  trial.Accepted(1, "outside#0", "unix");
  EXPECT_EQ(trial.InWords(), "");
}

TEST(StrangersTest, NamesTheAddressWhereSomebodyElseAnswers) {
  StrangersTrial trial;
  trial.Connected(1, kOwn).Accepted(1, "1#1").Read(1, 7).Connected(2, kOwn).Read(2, 7);
  EXPECT_EQ(trial.InWords(),
            "a process outside of the trial answered at 127.0.0.1:4000, which had been the trial's "
            "own");
}

TEST(StrangersTest, AcceptsAConnectionThatNobodyTook) {
  StrangersTrial trial;
  trial.Connected(1, kOwn).Accepted(1, "1#1").Read(1, 7).Connected(2, kOwn).Read(2, 0);
  EXPECT_EQ(trial.InWords(), "");
}

// A database, say.
TEST(StrangersTest, AcceptsAnswersOfAServerThatWasNeverTheTrials) {
  StrangersTrial trial;
  trial.Connected(1, kOwn).Accepted(1, "1#1").Read(1, 7).Connected(2, "127.0.0.1:5432").Read(2, 7);
  EXPECT_EQ(trial.InWords(), "");
}

TEST(StrangersTest, LeavesAWatchedServerAlone) {
  StrangersTrial trial;
  trial.Accepted(1, "outside#0").Cell({{"id", "cell"}, {"scenario", "s"}, {"watched", true}});
  EXPECT_EQ(trial.InWords(), "");
}

TEST(StrangersTest, MakeATrialUnknown) {
  StrangersTrial trial;
  trial.Accepted(1, "outside#0");
  const TrialJudgement judgement = trial.Judged(false);
  EXPECT_EQ(judgement.verdict, Verdict::kUnknown);
  EXPECT_EQ(judgement.reason,
            "a process outside of the trial connected to 127.0.0.1:4000 (1 time), so what was seen "
            "may not be the workload's doing");
}

// Nobody else was there by chance twice: it is a process of the trial that has no probe.
TEST(StrangersTest, BelongToATrialToWhichTheyComeAgain) {
  StrangersTrial trial;
  trial.Accepted(1, "outside#0");
  EXPECT_EQ(trial.Judged(true).verdict, Verdict::kPass);
}

}  // namespace
}  // namespace trireme
