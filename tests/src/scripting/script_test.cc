// EVAL, EVALSHA, SCRIPT: what scripts may do, and how what they do is one piece.
#include <unistd.h>

#include <thread>

#include "src/scripting/script_run.h"
#include "src/scripting/scripting.h"
#include "src/slow_log.h"
#include "tests/src/scripting/script_fixture.h"

namespace hearth {
namespace {

class ScriptTest : public ScriptFixture {};

TEST_F(ScriptTest, EvalRunsCommandsOnItsKeys) {
  EXPECT_EQ(Eval("return redis.call('set',KEYS[1],ARGV[1])", {"k"}, {"v"}), "+OK\r\n");
  EXPECT_EQ(Eval("return redis.call('get',KEYS[1])", {"k"}), WireBulk("v"));
  EXPECT_EQ(Eval("return {KEYS[1],ARGV[1],ARGV[2]}", {"k"}, {"a", "b"}),
            WireArray({"k", "a", "b"}));
  EXPECT_EQ(Run("EVAL 'return 1' x"), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(Run("EVAL 'return 1' 2 a"),
            "-ERR Number of keys can't be greater than number of args\r\n");
  EXPECT_EQ(Run("EVAL 'return 1' -1"), "-ERR Number of keys can't be negative\r\n");
}

TEST_F(ScriptTest, ErrorsSayWhichScriptAndLine) {
  const std::string sha = Sha1Hex("\nerror('boo')");
  EXPECT_EQ(Eval("\nerror('boo')"),
            "-ERR user_script:2: boo script: " + sha + ", on @user_script:2.\r\n");
  EXPECT_EQ(EvalError("return redis.call('nope')"),
            "-ERR Unknown Redis command called from script");
  EXPECT_EQ(EvalError("return redis.call('get')"),
            "-ERR Wrong number of args calling Redis command from script");
  EXPECT_EQ(EvalError("return redis.call('multi')"),
            "-ERR This Redis command is not allowed from script");
  EXPECT_EQ(Eval("syntax("),
            "-ERR Error compiling script (new function): user_script:1: unexpected symbol near "
            "'<eof>'\r\n");
  Run("SET s x");
  EXPECT_EQ(EvalError("return redis.call('lpush','s',1)"),
            "-WRONGTYPE Operation against a key holding the wrong kind of value");
  EXPECT_EQ(Eval("return redis.pcall('lpush','s',1)"),
            "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
  EXPECT_EQ(EvalError("error({x=1})"), "-ERR unknown error");
}

TEST_F(ScriptTest, EvalShaRunsWhatWasBrought) {
  const std::string sha = Sha1Hex("return 7");
  EXPECT_EQ(Run("EVALSHA " + sha + " 0"), "-NOSCRIPT No matching script. Please use EVAL.\r\n");
  EXPECT_EQ(Run("SCRIPT LOAD 'return 7'"), WireBulk(sha));
  EXPECT_EQ(Run("EVALSHA " + sha + " 0"), ":7\r\n");
  TestClient other = Connect();
  EXPECT_EQ(other.Run("EVALSHA " + sha + " 0"), ":7\r\n");
  EXPECT_EQ(Run("SCRIPT EXISTS " + sha + " abc"), "*2\r\n:1\r\n:0\r\n");
  EXPECT_EQ(Run("SCRIPT FLUSH"), "+OK\r\n");
  EXPECT_EQ(Run("EVALSHA " + sha + " 0"), "-NOSCRIPT No matching script. Please use EVAL.\r\n");
  EXPECT_EQ(Run("SCRIPT KILL"), "-NOTBUSY No scripts in execution right now.\r\n");
}

TEST_F(ScriptTest, BodiesThatOnlyEvalBroughtAreBounded) {
  Scripting scripting;
  scripting.Add("loaded", "x", /*loaded=*/true);
  for (size_t i = 0; i < kEvalBodiesMax + 10; ++i) {
    scripting.Add("sha" + std::to_string(i), "x", /*loaded=*/false);
  }
  EXPECT_EQ(scripting.count(), kEvalBodiesMax + 1);
  EXPECT_TRUE(scripting.Has("loaded"));
  EXPECT_FALSE(scripting.Has("sha0"));
}

TEST_F(ScriptTest, OfAKillAndAFirstWriteOneComesFirst) {
  Scripting scripting;
  scripting.BeginLong({.name = "f", .command = {"x"}}, /*wrote=*/false);
  EXPECT_EQ(scripting.running().name, "f");
  EXPECT_EQ(scripting.Kill(/*function=*/false), "");
  EXPECT_FALSE(scripting.TryBeginWrite());
  EXPECT_FALSE(scripting.EndLong());
  EXPECT_EQ(scripting.running().command.size(), 0u);
  scripting.BeginLong({}, /*wrote=*/false);
  EXPECT_TRUE(scripting.TryBeginWrite());
  EXPECT_TRUE(scripting.Kill(/*function=*/false).starts_with("UNKILLABLE"));
  EXPECT_TRUE(scripting.EndLong());
  scripting.BeginLong({}, /*wrote=*/true);
  EXPECT_TRUE(scripting.Kill(/*function=*/false).starts_with("UNKILLABLE"));
}

TEST_F(ScriptTest, WordsThatOthersAreShownAreCut) {
  const std::string longest(SlowLog::kArgBytesMax, 'x'), longer = longest + "yz";
  const std::vector<std::string_view> some = {"FCALL", longest, longer};
  EXPECT_EQ(ShownWords(some),
            (std::vector<std::string>{"FCALL", longest, longest + "... (2 more bytes)"}));
  const std::vector<std::string_view> many(SlowLog::kArgsMax + 5, "w");
  EXPECT_EQ(ShownWords(many).size(), SlowLog::kArgsMax);
  EXPECT_EQ(ShownWords(many).back(), "... (6 more arguments)");
}

// Of the interpreter that ran them, and of what they leave there.
TEST_F(ScriptTest, MemoryOfScriptsIsShown) {
  EXPECT_EQ(InfoField("memory", "used_memory_lua"), "0");
  Eval("kept = nil return 1");
  const auto memory = [&](const char* name) { return std::stoull(InfoField("memory", name)); };
  EXPECT_GT(memory("used_memory_lua"), 10'000u);
  EXPECT_EQ(InfoField("memory", "number_of_cached_scripts"), "1");
  EXPECT_EQ(memory("used_memory_vm_functions"), 0u);
  Run("FUNCTION LOAD \"#!lua name=l\\nlocal kept = {} "
      "for i = 1, 100000 do kept[i] = i end "
      "redis.register_function('f', function() return #kept end)\"");
  EXPECT_GT(memory("used_memory_vm_functions"), 1'000'000u);
  EXPECT_EQ(memory("used_memory_vm_total"),
            memory("used_memory_lua") + memory("used_memory_vm_functions"));
  EXPECT_EQ(InfoField("memory", "number_of_functions"), "1");
}

TEST_F(ScriptTest, WritesOfUndeclaredKeysWork) {
  EXPECT_EQ(Eval("for i=1,100 do redis.call('set', ARGV[1]..i, i) end "
                 "return redis.call('get', ARGV[1]..50)",
                 {}, {"made:"}),
            WireBulk("50"));
  EXPECT_EQ(Run("DBSIZE"), ":100\r\n");
}

// A script is one piece: nobody sees a and b differ, on whatever worker.
TEST_F(ScriptTest, NobodySeesAScriptHalfDone) {
  Restart({"--workers", "2"});
  std::thread writer([this] {
    TestClient client = Connect();
    for (int i = 0; i < 500; ++i) {
      client.Run("EVAL \"redis.call('incr','a') redis.call('incr','{x}b')\" 0");
    }
  });
  TestClient reader = Connect();
  for (int i = 0; i < 500; ++i) {
    const std::string reply = reader.Run("MGET a {x}b");
    if (reply == "*2\r\n$-1\r\n$-1\r\n") continue;
    const size_t half = (reply.size() - 4) / 2;
    EXPECT_EQ(reply.substr(4, half), reply.substr(4 + half));
  }
  writer.join();
}

TEST_F(ScriptTest, AScriptsWritesSurviveAndAreOneChangeOfAWatch) {
  TestClient other = Connect();
  Run("WATCH w");
  EXPECT_EQ(other.Run("EVAL \"return redis.call('set','w','1')\" 0"), "+OK\r\n");
  Run("MULTI");
  EXPECT_EQ(Run("EXEC"), "*-1\r\n");
  Restart();
  EXPECT_EQ(Run("GET w"), WireBulk("1"));
}

TEST_F(ScriptTest, ColdKeysAreLoaded) {
  for (int i = 0; i < 50; ++i) Run("SET cold" + std::to_string(i) + " v" + std::to_string(i));
  Restart({"--warm-on-start", "no"});
  EXPECT_EQ(Eval("return redis.call('get',KEYS[1])", {"cold1"}), WireBulk("v1"));
  EXPECT_EQ(Eval("return redis.call('get','cold'..ARGV[1])", {}, {"2"}), WireBulk("v2"));
  EXPECT_EQ(Eval("redis.call('set','x','y') return redis.call('get','cold'..ARGV[1])", {}, {"3"}),
            WireBulk("v3"));
}

TEST_F(ScriptTest, BlockedClientsAreServedByAScript) {
  TestClient waiting = Connect();
  waiting.Send("BLPOP queue 0");
  while (InfoField("clients", "blocked_clients") != "1") std::this_thread::yield();
  EXPECT_EQ(Eval("return redis.call('rpush','queue','job')"), ":1\r\n");
  EXPECT_EQ(waiting.ReadReply(), WireArray({"queue", "job"}));
}

TEST_F(ScriptTest, NothingWaitsInAScript) {
  EXPECT_NE(Eval("return redis.call('xread','count',1,'BLOCK',0,'streams','none','$')")
                .find("-ERR xread command is not allowed with BLOCK option from scripts"),
            std::string::npos);
  EXPECT_EQ(Eval("return redis.call('xread','streams','none','0')"), "$-1\r\n");
  Run("XGROUP CREATE stream block $ MKSTREAM");
  EXPECT_EQ(Eval("return redis.call('xreadgroup','group','block','c','streams','stream','>')"),
            "$-1\r\n");
}

TEST_F(ScriptTest, ScriptsRunInTransactions) {
  Run("MULTI");
  Run("SET k 1");
  Run("EVAL \"return redis.call('incr',KEYS[1])\" 1 k");
  Run("INCR k");
  EXPECT_EQ(Run("EXEC"), "*3\r\n+OK\r\n:2\r\n:3\r\n");
}

TEST_F(ScriptTest, ReadOnlyScriptsMayNotWrite) {
  EXPECT_EQ(Run("EVAL_RO \"return redis.call('set','a','b')\" 0").substr(0, 60),
            "-ERR Write commands are not allowed from read-only scripts. ");
  EXPECT_EQ(EvalError("#!lua flags=no-writes\nreturn redis.call('set','a','b')"),
            "-ERR Write commands are not allowed from read-only scripts.");
  EXPECT_EQ(client_->RunWords({"EVAL_RO", "#!lua\nreturn 1", "0"}),
            "-ERR Can not execute a script with write flag using *_ro command.\r\n");
  EXPECT_EQ(Eval("#!lua flags=bad\nreturn 1"), "-ERR Unexpected flag in script shebang: bad\r\n");
}

TEST_F(ScriptTest, TheWordsOfAShebangMayBeQuoted) {
  EXPECT_EQ(Eval("#!'lua' flags='no-writes'\nreturn 1"), ":1\r\n");
  EXPECT_EQ(EvalError("#!lua flags='no-writes'\nreturn redis.call('set','a','b')"),
            "-ERR Write commands are not allowed from read-only scripts.");
  EXPECT_EQ(Eval("#!lua flags='no-writes\nreturn 1"), "-ERR Invalid engine in script shebang\r\n");
}

// What may be replicated is a write too.
TEST_F(ScriptTest, ReadOnlyScriptsMayNotPublish) {
  const std::string refusal = "-ERR Write commands are not allowed from read-only scripts.";
  for (const char* const call : {"'publish','c','m'", "'spublish','c','m'", "'pfcount','p'"}) {
    const std::string script = "return redis.call(" + std::string(call) + ")";
    EXPECT_TRUE(client_->RunWords({"EVAL_RO", script, "0"}).starts_with(refusal)) << call;
    EXPECT_EQ(EvalError("#!lua flags=no-writes\n" + script), refusal) << call;
    EXPECT_EQ(Eval(script), ":0\r\n") << call;
  }
}

// The gates go by what a script declares, and by its command when it declares nothing.
TEST_F(ScriptTest, ReadOnlyScriptsRunWhileWritesArePaused) {
  const std::string script = "#!lua flags=no-writes\nreturn redis.call('get',KEYS[1])";
  const std::string sha = Sha1Hex(script);
  Run("SET x 1");
  client_->RunWords({"SCRIPT", "LOAD", script});
  EXPECT_EQ(Run("CLIENT PAUSE 60000 WRITE"), "+OK\r\n");
  EXPECT_EQ(Eval(script, {"x"}), WireBulk("1"));
  EXPECT_EQ(Run("EVALSHA " + sha + " 1 x"), WireBulk("1"));
  std::string upper = sha;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(Run("EVALSHA " + upper + " 1 x"), WireBulk("1"));
  EXPECT_EQ(Run("EVAL_RO 'return 1' 0"), ":1\r\n");
  Run("MULTI");
  EXPECT_EQ(Run("EVALSHA " + sha + " 1 x"), "+QUEUED\r\n");
  EXPECT_EQ(Run("EXEC"), "*1\r\n" + WireBulk("1"));
  TestClient plain = Connect(), writing = Connect();
  plain.Send("EVAL 'return 1' 0");
  writing.Send("EVAL \"#!lua flags=allow-oom\\nreturn 2\" 0");
  EXPECT_FALSE(plain.HasReply());
  EXPECT_FALSE(writing.HasReply());
  EXPECT_EQ(Run("CLIENT UNPAUSE"), "+OK\r\n");
  EXPECT_EQ(plain.ReadReply(), ":1\r\n");
  EXPECT_EQ(writing.ReadReply(), ":2\r\n");
}

// Once by the command in it, which alone knows its code; and the script has failed.
TEST_F(ScriptTest, AnErrorWithinAScriptIsCountedOnce) {
  Run("SET s x");
  const auto failed = [&](const std::string& field, int count) {
    return InfoField("commandstats", field).ends_with("failed_calls=" + std::to_string(count));
  };
  for (const char* const script :
       {"return redis.call('lpush','s',1)", "return redis.pcall('lpush','s',1)",
        "return {1,redis.pcall('lpush','s',1)}", "error(redis.pcall('lpush','s',1))"}) {
    Run("CONFIG RESETSTAT");
    Eval(script);
    EXPECT_TRUE(failed("cmdstat_eval", 1)) << script;
    EXPECT_TRUE(failed("cmdstat_lpush", 1)) << script;
    EXPECT_EQ(InfoField("errorstats", "errorstat_WRONGTYPE"), "count=1") << script;
    EXPECT_EQ(InfoField("stats", "total_error_replies"), "1") << script;
  }
  Run("CONFIG RESETSTAT");
  EXPECT_EQ(Eval("redis.pcall('lpush','s',1) return 1"), ":1\r\n");
  EXPECT_TRUE(failed("cmdstat_eval", 0));
  Run("MULTI");
  Run("EVAL \"return redis.call('lpush','s',1)\" 0");
  Run("EXEC");
  EXPECT_TRUE(failed("cmdstat_eval", 1));
  EXPECT_TRUE(failed("cmdstat_exec", 0));
  EXPECT_EQ(InfoField("errorstats", "errorstat_WRONGTYPE"), "count=2");
}

// It writes its error through the connection.
TEST_F(ScriptTest, AnErrorOfASessionCommandIsCounted) {
  EXPECT_EQ(EvalError("return redis.call('select',99)"), "-ERR DB index is out of range");
  EXPECT_EQ(InfoField("errorstats", "errorstat_ERR"), "count=1");
  EXPECT_TRUE(InfoField("commandstats", "cmdstat_select").ends_with("failed_calls=1"));
  EXPECT_TRUE(InfoField("commandstats", "cmdstat_eval").ends_with("failed_calls=1"));
}

TEST_F(ScriptTest, ErrorRepliesGetACodeWhenTheyHaveNone) {
  const auto reply = [&](const std::string& text) {
    return Eval("return redis.error_reply('" + text + "')");
  };
  EXPECT_EQ(reply("Err"), "-ERR Err\r\n");
  EXPECT_EQ(reply("-Err"), "-ERR Err\r\n");
  EXPECT_EQ(reply(""), "-ERR \r\n");
  EXPECT_EQ(reply("-"), "-ERR \r\n");
  EXPECT_EQ(reply("--x"), "-ERR -x\r\n");
  EXPECT_EQ(reply("MY err"), "-MY err\r\n");
  EXPECT_EQ(reply("-MY err"), "-MY err\r\n");
  EXPECT_EQ(Eval("return redis.error_reply('Err').err"), WireBulk("ERR Err"));
}

TEST_F(ScriptTest, DebugLiftsTheRefusalOfWhatWouldWait) {
  const std::string refusal = "-ERR This Redis command is not allowed from script";
  EXPECT_EQ(EvalError("return redis.call('blpop','l',0)"), refusal);
  EXPECT_EQ(Run("DEBUG SET-DISABLE-DENY-SCRIPTS 1"), "+OK\r\n");
  EXPECT_EQ(Eval("return redis.call('blpop','l',0)"), "$-1\r\n");
  EXPECT_EQ(Eval("return redis.call('blmove','l','m','left','right',0)"), "$-1\r\n");
  EXPECT_EQ(Eval("return redis.call('bzmpop',0,1,'l','min')"), "$-1\r\n");
  Run("RPUSH l a b");
  EXPECT_EQ(Eval("return redis.call('blpop','l',0)"), WireArray({"l", "a"}));
  EXPECT_EQ(Eval("return redis.call('blmove','l','m','left','right',0)"), WireBulk("b"));
  for (const char* const call :
       {"'eval','return 1',0", "'multi'", "'exec'", "'subscribe','c'", "'replicaof','no','one'",
        "'script','flush'", "'function','flush'", "'debug','sleep',0", "'monitor'", "'reset'"}) {
    EXPECT_EQ(EvalError("return redis.call(" + std::string(call) + ")"), refusal) << call;
  }
  EXPECT_EQ(Run("DEBUG SET-DISABLE-DENY-SCRIPTS 0"), "+OK\r\n");
  EXPECT_EQ(EvalError("return redis.call('blpop','l',0)"), refusal);
  EXPECT_EQ(EvalError("return redis.call('debug','protocol','null')"), refusal);
}

TEST_F(ScriptTest, WithoutMemoryScriptsMayReadAndFree) {
  TestClient other = Connect();
  other.Run("MULTI");
  EXPECT_EQ(other.Run("EVAL \"#!lua\\nreturn 1\" 0"), "+QUEUED\r\n");
  Run("SET big x");
  Run("CONFIG SET maxmemory-policy noeviction maxmemory 1");
  for (int i = 0; i < 100 && Run("SET k w") == "+OK\r\n"; ++i) usleep(10'000);
  EXPECT_EQ(EvalError("return redis.call('set','a','b')"),
            "-OOM command not allowed when used memory > 'maxmemory'.");
  EXPECT_EQ(Eval("return redis.call('get','big')"), WireBulk("x"));
  EXPECT_EQ(Eval("#!lua\nreturn 1"),
            "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
  EXPECT_NE(InfoField("commandstats", "cmdstat_eval").find("rejected_calls=1,"), std::string::npos);
  EXPECT_EQ(other.Run("EXEC"),
            "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory "
            "> 'maxmemory'.\r\n");
  EXPECT_EQ(Eval("#!lua flags=no-writes\nreturn 1"), ":1\r\n");
  EXPECT_EQ(Eval("#!lua flags=allow-oom\nreturn redis.call('set','a','b')"), "+OK\r\n");
}

TEST_F(ScriptTest, TheDatabaseOfTheCallerStays) {
  EXPECT_EQ(Eval("redis.call('select',3) return redis.call('set','k','3')"), "+OK\r\n");
  EXPECT_EQ(Run("GET k"), "$-1\r\n");
  Run("SELECT 3");
  EXPECT_EQ(Run("GET k"), WireBulk("3"));
}

TEST_F(ScriptTest, NumbersAreGivenToCommandsInFull) {
  EXPECT_EQ(Eval("redis.call('set','n',1000000000) return redis.call('get','n')"),
            WireBulk("1000000000"));
  EXPECT_EQ(Eval("redis.call('set','n',0.1) return redis.call('get','n')"), WireBulk("0.1"));
}

TEST_F(ScriptTest, RandomNumbersRepeatThemselves) {
  const std::string first = Eval("math.randomseed(5) return tostring(math.random())");
  EXPECT_EQ(first, WireBulk("0.52483957937213"));
  EXPECT_EQ(Eval("math.randomseed(5) return tostring(math.random())"), first);
}

// One string may stand in thousands of arguments.
TEST_F(ScriptTest, ArgumentsOfACallAreBounded) {
  Run("CONFIG SET client-query-buffer-limit 16mb");
  EXPECT_EQ(EvalError("local t = {'RPUSH','l'} local s = string.rep('x',1000000) "
                      "for i=1,100 do t[i+2] = s end return redis.call(unpack(t))"),
            "-ERR Arguments of a command exceed client-query-buffer-limit");
  EXPECT_EQ(Run("EXISTS l"), ":0\r\n");
}

// While the script holds every shard, and the log behind its first write.
TEST_F(ScriptTest, InfoAndMemoryAreForScriptsToo) {
  const std::string call =
      " redis.call('set','k','v') local info = redis.call('info','everything') "
      "redis.call('memory','purge') redis.call('memory','malloc-stats') "
      "redis.call('set','k','w') ";
  EXPECT_EQ(Eval("local before = #redis.call('memory','stats')" + call +
                 "return {before == #redis.call('memory','stats'), info:find('db0:keys=1') ~= nil, "
                 "info:find('tiering_resident_keys:1') ~= nil}"),
            "*3\r\n:1\r\n:1\r\n:1\r\n");
  EXPECT_EQ(Run("GET k"), WireBulk("w"));
  EXPECT_EQ(EvalError("return redis.call('latency','latest')"),
            "-ERR This Redis command is not allowed from script");
  Restart();
  EXPECT_EQ(Run("GET k"), WireBulk("w"));
}

}  // namespace
}  // namespace hearth
