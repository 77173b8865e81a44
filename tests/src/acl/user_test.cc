// Rule words of users and selectors, and the text they are printed as.
#include "src/acl/user.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

class AclUserTest : public testing::Test {
 protected:
  // Applies words; the last word's error.
  std::string Apply(const std::vector<std::string>& words) {
    std::string error;
    for (const std::string& word : words) error = user_.Apply(word, context_);
    return error;
  }
  std::string Commands() { return user_.selectors()[0].DescribeCommands(); }
  bool Allows(const std::string& name, const std::vector<std::string_view>& args) {
    const CommandTable::Found found = commands_.Find(name);
    return user_.selectors()[0].AllowsCommand(*found.command, found.index, args);
  }

  CommandTable commands_;
  AclContext context_{commands_};
  AclUser user_{"alice", 1, context_};
};

TEST_F(AclUserTest, NewUserMayNothing) {
  EXPECT_EQ(user_.Describe(), "off sanitize-payload resetchannels -@all");
  EXPECT_FALSE(user_.AllowsEverything());
  EXPECT_FALSE(user_.PasswordMatches(""));
}

TEST_F(AclUserTest, DefaultUserMayEverything) {
  const AclUser user = AclUser::Default(1, context_);
  EXPECT_EQ(user.Describe(), "on nopass sanitize-payload ~* &* +@all");
  EXPECT_TRUE(user.AllowsEverything());
  EXPECT_TRUE(user.PasswordMatches("anything"));
}

TEST_F(AclUserTest, CommandRulesKeepTheirOrderAndReplaceWhatTheyMakeVoid) {
  Apply({"+@all", "-@hash", "-@slow", "+hget"});
  EXPECT_EQ(Commands(), "+@all -@hash -@slow +hget");
  Apply({"-@hash"});
  EXPECT_EQ(Commands(), "+@all -@slow +hget -@hash");
  Apply({"+@hash"});
  EXPECT_EQ(Commands(), "+@all -@slow +hget +@hash");
  Apply({"-@all", "+config|get", "-config|set", "+config"});
  EXPECT_EQ(Commands(), "-@all +config");
  Apply({"-@all", "-@dangerous"});
  EXPECT_EQ(Commands(), "-@all -@dangerous");
  Apply({"+@all"});
  EXPECT_EQ(Commands(), "+@all");
}

TEST_F(AclUserTest, ContainerCarriesItsSubcommands) {
  Apply({"+config", "-config|set"});
  EXPECT_TRUE(Allows("config|get", {"config", "get"}));
  EXPECT_FALSE(Allows("config|set", {"config", "set"}));
  Apply({"-config"});
  EXPECT_FALSE(Allows("config|get", {"config", "get"}));
}

TEST_F(AclUserTest, FirstArgumentOfForbiddenCommand) {
  Apply({"+select|0", "+select|ZERO"});
  EXPECT_EQ(Commands(), "-@all +select|0 +select|zero");
  EXPECT_TRUE(Allows("select", {"select", "0"}));
  EXPECT_TRUE(Allows("select", {"select", "Zero"}));
  EXPECT_FALSE(Allows("select", {"select", "1"}));
  Apply({"-select"});
  EXPECT_FALSE(Allows("select", {"select", "0"}));
  EXPECT_EQ(Apply({"+config|get|x"}), "Allowing first-arg of a subcommand is not supported");
  EXPECT_EQ(Apply({"+select|"}), "Syntax error");
  EXPECT_EQ(Apply({"+select|a b"}), "Syntax error");
}

TEST_F(AclUserTest, KeyPatternsAddTheirAccess) {
  Apply({"%R~a*", "%W~b", "~c", "%w~a*"});
  EXPECT_EQ(user_.selectors()[0].DescribeKeys(), "~a* %W~b ~c");
  EXPECT_EQ(Apply({"%RR~a"}), "Syntax error");
  EXPECT_EQ(Apply({"%~a"}), "Syntax error");
  EXPECT_EQ(Apply({"~a b"}), "Syntax error");
  EXPECT_EQ(Apply({"allkeys", "~a"}),
            "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does "
            "not have any effect. Try 'resetkeys' to start with an empty list of patterns");
}

// "%RW~*" is a pattern, not allkeys: as "~*" it could not be read back before another pattern.
// Alone it means the same, and is printed as Redis does.
TEST_F(AclUserTest, DescriptionWithStarPatternReadsBack) {
  Apply({"%R~*", "%W~*"});
  EXPECT_EQ(user_.selectors()[0].DescribeKeys(), "~*");
  Apply({"%RW~*", "~b"});
  EXPECT_EQ(user_.selectors()[0].DescribeKeys(), "%RW~* ~b");
}

TEST_F(AclUserTest, PasswordsAreHashes) {
  Apply({">secret", ">secret"});
  ASSERT_EQ(user_.password_hashes().size(), 1u);
  EXPECT_EQ(user_.password_hashes()[0],
            "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
  EXPECT_TRUE(user_.PasswordMatches("secret"));
  EXPECT_FALSE(user_.PasswordMatches("Secret"));
  EXPECT_EQ(Apply({"<other"}),
            "The password you are trying to remove from the user does not exist");
  EXPECT_EQ(Apply({"!" + user_.password_hashes()[0]}), "");
  EXPECT_FALSE(user_.PasswordMatches("secret"));
  EXPECT_EQ(Apply({"#" + std::string(64, 'A')}),
            "The password hash must be exactly 64 characters and contain only lowercase "
            "hexadecimal characters");
  Apply({"nopass"});
  EXPECT_TRUE(user_.PasswordMatches("x"));
  Apply({"resetpass"});
  EXPECT_FALSE(user_.PasswordMatches("x"));
}

TEST_F(AclUserTest, SelectorsAreAppliedWholeOrNotAtAll) {
  EXPECT_EQ(Apply({"(+get ~a)"}), "");
  EXPECT_EQ(Apply({"(+set ~b bogus)"}), "Syntax error");
  EXPECT_EQ(Apply({"(on)"}), "Syntax error");
  EXPECT_EQ(user_.Describe(),
            "off sanitize-payload resetchannels -@all (~a resetchannels -@all +get)");
  Apply({"clearselectors"});
  EXPECT_EQ(user_.Describe(), "off sanitize-payload resetchannels -@all");
}

TEST_F(AclUserTest, ResetTakesEverythingButTheName) {
  Apply({"on", "nopass", "+@all", "~*", "&*", "(+get)", "skip-sanitize-payload", "reset"});
  EXPECT_EQ(user_.Describe(), "off sanitize-payload resetchannels -@all");
  EXPECT_EQ(user_.name(), "alice");
  EXPECT_EQ(user_.identity(), 1u);
  EXPECT_EQ(user_.Apply("reset", AclContext{commands_, /*all_channels=*/true}), "");
  EXPECT_EQ(user_.Describe(), "off sanitize-payload &* -@all");
}

TEST(MergeAclSelectorsTest, WordsOfOneSelectorAreJoined) {
  std::vector<std::string> merged;
  std::string unmatched;
  EXPECT_TRUE(MergeAclSelectors(std::vector<std::string>{"on", "(+get", "~a)", "off"}, &merged,
                                &unmatched));
  EXPECT_EQ(merged, (std::vector<std::string>{"on", "(+get ~a)", "off"}));
  EXPECT_FALSE(MergeAclSelectors(std::vector<std::string>{"(+get", "~a"}, &merged, &unmatched));
  EXPECT_EQ(unmatched, "(+get");
}

}  // namespace
}  // namespace hearth
