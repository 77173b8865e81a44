// The set of users: changes as a whole, files, and what clients are told.
#include "src/acl/users.h"

#include <gtest/gtest.h>

namespace hearth {
namespace {

class AclUsersTest : public testing::Test {
 protected:
  std::string Set(const std::string& name, const std::vector<std::string>& rules) {
    change_ = {};
    return users_.Set(name, rules, &change_);
  }
  std::string Load(const std::string& text) {
    change_ = {};
    return users_.Load("f.acl", text, &change_);
  }
  static constexpr char kNoChange[] =
      "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

  CommandTable commands_;
  AclUsers users_{commands_};
  AclChange change_;
};

TEST_F(AclUsersTest, SetIsAllOrNothing) {
  EXPECT_EQ(Set("alice", {"on", "+nosuch"}),
            "Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL");
  EXPECT_EQ(users_.Find("alice"), nullptr);
  EXPECT_EQ(Set("alice", {"on", "(+get"}),
            "Unmatched parenthesis in acl selector starting at '(+get'.");
  EXPECT_EQ(Set("alice", {"on", ">pw", "(+get", "~a)"}), "");
  EXPECT_NE(users_.Authenticate("alice", "pw"), nullptr);
  EXPECT_EQ(users_.Authenticate("alice", "pww"), nullptr);
  EXPECT_EQ(Set("alice", {"off"}), "");
  EXPECT_EQ(users_.Authenticate("alice", "pw"), nullptr);
}

TEST_F(AclUsersTest, SnapshotsDoNotChange) {
  ASSERT_EQ(Set("alice", {"on"}), "");
  const AclUserPtr before = users_.Find("alice");
  const uint64_t generation = users_.generation();
  ASSERT_EQ(Set("alice", {"off"}), "");
  EXPECT_TRUE(before->enabled());
  EXPECT_FALSE(users_.Find("alice")->enabled());
  EXPECT_EQ(users_.Find("alice")->identity(), before->identity());
  EXPECT_NE(users_.generation(), generation);
}

TEST_F(AclUsersTest, UserMadeAgainIsAnother) {
  ASSERT_EQ(Set("alice", {"on"}), "");
  const uint64_t identity = users_.Find("alice")->identity();
  const std::string_view names[] = {"alice", "bob", "default"};
  EXPECT_EQ(users_.Delete(names, &change_), 1u);
  EXPECT_TRUE(change_.removed);
  EXPECT_NE(users_.default_user(), nullptr);
  ASSERT_EQ(Set("alice", {"on"}), "");
  EXPECT_NE(users_.Find("alice")->identity(), identity);
}

TEST_F(AclUsersTest, ClientsAreConcernedWhenChannelsAreTaken) {
  ASSERT_EQ(Set("alice", {"&a", "&b"}), "");
  EXPECT_FALSE(change_.concerns_clients());
  ASSERT_EQ(Set("alice", {"&c", "(&d)"}), "");
  EXPECT_FALSE(change_.concerns_clients());
  ASSERT_EQ(Set("alice", {"clearselectors"}), "");
  EXPECT_EQ(change_.narrowed.size(), 1u);
  ASSERT_EQ(Set("alice", {"allchannels"}), "");
  EXPECT_FALSE(change_.concerns_clients());
  ASSERT_EQ(Set("alice", {"resetchannels", "&a"}), "");
  EXPECT_EQ(change_.narrowed.size(), 1u);
}

TEST_F(AclUsersTest, DefaultPassword) {
  EXPECT_TRUE(users_.waives_authentication());
  users_.SetDefaultPassword("pw", &change_);
  EXPECT_TRUE(change_.authentication);
  EXPECT_FALSE(users_.waives_authentication());
  EXPECT_FALSE(users_.default_has_no_password());
  EXPECT_NE(users_.Authenticate("default", "pw"), nullptr);
  ASSERT_EQ(Set("default", {"nopass", "off"}), "");
  EXPECT_TRUE(users_.default_has_no_password());
  EXPECT_FALSE(users_.waives_authentication());
}

TEST_F(AclUsersTest, FileIsLoadedWholeOrNotAtAll) {
  ASSERT_EQ(Set("old", {"on"}), "");
  EXPECT_EQ(Load("user alice on +@all ~*\n\nbogus\nuser\nuser bob +nosuch bogus more\n"
                 "user alice on\nuser eve (+get\n"),
            std::string("f.acl:3 should start with user keyword followed by the username. "
                        "f.acl:4 should start with user keyword followed by the username. "
                        "f.acl:5: Error in applying operation '+nosuch': Unknown command or "
                        "category name in ACL. f.acl:5: Syntax error. "
                        "WARNING: Duplicate user 'alice' found on line 6. "
                        "f.acl:7: Unmatched parenthesis in selector definition.") +
                kNoChange);
  EXPECT_NE(users_.Find("old"), nullptr);
  EXPECT_EQ(users_.Find("alice"), nullptr);
  EXPECT_EQ(Load("user alice on +@all ~* (+get ~a)\r\n"), "");
  EXPECT_TRUE(change_.removed);
  EXPECT_EQ(users_.Lines(),
            (std::vector<std::string>{
                "user alice on sanitize-payload ~* resetchannels +@all (~a resetchannels -@all "
                "+get)",
                "user default on nopass sanitize-payload ~* &* +@all"}));
}

TEST_F(AclUsersTest, WhatIsPrintedLoadsTheSame) {
  ASSERT_EQ(Set("alice", {"on", ">a", ">b", "%R~a", "%RW~*", "&x", "-@all", "+@read", "-get",
                          "+select|0", "(~k +set)", "()"}),
            "");
  const std::vector<std::string> lines = users_.Lines();
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  EXPECT_EQ(Load(text), "");
  EXPECT_FALSE(change_.concerns_clients());
  EXPECT_EQ(users_.Lines(), lines);
}

TEST_F(AclUsersTest, Declarations) {
  const auto declare = [&](std::vector<std::string> words) { return users_.Declare(words); };
  EXPECT_EQ(declare({"alice", "on", "(+get", "~a)"}), "");
  EXPECT_EQ(declare({"alice", "on"}),
            "Error in user declaration 'alice': Duplicate user found. A user can only be defined "
            "once in config files");
  EXPECT_EQ(declare({"bob", "x"}), "Error in user declaration 'x': Syntax error");
  EXPECT_EQ(declare({"b b"}), "Spaces not allowed in ACL usernames");
  EXPECT_EQ(declare({"default", "on", "+@all"}), "");
  EXPECT_FALSE(users_.waives_authentication());
}

}  // namespace
}  // namespace hearth
