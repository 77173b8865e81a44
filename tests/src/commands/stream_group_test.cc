#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kOk[] = "+OK\r\n";
constexpr char kNullArray[] = "*-1\r\n";
constexpr char kNoGroup[] = "-NOGROUP No such key 's' or consumer group 'none'\r\n";

class StreamGroupTest : public CommandFixture {
 protected:
  void SetUp() override {
    CommandFixture::SetUp();
    for (const char* id : {"1-0", "2-0", "3-0", "4-0"}) RunWords({"XADD", "s", id, "f", "v"});
    EXPECT_EQ(Run("XGROUP CREATE s g 0"), kOk);
  }
  // The ids of entries in a reply, in their order.
  std::string Ids(std::string_view line) {
    const std::string reply = Run(line);
    std::string ids;
    for (size_t at = 0; (at = reply.find("-0\r\n", at)) != std::string::npos; at += 4) {
      const size_t from = reply.rfind('\n', at) + 1;
      ids += (ids.empty() ? "" : " ") + reply.substr(from, at + 2 - from);
    }
    return ids;
  }
  // "entries-read lag" of the first group, as XINFO GROUPS has them.
  std::string Progress() {
    const std::string reply = Run("XINFO GROUPS s");
    const auto value = [&](std::string_view name) {
      const size_t from = reply.find("\r\n", reply.find(name)) + 2;
      return reply.substr(from, reply.find("\r\n", from) - from);
    };
    return value("entries-read") + " " + value("lag");
  }
};

TEST_F(StreamGroupTest, NewEntriesBecomePendingUntilAcknowledged) {
  EXPECT_EQ(Ids("XREADGROUP GROUP g alice COUNT 2 STREAMS s >"), "1-0 2-0");
  EXPECT_EQ(Ids("XREADGROUP GROUP g bob STREAMS s >"), "3-0 4-0");
  EXPECT_EQ(Run("XREADGROUP GROUP g bob STREAMS s >"), kNullArray);
  EXPECT_EQ(Run("XPENDING s g"), "*4\r\n:4\r\n" + Bulk("1-0") + Bulk("4-0") + "*2\r\n" +
                                     Bulks({"alice", "2"}) + Bulks({"bob", "2"}));
  EXPECT_EQ(Run("XACK s g 1-0 1-0 9"), ":1\r\n");
  Reopen();
  EXPECT_EQ(Ids("XREADGROUP GROUP g alice STREAMS s 0"), "2-0");
  EXPECT_EQ(Run("XREADGROUP GROUP g alice STREAMS s 2-0"), "*1\r\n*2\r\n" + Bulk("s") + "*0\r\n");
  EXPECT_EQ(Refused("XACK none g 1"), ":0\r\n");
  EXPECT_EQ(Refused("XACK s none 1"), ":0\r\n");
  EXPECT_EQ(Refused("XACK s g x"),
            "-ERR Invalid stream ID specified as stream command argument\r\n");
}

TEST_F(StreamGroupTest, TheHistoryShowsEntriesThatAreGone) {
  Run("XREADGROUP GROUP g alice COUNT 2 STREAMS s >");
  Run("XDEL s 1-0");
  EXPECT_EQ(Run("XREADGROUP GROUP g alice STREAMS s 0"),
            "*1\r\n*2\r\n" + Bulk("s") + "*2\r\n*2\r\n" + Bulk("1-0") + kNullArray + "*2\r\n" +
                Bulk("2-0") + Bulks({"f", "v"}));
}

TEST_F(StreamGroupTest, AKeyNamedTwiceIsReadOn) {
  EXPECT_EQ(Ids("XREADGROUP GROUP g c COUNT 3 STREAMS s s > >"), "1-0 2-0 3-0 4-0");
  Run("XADD s 5-0 f v");
  EXPECT_EQ(Run("XREADGROUP GROUP g c STREAMS s s > >"),
            "*1\r\n*2\r\n" + Bulk("s") + "*1\r\n*2\r\n" + Bulk("5-0") + Bulks({"f", "v"}));
}

TEST_F(StreamGroupTest, NoAckLeavesNothingPending) {
  EXPECT_EQ(Ids("XREADGROUP GROUP g c NOACK STREAMS s >"), "1-0 2-0 3-0 4-0");
  EXPECT_EQ(Run("XPENDING s g"), std::string("*4\r\n:0\r\n$-1\r\n$-1\r\n") + kNullArray);
  Reopen();
  EXPECT_EQ(Run("XREADGROUP GROUP g c STREAMS s >"), kNullArray);
}

