// How Lua values become replies, and replies Lua values.
#include "src/scripting/lua_reply.h"

#include "tests/src/scripting/script_fixture.h"

namespace hearth {
namespace {

class LuaReply : public ScriptFixture {};

TEST_F(LuaReply, ValuesBecomeReplies) {
  EXPECT_EQ(Eval("return 3.99"), ":3\r\n");
  EXPECT_EQ(Eval("return {1,'a',{2,false},true,nil,9}"),
            "*4\r\n:1\r\n$1\r\na\r\n*2\r\n:2\r\n$-1\r\n:1\r\n");
  EXPECT_EQ(Eval("return {ok='fi\\r\\nne'}"), "+fi  ne\r\n");
  EXPECT_EQ(Eval("return {err='MINE bad'}"), "-MINE bad\r\n");
  EXPECT_EQ(Eval("return redis.error_reply('x')"), "-ERR x\r\n");
  EXPECT_EQ(Eval("return nil"), "$-1\r\n");
  EXPECT_EQ(Eval("return {double=2.5}"), "$3\r\n2.5\r\n");
}

TEST_F(LuaReply, Resp3ValuesAreKept) {
  Run("HELLO 3");
  EXPECT_EQ(Eval("return {double=2.5}"), ",2.5\r\n");
  EXPECT_EQ(Eval("return {map={a=1}}"), "%1\r\n$1\r\na\r\n:1\r\n");
  EXPECT_EQ(Eval("return {set={a=true}}"), "~1\r\n$1\r\na\r\n");
  EXPECT_EQ(Eval("return {big_number='123'}"), "(123\r\n");
  EXPECT_EQ(Eval("return {verbatim_string={format='txt',string='hi'}}"), "=6\r\ntxt:hi\r\n");
  EXPECT_EQ(Eval("return true"), ":1\r\n");
  EXPECT_EQ(Eval("redis.setresp(3) return true"), "#t\r\n");
  EXPECT_EQ(Eval("redis.setresp(3) redis.call('hset','h','f','v') "
                 "return redis.call('hgetall','h')"),
            "%1\r\n$1\r\nf\r\n$1\r\nv\r\n");
  EXPECT_EQ(Eval("redis.setresp(3) return redis.call('get','none') == nil"), "#t\r\n");
}

// Of commands, on their way through Lua: without redis.setresp(3), and with it.
TEST_F(LuaReply, RepliesOfEveryTypePassThrough) {
  Run("DEBUG SET-DISABLE-DENY-SCRIPTS 1");
  Run("HELLO 3");
  const std::string number = "1234567999999999999999999999999999999";
  const std::string text = "This is a verbatim\nstring";
  const std::string attribute = "Some real reply following the attribute";
  const struct {
    const char* type;
    std::string by_resp2, by_resp3;
  } cases[] = {
      {"string", WireBulk("Hello World"), WireBulk("Hello World")},
      {"integer", ":12345\r\n", ":12345\r\n"},
      {"double", WireBulk("3.141"), ",3.141\r\n"},
      {"null", "_\r\n", "_\r\n"},
      {"true", ":1\r\n", "#t\r\n"},
      {"false", ":0\r\n", "#f\r\n"},
      {"bignum", WireBulk(number), "(" + number + "\r\n"},
      {"verbatim", WireBulk(text), "=29\r\ntxt:" + text + "\r\n"},
      {"array", "*3\r\n:0\r\n:1\r\n:2\r\n", "*3\r\n:0\r\n:1\r\n:2\r\n"},
      {"set", "*3\r\n:0\r\n:1\r\n:2\r\n", "~3\r\n:1\r\n:2\r\n:0\r\n"},
      {"map", "*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n",
       "%3\r\n:1\r\n#t\r\n:2\r\n#f\r\n:0\r\n#f\r\n"},
      {"attrib", WireBulk(attribute), WireBulk(attribute)},
  };
  for (const auto& [type, by_resp2, by_resp3] : cases) {
    const std::string call = "return redis.call('debug','protocol','" + std::string(type) + "')";
    EXPECT_EQ(Eval(call), by_resp2) << type;
    EXPECT_EQ(Eval("redis.setresp(3) " + call), by_resp3) << type;
  }
  EXPECT_EQ(Eval("redis.setresp(3) return redis.call('debug','protocol','push')"), "_\r\n");
}

TEST_F(LuaReply, WhatNestsWithoutEndIsAnError) {
  EXPECT_EQ(Eval("local t = {} t[1] = t return t"), "-ERR reached lua stack limit\r\n");
  EXPECT_EQ(Eval("local t = {} t[1] = t return {1,{map={a=t}},2}"),
            "-ERR reached lua stack limit\r\n");
  EXPECT_EQ(Eval("return {1}"), "*1\r\n:1\r\n");
}

// Two tables of sixty levels are a reply of exabytes.
TEST_F(LuaReply, TablesThatShareTheirPartsAreBounded) {
  Run("CONFIG SET script-memory-limit 16mb");
  const std::string error = "-ERR the reply of the script exceeds script-memory-limit\r\n";
  EXPECT_EQ(Eval("local t = {} for i=1,60 do t = {t,t} end return t"), error);
  EXPECT_EQ(Eval("local t = {} for i=1,60 do t = {map={a=t,b=t}} end return t"), error);
  EXPECT_EQ(Eval("local t = {ok=string.rep('x',1000000)} for i=1,5 do t = {t,t} end return t"),
            error);
  EXPECT_EQ(Eval("local t = {} for i=1,10 do t = {t,t} end return #t"), ":2\r\n");
  client_->Send("CLIENT REPLY SKIP");  // which answers nothing
  client_->Send("EVAL 'local t = {} for i=1,60 do t = {t,t} end return t' 0");
  EXPECT_EQ(Run("PING"), "+PONG\r\n");
}

}  // namespace
}  // namespace hearth
