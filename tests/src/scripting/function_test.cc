// FUNCTION and FCALL: libraries, their rows, and what survives.
#include <unistd.h>

#include "src/scripting/functions.h"
#include "src/scripting/shebang.h"
#include "tests/src/scripting/script_fixture.h"

namespace hearth {
namespace {

constexpr char kLibrary[] =
    "#!lua name=lib\n"
    "local count = 0\n"
    "redis.register_function('add', function(keys, args)\n"
    "  count = count + 1\n"
    "  return {count, #keys, #args}\n"
    "end)\n"
    "redis.register_function{function_name='read', callback=function(keys)\n"
    "  return redis.call('get', keys[1]) end, flags={'no-writes'}, description='reads'}\n";

class FunctionTest : public ScriptFixture {
 protected:
  std::string Load(const std::string& code) {
    return client_->RunWords({"FUNCTION", "LOAD", code});
  }
};

TEST_F(FunctionTest, FunctionsAreLoadedAndCalled) {
  EXPECT_EQ(Load(kLibrary), WireBulk("lib"));
  EXPECT_EQ(Run("FCALL add 1 k a b"), "*3\r\n:1\r\n:1\r\n:2\r\n");
  TestClient other = Connect();
  EXPECT_EQ(other.Run("FCALL ADD 0"), "*3\r\n:2\r\n:0\r\n:0\r\n");
  Run("SET k v");
  EXPECT_EQ(Run("FCALL_RO read 1 k"), WireBulk("v"));
  EXPECT_EQ(Run("FCALL_RO add 0"),
            "-ERR Can not execute a script with write flag using *_ro command.\r\n");
  EXPECT_EQ(Run("FCALL none 0"), "-ERR Function not found\r\n");
  EXPECT_EQ(Run("FCALL add x"), "-ERR Bad number of keys provided\r\n");
}

// Its flags are known to the gates, which hold no locks.
TEST_F(FunctionTest, AFunctionThatOnlyReadsRunsWhileWritesArePaused) {
  Load(kLibrary);
  Run("SET k v");
  EXPECT_EQ(Run("CLIENT PAUSE 60000 WRITE"), "+OK\r\n");
  EXPECT_EQ(Run("FCALL read 1 k"), WireBulk("v"));
  EXPECT_EQ(Run("FCALL READ 1 k"), WireBulk("v"));
  Run("MULTI");
  EXPECT_EQ(Run("FCALL read 1 k"), "+QUEUED\r\n");
  EXPECT_EQ(Run("EXEC"), "*1\r\n" + WireBulk("v"));
  TestClient other = Connect();
  other.Send("FCALL add 0");
  EXPECT_FALSE(other.HasReply());
  EXPECT_EQ(Run("CLIENT UNPAUSE"), "+OK\r\n");
  EXPECT_EQ(other.ReadReply(), "*3\r\n:1\r\n:0\r\n:0\r\n");
}

TEST_F(FunctionTest, TheFlagsOfFunctionsFollowTheirLibraries) {
  Functions& functions = server_->functions();
  Load(kLibrary);
  EXPECT_EQ(functions.PublishedFlags("add"), 0u);
  EXPECT_EQ(functions.PublishedFlags("Read"), uint32_t{kScriptNoWrites});
  Restart();
  EXPECT_EQ(server_->functions().PublishedFlags("read"), uint32_t{kScriptNoWrites});
  EXPECT_EQ(Run("FUNCTION FLUSH"), "+OK\r\n");
  EXPECT_EQ(server_->functions().PublishedFlags("read"), std::nullopt);
}

TEST_F(FunctionTest, WithoutMemoryOnlyFunctionsThatDoNotAskRun) {
  Load(kLibrary);
  Run("CONFIG SET maxmemory-policy noeviction maxmemory 1");
  for (int i = 0; i < 100 && Run("SET k w") == "+OK\r\n"; ++i) usleep(10'000);
  EXPECT_EQ(Run("FCALL add 0"), "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  EXPECT_NE(Run("FCALL read 1 none").find("$-1"), std::string::npos);
}

// A library's code sees `redis` alone while it is loaded, with what registers and logs.
TEST_F(FunctionTest, ALoadHasGlobalsOfItsOwn) {
  for (const char* const global :
       {"error", "pairs", "string", "math", "_G", "cjson", "setmetatable", "os"}) {
    EXPECT_EQ(Load(std::string("#!lua name=a\nlocal x = ") + global),
              std::string("-ERR Error registering functions: ERR user_function:2: Script attempted "
                          "to access nonexistent global variable '") +
                  global + "'\r\n");
  }
  for (const char* const name : {"call", "pcall", "setresp", "sha1hex", "REPL_ALL", "math"}) {
    EXPECT_EQ(Load(std::string("#!lua name=a\nlocal x = redis.") + name),
              std::string("-ERR Error registering functions: ERR user_function:2: Script attempted "
                          "to access nonexistent global variable '") +
                  name + "'\r\n");
  }
  EXPECT_EQ(Load("#!lua name=a\nkept = 1"),
            "-ERR Error registering functions: ERR user_function:2: Attempt to modify a readonly "
            "table\r\n");
  EXPECT_EQ(Load("#!lua name=a\nredis.log(redis.LOG_DEBUG, redis.REDIS_VERSION)\n"
                 "local registrar = redis\n"
                 "redis.register_function('types', function()\n"
                 "  return {type(redis.call), type(math.floor), type(redis.register_function)}\n"
                 "end)\n"
                 "redis.register_function('late', function()\n"
                 "  registrar.register_function('f', function() end)\n"
                 "end)"),
            WireBulk("a"));
  EXPECT_EQ(Run("FCALL types 0"), WireArray({"function", "function", "nil"}));
  EXPECT_NE(Run("FCALL late 0").find("can only be called on FUNCTION LOAD command"),
            std::string::npos);
}

TEST_F(FunctionTest, LibrariesThatAreNoneAreRefused) {
  EXPECT_EQ(Load("return 1"), "-ERR Missing library metadata\r\n");
  EXPECT_EQ(Load("#!lua\nreturn 1"), "-ERR Library name was not given\r\n");
  EXPECT_EQ(Load("#!lua name='a\nreturn 1"), "-ERR Invalid library metadata\r\n");
  EXPECT_EQ(Load("#!lua\tname='quoted'\nredis.register_function('q', function() end)"),
            WireBulk("quoted"));
  EXPECT_EQ(Load("#!foo name=a\nreturn 1"), "-ERR Engine 'foo' not found\r\n");
  EXPECT_EQ(Load("#!lua name=a\nreturn 1"), "-ERR No functions registered\r\n");
  EXPECT_EQ(Load("#!lua name=a\nretur("),
            "-ERR Error compiling function: user_function:2: unexpected symbol near '<eof>'\r\n");
  EXPECT_EQ(Load("#!lua name=a\nredis.register_function('f', 1)"),
            "-ERR Error registering functions: ERR second argument to redis.register_function must "
            "be a function\r\n");
  EXPECT_EQ(Load("#!lua name=a\nwhile true do end"),
            "-ERR Error registering functions: ERR FUNCTION LOAD timeout\r\n");
  EXPECT_EQ(Load(kLibrary), WireBulk("lib"));
  EXPECT_EQ(Load(kLibrary), "-ERR Library 'lib' already exists\r\n");
  EXPECT_EQ(Load("#!lua name=two\nredis.register_function('add', function() end)"),
            "-ERR Function add already exists\r\n");
}

TEST_F(FunctionTest, LibrariesSurviveARestart) {
  Load(kLibrary);
  const std::string listed = Run("FUNCTION LIST WITHCODE");
  const std::string dumped = Run("FUNCTION DUMP");
  Restart();
  EXPECT_EQ(Run("FUNCTION LIST WITHCODE"), listed);
  EXPECT_EQ(Run("FCALL add 0"), "*3\r\n:1\r\n:0\r\n:0\r\n");
  EXPECT_EQ(Run("FUNCTION DELETE lib"), "+OK\r\n");
  EXPECT_EQ(Run("FUNCTION DELETE lib"), "-ERR Library not found\r\n");
  Restart();
  EXPECT_EQ(Run("FUNCTION LIST"), "*0\r\n");
  const size_t begin = dumped.find("\r\n") + 2;
  const std::string payload = dumped.substr(begin, dumped.size() - begin - 2);
  EXPECT_EQ(client_->RunWords({"FUNCTION", "RESTORE", payload}), "+OK\r\n");
  EXPECT_EQ(Run("FUNCTION LIST WITHCODE"), listed);
  EXPECT_EQ(client_->RunWords({"FUNCTION", "RESTORE", payload}),
            "-ERR Library lib already exists\r\n");
  EXPECT_EQ(client_->RunWords({"FUNCTION", "RESTORE", payload, "REPLACE"}), "+OK\r\n");
  EXPECT_EQ(Run("FUNCTION RESTORE bad"), "-ERR DUMP payload version or checksum are wrong\r\n");
  EXPECT_EQ(Run("FUNCTION FLUSH"), "+OK\r\n");
  EXPECT_EQ(Run("FCALL add 0"), "-ERR Function not found\r\n");
}

TEST_F(FunctionTest, FlushAllLeavesFunctions) {
  Load(kLibrary);
  Run("FLUSHALL");
  EXPECT_EQ(Run("FCALL add 0"), "*3\r\n:1\r\n:0\r\n:0\r\n");
}

}  // namespace
}  // namespace hearth
