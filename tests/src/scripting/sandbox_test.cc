// What hostile scripts can not do.
#include "src/scripting/interpreter.h"
#include "tests/src/scripting/script_fixture.h"

namespace hearth {
namespace {

class SandboxTest : public ScriptFixture {
 protected:
  void ExpectReadOnly(const std::string& script) {
    EXPECT_TRUE(EvalError(script).ends_with("Attempt to modify a readonly table")) << script;
  }
};

TEST_F(SandboxTest, WhatScriptsShareIsReadOnly) {
  for (const char* const script :
       {"x = 1", "redis.x = 1", "string.x = 1", "rawset(_G,'x',1)", "rawset(redis,'x',1)",
        "table.insert(redis,1)", "table.remove(math)", "table.sort(redis)", "setmetatable(_G,{})",
        "setmetatable(string,{})", "getmetatable('').__index = 1", "getmetatable(_G).__index = 1",
        "KEYS = {}", "cjson.encode = nil", "for k,v in pairs(_G) do _G[k]=1 end"}) {
    ExpectReadOnly(script);
  }
  EXPECT_EQ(Eval("return ('ab'):upper()"), WireBulk("AB"));
  EXPECT_EQ(Eval("local n = 0 for k in pairs(redis) do n = n + 1 end return n > 10"), ":1\r\n");
  EXPECT_EQ(Eval("return type(next(string))"), WireBulk("string"));
}

// At whatever allocation memory ends, it is an error.
TEST_F(SandboxTest, LoadingWithoutMemoryIsAnError) {
  Interpreter interpreter(/*for_functions=*/false);
  std::string error;
  int loaded_count = 0;
  for (size_t room = 0; loaded_count < 100; room += 8) {
    interpreter.memory().set_limit(interpreter.memory().used_bytes() + room);
    if (interpreter.Load("return 1", "@user_script", &error) != LUA_NOREF) {
      ++loaded_count;
      room = 0;
    } else {
      ASSERT_NE(error.find("not enough memory"), std::string::npos);
    }
  }
}

TEST_F(SandboxTest, WhatLeadsOutsideIsNotThere) {
  for (const char* const name : {"print", "dofile", "loadfile", "require", "module", "io", "debug",
                                 "package", "getfenv", "setfenv", "newproxy", "unknown"}) {
    EXPECT_EQ(EvalError(std::string("return ") + name),
              std::string("-ERR user_script:1: Script attempted to access nonexistent global "
                          "variable '") +
                  name + "'");
  }
  EXPECT_EQ(Eval("return os.execute == nil and os.clock() >= 0"), ":1\r\n");
}

TEST_F(SandboxTest, BytecodeIsNotLoaded) {
  EXPECT_EQ(Eval("local f,e = loadstring(string.dump(function() end)) return {tostring(f),e}"),
            WireArray({"nil",
                       "[string \"\x1b"
                       "LuaQ\"]:1: unexpected symbol near 'char(27)'"}));
  EXPECT_EQ(Eval("local s = string.dump(function() end) local f = load(function() local r = s "
                 "s = nil return r end) return tostring(f)"),
            WireBulk("nil"));
  EXPECT_EQ(client_->RunWords({"EVAL", std::string("\x1bLuaQ\0", 6), "0"}).substr(0, 28),
            "-ERR Error compiling script ");
}

TEST_F(SandboxTest, MemoryIsBounded) {
  Run("CONFIG SET script-memory-limit 16mb");
  EXPECT_EQ(EvalError("return string.rep('a',1e9)"), "-ERR not enough memory");
  EXPECT_EQ(EvalError("local t = {} while true do t[#t+1] = {1,2,3} end"),
            "-ERR not enough memory");
  EXPECT_EQ(Eval("return string.rep('a',10) == 'aaaaaaaaaa'"), ":1\r\n");
  EXPECT_EQ(EvalError("local s = 'a' while true do s = s..s end"), "-ERR not enough memory");
  EXPECT_EQ(Eval("return 1"), ":1\r\n");
}

TEST_F(SandboxTest, StacksAreBounded) {
  EXPECT_EQ(EvalError("local function f() return f()+1 end return f()"),
            "-ERR user_script:1: stack overflow");
  EXPECT_EQ(EvalError("return unpack({},1,1e7)"), "-ERR user_script:1: too many results to unpack");
  EXPECT_EQ(EvalError("return string.find(string.rep('a',1e5), string.rep('a?',1e5))"),
            "-ERR user_script:1: pattern too complex");
  EXPECT_EQ(EvalError("return string.gsub('a', string.rep('(',1e5), '')"),
            "-ERR user_script:1: pattern too complex");
  EXPECT_EQ(Eval("return (string.find(string.rep('a',4999), string.rep('a?',4999)))"), ":1\r\n");
  EXPECT_NE(Eval("return cjson.decode(string.rep('[',100000))").find("too many nested"),
            std::string::npos);
  EXPECT_NE(Eval("local t = {} t[1] = t return cjson.encode(t)").find("excessive nesting"),
            std::string::npos);
  EXPECT_TRUE(Eval("local t = {} t[1] = t return #cmsgpack.pack(t)").starts_with(":"));
  EXPECT_TRUE(Eval("return cmsgpack.unpack(string.rep('\\145',200000))").starts_with("-ERR"));
}

TEST_F(SandboxTest, OneScriptDoesNotDisturbTheNext) {
  Eval("collectgarbage('stop')");
  EXPECT_EQ(Eval("local n = 0 for i=1,1e6 do n = #tostring(i) end return n"), ":7\r\n");
  EvalError("return string.rep('a',1e10)");
  EXPECT_EQ(Eval("return #KEYS", {"a", "b"}), ":2\r\n");
}

}  // namespace
}  // namespace hearth
