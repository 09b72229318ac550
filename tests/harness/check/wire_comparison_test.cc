#include "harness/check/wire_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/harness/check/fault_trial.h"

namespace trireme {
namespace {

using Trials = std::map<int64_t, Streams>;

// Each trial's client writes one of these texts, whole.
Trials Written(const std::vector<std::string>& texts) {
  Trials trials;
  for (const std::string& text : texts) {
    FaultTrial trial = FaultTrial().Open(1).Wire(1, "client write", text);
    trials.emplace(static_cast<int64_t>(trials.size()), ReadStreams(trial.View()));
  }
  return trials;
}

WireComparison Compare(WireRule rule, const Trials& here, const Trials& there,
                       bool per_trial = false) {
  return CompareWire(rule, here, {.trials = there, .name = "eventlet/3.11", .per_trial = per_trial},
                     "tests/example");
}

TEST(CompareWireTest, AcceptsOtherSegments) {
  FaultTrial cut =
      FaultTrial().Open(1).Wire(1, "client write", "he").Wire(1, "client write", "llo", 11);
  const Trials here = {{0, ReadStreams(cut.View())}};
  EXPECT_EQ(Compare(WireRule::kExact, here, Written({"hello", "hello"})).verdict, Verdict::kPass);
}

TEST(CompareWireTest, RejectsAnotherByteWithBothSides) {
  const WireComparison comparison =
      Compare(WireRule::kExact, Written({"hallo", "hello"}), Written({"hello", "hello"}));
  EXPECT_EQ(comparison.verdict, Verdict::kFail);
  EXPECT_EQ(
      comparison.reason,
      "client write of 1#0 differs from eventlet/3.11 in byte 1: here \"allo\", there \"ello\"");
  ASSERT_EQ(comparison.differences.size(), 1U);
  EXPECT_EQ(comparison.differences[0].count, 1);
  EXPECT_EQ(GetString(comparison.differences[0].finding.evidence, "hex_here"), "61 6c 6c 6f");
}

TEST(CompareWireTest, RejectsAStreamThatEndsSooner) {
  EXPECT_EQ(Compare(WireRule::kExact, Written({"hell"}), Written({"hello", "hello"})).verdict,
            Verdict::kFail);
}

TEST(CompareWireTest, MasksWhatTheReferenceItselfVaries) {
  const Trials there = Written({"id=1;ok", "id=2;ok"});
  const WireComparison same = Compare(WireRule::kExact, Written({"id=7;ok"}), there);
  EXPECT_EQ(same.verdict, Verdict::kPass) << same.reason;
  EXPECT_EQ(same.masked, 1);
  EXPECT_EQ(Compare(WireRule::kExact, Written({"id=7;no"}), there).verdict, Verdict::kFail);
}

TEST(CompareWireTest, MasksTheWholeWordThatTheReferenceVaries) {
  const Trials there = Written({"id=4a7;ok", "id=4b7;ok"});
  EXPECT_EQ(Compare(WireRule::kExact, Written({"id=9c2;ok"}), there).verdict, Verdict::kPass);
  EXPECT_EQ(Compare(WireRule::kExact, Written({"ip=9c2;ok"}), there).verdict, Verdict::kFail);
  EXPECT_EQ(Compare(WireRule::kExact, Written({"id=9c2;oh"}), there).verdict, Verdict::kFail);
}

TEST(CompareWireTest, MasksDatesThatTheReferenceDidNotVary) {
  const std::string there = "a\nDate: Fri, 27 Nov 2026 02:06:31 GMT\nb\n";
  const std::string later = "a\nDate: Sat, 28 Nov 2026 00:00:00 GMT\nb\n";
  const std::string other = "a\nDate: Sat, 28-Nov-2026 00:00:00 GMT\nb\n";
  for (const WireRule rule : {WireRule::kExact, WireRule::kLines}) {
    EXPECT_EQ(Compare(rule, Written({later}), Written({there, there})).verdict, Verdict::kPass);
    EXPECT_EQ(Compare(rule, Written({other}), Written({there, there})).verdict, Verdict::kFail);
  }
}

TEST(CompareWireTest, NeedsTwoTrialsOfTheReference) {
  EXPECT_EQ(Compare(WireRule::kExact, Written({"a"}), Written({"a"})).verdict, Verdict::kUnknown);
  EXPECT_EQ(Compare(WireRule::kExact, Written({"a"}), Written({"a"}), true).verdict,
            Verdict::kPass);
}

TEST(CompareWireTest, ComparesEachTrialWithItsCounterpart) {
  EXPECT_EQ(Compare(WireRule::kExact, Written({"a", "b"}), Written({"a", "b"}), true).verdict,
            Verdict::kPass);
  EXPECT_EQ(Compare(WireRule::kExact, Written({"b", "a"}), Written({"a", "b"}), true).verdict,
            Verdict::kFail);
}

// By faults that are drawn by each trial's seed.
WireComparison CompareUnderFaults(WireRule rule, const Trials& here, const Trials& there) {
  const WireReference reference = {
      .trials = there, .name = "eventlet/3.11", .per_trial = true, .same_inputs = true};
  return CompareWire(rule, here, reference, "tests/example");
}

TEST(CompareWireTest, MasksWhatTheReferenceVariesUnderFaults) {
  const auto request = [](const std::string& port, const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: 10.0.0.1:" + port + "\r\nContent-Length: 1\r\n\r\n" + body;
  };
  const auto requests = [&](const std::string& port, const std::string& last) {
    return Written({request(port + "1", "a"), request(port + "2", "a"), request(port + "3", "a"),
                    request(port + "4", last)});
  };
  const Trials there = requests("4000", "b");
  const Trials same = requests("5000", "b");
  const Trials other = requests("5000", "a");
  for (const WireRule rule : {WireRule::kHttp, WireRule::kExact}) {
    EXPECT_EQ(CompareUnderFaults(rule, same, there).verdict, Verdict::kPass);
    EXPECT_EQ(CompareUnderFaults(rule, other, there).verdict, Verdict::kFail)
        << "a fault made one another there, and not here";
    EXPECT_EQ(Compare(rule, same, there, /*per_trial=*/true).verdict, Verdict::kFail)
        << "by its inputs, for all that is known";
  }
}

// One of few trials that a fault has hit looks like what varies by itself.
TEST(CompareWireTest, DoubtsWhatFewTrialsVaryUnderFaults) {
  for (const WireRule rule : {WireRule::kLines, WireRule::kExact}) {
    const auto compare = [&](const Trials& here, const Trials& there) {
      return CompareUnderFaults(rule, here, there).verdict;
    };
    const Trials two = Written({"a\n", "b\n"});
    const Trials three = Written({"a\n", "a\n", "b\n"});
    EXPECT_EQ(compare(Written({"a\n", "c\n"}), two), Verdict::kUnknown);
    EXPECT_EQ(compare(Written({"a\n", "a\n", "c\n"}), three), Verdict::kUnknown);
    EXPECT_EQ(compare(two, two), Verdict::kPass);
    EXPECT_EQ(compare(three, three), Verdict::kPass);
    const Trials varied = Written({"1\n", "2\n", "3\n"});
    EXPECT_EQ(compare(Written({"4\n", "5\n", "6\n"}), varied), Verdict::kPass);
  }
  const std::string reason =
      CompareUnderFaults(WireRule::kLines, Written({"a\n", "c\n"}), Written({"a\n", "b\n"})).reason;
  EXPECT_THAT(reason, testing::StartsWith(
                          "wire: client write of 1#0 differs from eventlet/3.11 in line 1, which"));
}

// Nothing else shows what varies by itself there.
TEST(CompareWireTest, MasksPortsWhereTheInputsDiffer) {
  const auto compare = [](const std::string& here, const std::string& there) {
    return Compare(WireRule::kLines, Written({here}), Written({there}), /*per_trial=*/true).verdict;
  };
  EXPECT_EQ(compare("Host: 127.0.0.1:40001\n", "Host: 127.0.0.1:50002\n"), Verdict::kPass);
  EXPECT_EQ(compare("http://[::1]:40001/a\n", "http://[::1]:50002/a\n"), Verdict::kPass);
  EXPECT_EQ(compare("http://[::1]:40001/a\n", "http://[::1]:50002/b\n"), Verdict::kFail);
  EXPECT_EQ(compare("Host: 127.0.0.1\n", "Host: 127.0.0.1:50002\n"), Verdict::kFail);
  EXPECT_EQ(compare("Host: 10.0.0.1:40001\n", "Host: 10.0.0.1:50002\n"), Verdict::kFail);
}

TEST(CompareWireTest, MasksWholeLines) {
  const Trials there = Written({"a\n1\nb\n", "a\n22\nb\n"});
  EXPECT_EQ(Compare(WireRule::kLines, Written({"a\n333\nb\n"}), there).verdict, Verdict::kPass);
  const WireComparison other = Compare(WireRule::kLines, Written({"a\n333\nc\n"}), there);
  EXPECT_EQ(
      other.reason,
      "client write of 1#0 differs from eventlet/3.11 in line 3: here \"c\\n\", there \"b\\n\"");
}

TEST(CompareWireTest, RejectsOneLineMore) {
  EXPECT_EQ(Compare(WireRule::kLines, Written({"a\nb\n"}), Written({"a\n", "a\n"})).reason,
            "client write of 1#0 differs from eventlet/3.11 in line 2: here \"b\\n\", there \"\"");
}

TEST(CompareWireTest, ReadsHttpWhateverTheOrderTheDateAndTheChunks) {
  const std::string there =
      "HTTP/1.1 200 OK\r\nDate: Mon\r\nServer: a\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
  const std::string here =
      "HTTP/1.1 200 OK\r\nx-a: 1\r\nserver: b\r\ntransfer-encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
  const WireComparison comparison =
      Compare(WireRule::kHttp, Written({here}), Written({there, there}));
  EXPECT_EQ(comparison.verdict, Verdict::kPass) << comparison.reason;
}

TEST(CompareWireTest, RejectsAnotherHeaderOrBodyOfHttp) {
  const auto response = [](const std::string& value, const std::string& body) {
    return "HTTP/1.1 200 OK\r\nX-A: " + value +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  const Trials there = Written({response("1", "hello"), response("1", "hello")});
  EXPECT_EQ(Compare(WireRule::kHttp, Written({response("2", "hello")}), there).reason,
            "client write of 1#0 differs from eventlet/3.11 in message 1 header x-a: here "
            "\"2\\r\\nContent-Length: 5\\r\\n\\r\\nhello\", there \"1\\r\\nContent-Length: "
            "5\\r\\n\\r\\nhello\"");
  EXPECT_EQ(
      Compare(WireRule::kHttp, Written({response("1", "hellO")}), there).reason,
      "client write of 1#0 differs from eventlet/3.11 in message 1 body: here \"O\", there \"o\"");
}

TEST(CompareWireTest, KeepsTheKindOfClose) {
  const auto trials = [](int64_t how, int count) {
    Trials all;
    for (int trial = 0; trial < count; ++trial) {
      FaultTrial one =
          FaultTrial().Open(1).Wire(1, "client read", "a").WireClose(1, "client read", how);
      all.emplace(trial, ReadStreams(one.View()));
    }
    return all;
  };
  EXPECT_EQ(Compare(WireRule::kExact, trials(0, 1), trials(0, 2)).verdict, Verdict::kPass);
  EXPECT_EQ(Compare(WireRule::kExact, trials(104, 1), trials(0, 2)).reason,
            "client read of 1#0 ended with RST here, with FIN on eventlet/3.11");
}

TEST(CompareWireTest, ComparesWhatWasWrittenNotHowMuchOfItWasRead) {
  const auto trials = [](std::string_view read, int count) {
    Trials all;
    for (int trial = 0; trial < count; ++trial) {
      FaultTrial one = FaultTrial().Open(1).Open(1, "server");
      one.Wire(1, "server write", "hello").Wire(1, "client read", read, 20);
      all.emplace(trial, ReadStreams(one.View()));
    }
    return all;
  };
  EXPECT_EQ(Compare(WireRule::kExact, trials("he", 1), trials("hello", 2)).verdict, Verdict::kPass);
}

TEST(CompareWireTest, RejectsAConnectionThatIsMissing) {
  FaultTrial none;
  const Trials here = {{0, ReadStreams(none.View())}};
  EXPECT_EQ(Compare(WireRule::kExact, here, Written({"a", "a"})).reason,
            "client write of 1#0 is missing, but was on eventlet/3.11");
}

// Bytes that moved and were not kept mask nothing.
TEST(CompareWireTest, CannotDecideWhereTheBytesOfOneTrialOfTheReferenceWereNotKept) {
  FaultTrial unkept = FaultTrial().Open(1).Closed(1, 0, 5);
  Trials there = Written({"hello"});
  there.emplace(1, ReadStreams(unkept.View()));
  const WireComparison comparison = Compare(WireRule::kExact, Written({"hallo"}), there);
  EXPECT_EQ(comparison.verdict, Verdict::kUnknown);
  EXPECT_EQ(comparison.reason, "wire: the bytes of client write of 1#0 were not kept");
}

TEST(CompareWireTest, CannotDecideWhereNoTrialHasItsCounterpart) {
  const Trials there = {{1, Written({"hello"}).at(0)}};
  EXPECT_EQ(Compare(WireRule::kExact, Written({"hallo"}), there, /*per_trial=*/true).verdict,
            Verdict::kUnknown);
  EXPECT_EQ(Compare(WireRule::kExact, Written({"hello", "hello"}), there, true).verdict,
            Verdict::kPass);
}

TEST(CompareWireTest, CannotDecideWithoutConnections) {
  EXPECT_EQ(Compare(WireRule::kExact, {{0, {}}}, {{0, {}}, {1, {}}}).reason,
            "wire: no bytes of connections were recorded");
}

TEST(SplitStreamTest, TakesWhatIsNoHttpAsItIs) {
  const auto fields = SplitStream("GET / HTTP/1.1\r\nA: b\r\n\r\n\x16\x03garbage", WireRule::kHttp);
  EXPECT_EQ(fields.at("message 000001 header a").value, "b");
  EXPECT_EQ(fields.at("message 000002 rest").value, "\x16\x03garbage");
}

}  // namespace
}  // namespace trireme
