// The library cjson: its text is bounded, although it is no memory of Lua's.
#include "tests/src/scripting/script_fixture.h"

namespace hearth {
namespace {

class Cjson : public ScriptFixture {};

TEST_F(Cjson, EncodesAsRedisDoes) {
  EXPECT_EQ(Eval("return cjson.encode({1,2,{a='x/y\\1'}})"),
            WireBulk("[1,2,{\"a\":\"x\\/y\\u0001\"}]"));
  EXPECT_EQ(EvalError("return cjson.encode({[100]=1})"),
            "-ERR user_script:1: Cannot serialise table: excessively sparse array");
  EXPECT_EQ(EvalError("return cjson.encode()"),
            "-ERR user_script:1: bad argument #1 to 'encode' (expected 1 argument)");
  EXPECT_EQ(EvalError("return cjson.encode({redis.call})"),
            "-ERR user_script:1: Cannot serialise function: type not supported");
}

TEST_F(Cjson, TablesThatShareTheirPartsAreBounded) {
  Run("CONFIG SET script-memory-limit 16mb");
  const std::string error = "-ERR not enough memory";
  EXPECT_EQ(EvalError("local t = {} for i=1,60 do t = {t,t} end return cjson.encode(t)"), error);
  EXPECT_EQ(EvalError("local t = {} for i=1,60 do t = {a=t,b=t} end return cjson.encode(t)"),
            error);
  EXPECT_EQ(EvalError("local t = {} cjson.encode_max_depth(1000000) for i=1,40 do t = {t,t} end "
                      "for i=1,3950 do t = {t} end return cjson.encode(t)"),
            error);
}

// A sparse array is written with a null for each of its holes.
TEST_F(Cjson, SparseArraysAreBounded) {
  EXPECT_EQ(EvalError("cjson.encode_sparse_array(false,0) return cjson.encode({[1000000000]=1})"),
            "-ERR not enough memory");
  EXPECT_EQ(Eval("cjson.encode_sparse_array(true,2) return cjson.encode({[1000000000]=1})"),
            WireBulk("{\"1000000000\":1}"));
}

// What began as an array and turns out to be none is an object, with every number as a text.
TEST_F(Cjson, NumbersAsKeysAreBounded) {
  Run("CONFIG SET script-memory-limit 16mb");
  // 20 times a megabyte, and what the library refuses at the end.
  EXPECT_EQ(EvalError("local u, t = {}, {} for i=1,100000 do u[i]='' end u.x=1 "
                      "for i=1,20 do t[i]=u end t[21]=redis.call return #cjson.encode(t)"),
            "-ERR not enough memory");
  EXPECT_EQ(Eval("local t = {} for i=1,1000 do t[i]='' end t.x=1 return #cjson.encode(t)"),
            ":8900\r\n");
}

// A large buffer is given back, also behind an error, and the script's choice stands.
TEST_F(Cjson, ALargeBufferIsGivenBack) {
  const char* const large = "local t = {string.rep('x',2000000)} ";
  EXPECT_EQ(
      Eval(std::string(large) + "cjson.encode(t) return tostring(cjson.encode_keep_buffer())"),
      WireBulk("true"));
  EXPECT_EQ(Eval(std::string(large) + "t[2] = redis.call return {tostring(pcall(cjson.encode,t)), "
                                      "tostring(cjson.encode_keep_buffer())}"),
            WireArray({"false", "true"}));
  EXPECT_EQ(Eval(std::string(large) +
                 "cjson.encode_keep_buffer(false) local n = #cjson.encode(t) "
                 "local kept = cjson.encode_keep_buffer() cjson.encode_keep_buffer(true) "
                 "return {n, tostring(kept)}"),
            "*2\r\n:2000004\r\n" + WireBulk("false"));
}

// Texts that may grow by escapes, but do not.
TEST_F(Cjson, WhatFitsIsNotRefused) {
  Run("CONFIG SET script-memory-limit 16mb");
  EXPECT_EQ(Eval("return #cjson.encode(string.rep('x',4000000))"), ":4000002\r\n");
  EXPECT_EQ(EvalError("return #cjson.encode(string.rep('\\1',4000000))"), "-ERR not enough memory");
}

}  // namespace
}  // namespace hearth
