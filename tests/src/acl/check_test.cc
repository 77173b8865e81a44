// What a user may run, call by call.
#include "src/acl/check.h"

#include <gtest/gtest.h>

#include "src/redis_text.h"

namespace hearth {
namespace {

class AclCheckTest : public testing::Test {
 protected:
  void Apply(const std::vector<std::string>& words) {
    for (const std::string& word : words) ASSERT_EQ(user_.Apply(word, context_), "") << word;
  }
  // "ok", or the refusal in DRYRUN's words.
  std::string Check(const std::string& line) {
    const std::vector<std::string> words = *SplitWords(line);
    const std::vector<std::string_view> args(words.begin(), words.end());
    const CommandTable::Found found = commands_.Resolve(args);
    const AclVerdict verdict = CheckAcl(user_, *found.command, found.index, args);
    if (verdict.allowed()) {
      const auto unnamed = DeniedUnnamedKeys(user_, *found.command, found.index, args);
      return unnamed.empty() ? "ok" : std::string(unnamed);
    }
    return AclDenialText(verdict, user_, *found.command, args, /*verbose=*/true);
  }

  static constexpr char kSet[] = "User u has no permissions to run the 'set' command";
  static std::string Key(const std::string& key) {
    return "User u has no permissions to access the '" + key + "' key";
  }
  static std::string Channel(const std::string& channel) {
    return "User u has no permissions to access the '" + channel + "' channel";
  }

  CommandTable commands_;
  AclContext context_{commands_};
  AclUser user_{"u", 1, context_};
};

TEST_F(AclCheckTest, KeysNeedTheAccessThatTheCommandTakes) {
  Apply({"+@all", "%R~r*", "%W~w*", "~a*"});
  EXPECT_EQ(Check("get r1"), "ok");
  EXPECT_EQ(Check("get w1"), Key("w1"));
  EXPECT_EQ(Check("set w1 v"), "ok");
  EXPECT_EQ(Check("set w1 v GET"), Key("w1"));
  EXPECT_EQ(Check("set r1 v"), Key("r1"));
  EXPECT_EQ(Check("copy r1 w1"), "ok");
  EXPECT_EQ(Check("copy a1 r1"), Key("r1"));
  EXPECT_EQ(Check("mget r1 a1 x"), Key("x"));
  EXPECT_EQ(Check("bitfield r1 GET u8 0"), "ok");
  EXPECT_EQ(Check("bitfield r1 SET u8 0 1"), Key("r1"));
  EXPECT_EQ(Check("getdel a1"), "ok");
  EXPECT_EQ(Check("getdel w1"), Key("w1"));
}

// A read and a write pattern that both match do not add up to both.
TEST_F(AclCheckTest, OnePatternMustGiveAllOfTheAccess) {
  Apply({"+@all", "%R~x*", "%W~*1"});
  EXPECT_EQ(Check("getset x1 v"), Key("x1"));
}

// The advisory: a command that one selector allows, on keys that only another one does.
TEST_F(AclCheckTest, SelectorsAreNotMixed) {
  Apply({"+get", "~a*", "(+set ~b*)"});
  EXPECT_EQ(Check("get a1"), "ok");
  EXPECT_EQ(Check("set b1 v"), "ok");
  EXPECT_EQ(Check("set a1 v"), Key("a1"));
  EXPECT_EQ(Check("get b1"), Key("b1"));
  EXPECT_EQ(Check("del b1"), "User u has no permissions to run the 'del' command");
}

TEST_F(AclCheckTest, OfSeveralRefusalsTheFurthestIsTold) {
  Apply({"+mget", "~a", "(+mget ~a ~b)", "(+get ~*)"});
  EXPECT_EQ(Check("mget a b c"), Key("c"));
}

TEST_F(AclCheckTest, ChannelsMatchAndPatternsMustBeNamed) {
  Apply({"+@all", "~*", "&news.*"});
  EXPECT_EQ(Check("subscribe news.a"), "ok");
  EXPECT_EQ(Check("subscribe news.a other"), Channel("other"));
  EXPECT_EQ(Check("ssubscribe other"), Channel("other"));
  EXPECT_EQ(Check("publish other m"), Channel("other"));
  EXPECT_EQ(Check("spublish news.b m"), "ok");
  EXPECT_EQ(Check("psubscribe news.*"), "ok");
  EXPECT_EQ(Check("psubscribe news.a*"), Channel("news.a*"));
  EXPECT_EQ(Check("unsubscribe other"), "ok");
}

TEST_F(AclCheckTest, ShardChannelsAreNoKeys) {
  Apply({"+@all", "~a", "&*"});
  EXPECT_EQ(Check("ssubscribe other"), "ok");
}

TEST_F(AclCheckTest, CommandsWithoutAuthenticationAreFree) {
  EXPECT_EQ(Check("auth x"), "ok");
  EXPECT_EQ(Check("hello"), "ok");
  EXPECT_EQ(Check("set a b"), kSet);
}

TEST_F(AclCheckTest, SortReadsForeignKeysOnlyWithAllOfThem) {
  constexpr char kBy[] = "ERR BY option of SORT denied due to insufficient ACL permissions.";
  constexpr char kGet[] = "ERR GET option of SORT denied due to insufficient ACL permissions.";
  Apply({"+@all", "~l", "(+sort ~l %W~*)"});
  EXPECT_EQ(Check("sort l by w_*"), kBy);
  EXPECT_EQ(Check("sort_ro l by w_*"), kBy);
  EXPECT_EQ(Check("sort l by nothing"), "ok");
  EXPECT_EQ(Check("sort l get #"), kGet);
  EXPECT_EQ(Check("sort l limit 0 1 get x"), kGet);
  EXPECT_EQ(Check("sort l limit a b get x"), "ok");  // it will answer another error
  Apply({"(+sort %R~*)"});
  EXPECT_EQ(Check("sort l by w_*"), "ok");
  EXPECT_EQ(Check("sort_ro l by w_*"), kBy);
}

}  // namespace
}  // namespace hearth
