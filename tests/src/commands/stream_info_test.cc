#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

class StreamInfoTest : public CommandFixture {
 protected:
  // A reply as words without the sizes of its strings: "*2 name g".
  std::string Words(std::string_view line) {
    const std::string reply = Run(line);
    std::string text;
    for (size_t at = 0; at < reply.size();) {
      const size_t end = reply.find("\r\n", at);
      const bool is_size = reply[at] == '$' && reply[at + 1] != '-';
      if (!is_size) text += (text.empty() ? "" : " ") + reply.substr(at, end - at);
      at = end + 2;
    }
    return text;
  }
  std::string NowMs(int64_t less_ms = 0) { return std::to_string(clock_.WallMs() - less_ms); }
};

TEST_F(StreamInfoTest, AStreamIsDescribed) {
  EXPECT_EQ(Run("XINFO STREAM s"), "-ERR no such key\r\n");
  Run("XADD s 1-1 a 1");
  Run("XADD s 2-1 a 2");
  Run("XADD s 3-1 a 3");
  Run("XDEL s 2-1");
  Run("XGROUP CREATE s g $");
  EXPECT_EQ(Words("XINFO STREAM s"),
            "*20 length :2 radix-tree-keys :1 radix-tree-nodes :2 last-generated-id 3-1 "
            "max-deleted-entry-id 2-1 entries-added :3 recorded-first-entry-id 1-1 groups :1 "
            "first-entry *2 1-1 *2 a 1 last-entry *2 3-1 *2 a 3");
  Run("XTRIM s MAXLEN 0");
  protocol_ = 3;
  EXPECT_EQ(Words("XINFO STREAM s"),
            "%10 length :0 radix-tree-keys :0 radix-tree-nodes :1 last-generated-id 3-1 "
            "max-deleted-entry-id 2-1 entries-added :3 recorded-first-entry-id 0-0 groups :1 "
            "first-entry _ last-entry _");
}

TEST_F(StreamInfoTest, FullShowsEntriesGroupsAndConsumers) {
  for (const char* id : {"1-0", "2-0", "3-0"}) RunWords({"XADD", "s", id, "a", "1"});
  Run("XGROUP CREATE s g 0");
  Run("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
  clock_.AdvanceMs(7);
  Run("XREADGROUP GROUP g d STREAMS s 0");
  const std::string then = NowMs(7), now = NowMs();
  EXPECT_EQ(Words("XINFO STREAM s FULL COUNT 1"),
            "*18 length :3 radix-tree-keys :1 radix-tree-nodes :2 last-generated-id 3-0 "
            "max-deleted-entry-id 0-0 entries-added :3 recorded-first-entry-id 1-0 "
            "entries *1 *2 1-0 *2 a 1 groups *1 *14 name g last-delivered-id 2-0 entries-read :2 "
            "lag :1 pel-count :2 pending *1 *4 1-0 c :" +
                then + " :1 consumers *2 *10 name c seen-time :" + then + " active-time :" + then +
                " pel-count :2 pending *1 *3 1-0 :" + then + " :1 *10 name d seen-time :" + now +
                " active-time :-1 pel-count :0 pending *0");
  EXPECT_EQ(Run("XINFO STREAM s NOPE"),
            "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO "
            "HELP.\r\n");
}

TEST_F(StreamInfoTest, FullShowsTenUnlessTold) {
  for (int ms = 1; ms <= 12; ++ms) RunWords({"XADD", "s", std::to_string(ms), "a", "1"});
  EXPECT_NE(Words("XINFO STREAM s FULL").find("entries *10 "), std::string::npos);
  EXPECT_NE(Words("XINFO STREAM s FULL COUNT -1").find("entries *10 "), std::string::npos);
  EXPECT_NE(Words("XINFO STREAM s FULL COUNT 0").find("entries *12 "), std::string::npos);
}

TEST_F(StreamInfoTest, ConsumersTellWhenTheyWereSeenAndActive) {
  Run("XADD s 1-0 a 1");
  Run("XGROUP CREATE s g 0");
  Run("XGROUP CREATECONSUMER s g never");
  Run("XREADGROUP GROUP g c STREAMS s >");
  clock_.AdvanceMs(20);
  Run("XREADGROUP GROUP g c STREAMS s >");
  clock_.AdvanceMs(5);
  Reopen();
  EXPECT_EQ(Words("XINFO CONSUMERS s g"),
            "*2 *8 name c pending :1 idle :5 inactive :25 *8 name never pending :0 idle :25 "
            "inactive :-1");
  EXPECT_EQ(Words("XINFO GROUPS s"),
            "*1 *12 name g consumers :2 pending :1 last-delivered-id 1-0 entries-read :1 lag :0");
  EXPECT_EQ(Run("XINFO CONSUMERS s none"),
            "-NOGROUP No such consumer group 'none' for key name 's'\r\n");
}

TEST_F(StreamInfoTest, HelpNamesTheSubcommands) {
  EXPECT_EQ(Run("XINFO HELP").substr(0, 5), "*9\r\n+");
  EXPECT_EQ(Run("XGROUP HELP").substr(0, 6), "*17\r\n+");
}

}  // namespace
}  // namespace hearth
