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
  EXPECT_EQ(Eval("return redis.error_reply('x')"), "-x\r\n");
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