TEST_F(StreamGroupTest, ReadGroupRefusesWhatHasNoMeaning) {
  EXPECT_EQ(
      Refused("XREADGROUP GROUP none c STREAMS s >"),
      "-NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option\r\n");
  EXPECT_EQ(Refused("XREADGROUP COUNT 1 NOACK STREAMS s >"),
            "-ERR Missing GROUP option for XREADGROUP\r\n");
  EXPECT_EQ(Refused("XREADGROUP GROUP g c STREAMS s t >"),
            "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must "
            "be specified.\r\n");
  EXPECT_EQ(Refused("XREADGROUP GROUP g c STREAMS s $").substr(0, 80),
            "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the ");
}

TEST_F(StreamGroupTest, GroupsAreMadeSetAndDestroyed) {
  EXPECT_EQ(Refused("XGROUP CREATE s g 0"), "-BUSYGROUP Consumer Group name already exists\r\n");
  EXPECT_EQ(Refused("XGROUP CREATE none g 0").substr(0, 52),
            "-ERR The XGROUP subcommand requires the key to exist");
  EXPECT_EQ(Run("XGROUP CREATE new g $ MKSTREAM ENTRIESREAD 3"), kOk);
  EXPECT_EQ(Run("XLEN new"), ":0\r\n");
  EXPECT_EQ(Run("XGROUP CREATE s full 0 ENTRIESREAD 9223372036854775807"), kOk);
  EXPECT_NE(Run("XREADGROUP GROUP full c STREAMS s >"), "*-1\r\n");
  EXPECT_EQ(Run("XGROUP DESTROY s full"), ":1\r\n");
  EXPECT_EQ(Refused("XGROUP CREATE s h 0 ENTRIESREAD -2"),
            "-ERR value for ENTRIESREAD must be positive or -1\r\n");
  EXPECT_EQ(Refused("XGROUP CREATE s h 0 NOPE"),
            "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP "
            "HELP.\r\n");
  EXPECT_EQ(Run("XGROUP SETID s g 3-0"), kOk);
  EXPECT_EQ(Ids("XREADGROUP GROUP g c STREAMS s >"), "4-0");
  EXPECT_EQ(Refused("XGROUP SETID s none 0"),
            "-NOGROUP No such consumer group 'none' for key name 's'\r\n");
  EXPECT_EQ(Run("XGROUP DESTROY s g"), ":1\r\n");
  EXPECT_EQ(Refused("XGROUP DESTROY s g"), ":0\r\n");
  Reopen();
  EXPECT_EQ(Run("XINFO GROUPS s"), "*0\r\n");
}

TEST_F(StreamGroupTest, ConsumersAreMadeAndGoWithWhatTheyHold) {
  EXPECT_EQ(Run("XGROUP CREATECONSUMER s g alice"), ":1\r\n");
  EXPECT_EQ(Refused("XGROUP CREATECONSUMER s g alice"), ":0\r\n");
  Run("XREADGROUP GROUP g alice STREAMS s >");
  EXPECT_EQ(Run("XGROUP DELCONSUMER s g alice"), ":4\r\n");
  EXPECT_EQ(Refused("XGROUP DELCONSUMER s g alice"), ":0\r\n");
  Reopen();
  EXPECT_EQ(Run("XPENDING s g - + 10"), "*0\r\n");
}

TEST_F(StreamGroupTest, XPendingChoosesByRangeIdleTimeAndConsumer) {
  Run("XREADGROUP GROUP g alice COUNT 2 STREAMS s >");
  clock_.AdvanceMs(50);
  Run("XREADGROUP GROUP g bob COUNT 1 STREAMS s >");
  clock_.AdvanceMs(5);
  const std::string first = "*4\r\n" + Bulk("1-0") + Bulk("alice") + ":55\r\n:1\r\n";
  EXPECT_EQ(Refused("XPENDING s g - + 1"), "*1\r\n" + first);
  EXPECT_EQ(Refused("XPENDING s g IDLE 10 - + 10 alice"),
            "*2\r\n" + first + "*4\r\n" + Bulk("2-0") + Bulk("alice") + ":55\r\n:1\r\n");
  EXPECT_EQ(Ids("XPENDING s g IDLE 10 - + 10"), "1-0 2-0");
  EXPECT_EQ(Ids("XPENDING s g (1-0 + 10"), "2-0 3-0");
  EXPECT_EQ(Ids("XPENDING s g - + 10 bob"), "3-0");
  EXPECT_EQ(Refused("XPENDING s g - + 10 nobody"), "*0\r\n");
  EXPECT_EQ(Refused("XPENDING s g - +"), "-ERR syntax error\r\n");
  EXPECT_EQ(Refused("XPENDING s none"), kNoGroup);
}

