// What users may do holds within scripts.
#include "src/scripting/permission.h"

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class ScriptPermissionTest : public ServerFixture {
 protected:
  std::string Eval(const std::string& script, const std::string& key) {
    return client_->RunWords({"EVAL", script, "1", key});
  }
};

TEST_F(ScriptPermissionTest, AScriptMayDoWhatItsUserMay) {
  Run("ACL SETUSER alice on >pw +@all -del ~a* %R~b*");
  Run("AUTH alice pw");
  EXPECT_EQ(Eval("return redis.call('set', KEYS[1], 'x')", "a1"), "+OK\r\n");
  EXPECT_NE(Eval("return redis.call('del', KEYS[1])", "a1")
                .find("-NOPERM ACL failure in script: User alice has no permissions to run the "
                      "'del' command"),
            std::string::npos);
  EXPECT_NE(Eval("return redis.call('set', 'c', '1')", "a1")
                .find("-NOPERM ACL failure in script: No permissions to access a key"),
            std::string::npos);
  EXPECT_NE(Eval("return redis.call('set', 'b', '1')", "a1").find("NOPERM"), std::string::npos);
  EXPECT_EQ(Eval("return redis.call('get', 'b')", "a1"), "$-1\r\n");
}

// SORT's patterns name keys that no argument does.
TEST_F(ScriptPermissionTest, SortReadsNoForeignKeysByItsPatterns) {
  Run("RPUSH a1 1");
  Run("SET secret1 x");
  Run("ACL SETUSER alice on >pw +@all ~a*");
  Run("AUTH alice pw");
  EXPECT_NE(Eval("return redis.call('sort', KEYS[1], 'GET', 'secret*')", "a1").find("NOPERM"),
            std::string::npos);
}

TEST_F(ScriptPermissionTest, AclCheckCmdAsksAndNotesNothing) {
  Run("ACL SETUSER alice on >pw +@all -del ~a*");
  Run("AUTH alice pw");
  EXPECT_EQ(Eval("return redis.acl_check_cmd('set', KEYS[1], 'x')", "a1"), ":1\r\n");
  EXPECT_EQ(Eval("return redis.acl_check_cmd('del', KEYS[1])", "a1"), "$-1\r\n");
  EXPECT_EQ(Run("ACL LOG"), "*0\r\n");
}

TEST_F(ScriptPermissionTest, ARefusalIsNotedWithItsContext) {
  Run("ACL SETUSER alice on >pw +@all -del ~a*");
  Run("AUTH alice pw");
  Eval("return redis.pcall('del', KEYS[1])", "a1");
  EXPECT_NE(Run("ACL LOG").find("$7\r\ncontext\r\n$3\r\nlua\r\n"), std::string::npos);
}

}  // namespace
}  // namespace hearth