TEST_F(StreamGroupTest, XClaimTakesOverWhatIsIdle) {
  Run("XREADGROUP GROUP g alice COUNT 2 STREAMS s >");
  clock_.AdvanceMs(100);
  EXPECT_EQ(Run("XCLAIM s g bob 200 1-0"), "*0\r\n");
  EXPECT_EQ(Run("XCLAIM s g bob 100 1-0 4-0"), "*1\r\n*2\r\n" + Bulk("1-0") + Bulks({"f", "v"}));
  EXPECT_EQ(Run("XCLAIM s g bob 0 2-0 IDLE 30 RETRYCOUNT 7 JUSTID"), Bulks({"2-0"}));
  EXPECT_EQ(Run("XCLAIM s g bob 0 4-0 FORCE JUSTID LASTID 3-0"), Bulks({"4-0"}));
  Reopen();
  EXPECT_EQ(Run("XPENDING s g - + 10"),
            "*3\r\n*4\r\n" + Bulk("1-0") + Bulk("bob") + ":0\r\n:2\r\n*4\r\n" + Bulk("2-0") +
                Bulk("bob") + ":30\r\n:7\r\n*4\r\n" + Bulk("4-0") + Bulk("bob") + ":0\r\n:1\r\n");
  EXPECT_EQ(Ids("XREADGROUP GROUP g bob STREAMS s >"), "4-0") << "LASTID";
  Run("XDEL s 1-0");
  EXPECT_EQ(Run("XCLAIM s g alice 0 1-0"), "*0\r\n");
  EXPECT_EQ(Ids("XPENDING s g - + 10"), "2-0 4-0") << "what is gone is pending no more";
  EXPECT_EQ(Refused("XCLAIM s none c 0 1"), kNoGroup);
  EXPECT_EQ(Refused("XCLAIM s g c x 1"), "-ERR Invalid min-idle-time argument for XCLAIM\r\n");
  EXPECT_EQ(Refused("XCLAIM s g c 0 1 NOPE"), "-ERR Unrecognized XCLAIM option 'NOPE'\r\n");
}

TEST_F(StreamGroupTest, XAutoClaimGoesRoundAndTellsWhatIsGone) {
  Run("XREADGROUP GROUP g alice STREAMS s >");
  Run("XDEL s 2-0");
  clock_.AdvanceMs(10);
  EXPECT_EQ(Run("XAUTOCLAIM s g bob 10 - COUNT 2 JUSTID"),
            "*3\r\n" + Bulk("3-0") + Bulks({"1-0"}) + Bulks({"2-0"}));
  EXPECT_EQ(Run("XAUTOCLAIM s g bob 10 3-0 COUNT 1"),
            "*3\r\n" + Bulk("4-0") + "*1\r\n*2\r\n" + Bulk("3-0") + Bulks({"f", "v"}) + "*0\r\n");
  EXPECT_EQ(Run("XAUTOCLAIM s g bob 10 (3-0"),
            "*3\r\n" + Bulk("0-0") + "*1\r\n*2\r\n" + Bulk("4-0") + Bulks({"f", "v"}) + "*0\r\n");
  EXPECT_EQ(Refused("XAUTOCLAIM s none c 0 0"), kNoGroup);
  EXPECT_EQ(Refused("XAUTOCLAIM s g c 0 0 COUNT 0"), "-ERR COUNT must be > 0\r\n");
}

// The rules of Redis 7.4, case by case.
TEST_F(StreamGroupTest, TheLagIsCountedOrGuessedOrUnknown) {
  EXPECT_EQ(Progress(), "$-1 :4") << "nothing was read yet";
  Run("XREADGROUP GROUP g c COUNT 1 STREAMS s >");
  EXPECT_EQ(Progress(), ":1 :3");
  Run("XDEL s 3-0");
  EXPECT_EQ(Progress(), ":1 $-1") << "a hole ahead";
  Run("XREADGROUP GROUP g c STREAMS s >");
  EXPECT_EQ(Progress(), ":4 :0") << "the last entry's place is known";
  Run("XADD s 5-0 f v");
  EXPECT_EQ(Progress(), ":4 :1");
  Run("XGROUP SETID s g 4-0");
  EXPECT_EQ(Progress(), "$-1 $-1") << "somewhere in the middle";
  Run("XGROUP SETID s g 1-0");
  Run("XTRIM s MINID 5");
  EXPECT_EQ(Progress(), "$-1 :1") << "all that is left";
  Run("XTRIM s MAXLEN 0");
  EXPECT_EQ(Progress(), "$-1 :0");
}

}  // namespace
}  // namespace hearth
