// The library cmsgpack: the bytes that MessagePack's specification names, and bytes that are none.
#include "src/scripting/interpreter.h"
#include "tests/src/scripting/script_fixture.h"

namespace hearth {
namespace {

class Cmsgpack : public ScriptFixture {
 protected:
  std::string Packed(const std::string& values) {
    return Eval("return cmsgpack.pack(" + values + ")");
  }
};

TEST_F(Cmsgpack, NumbersTakeTheShortestForm) {
  EXPECT_EQ(Packed("1,127"), WireBulk("\x01\x7f"));
  EXPECT_EQ(Packed("128,256"), WireBulk(std::string("\xcc\x80\xcd\x01\x00", 5)));
  EXPECT_EQ(Packed("-1,-32,-33"), WireBulk("\xff\xe0\xd0\xdf"));
  EXPECT_EQ(Packed("65536"), WireBulk(std::string("\xce\x00\x01\x00\x00", 5)));
  EXPECT_EQ(Packed("1.5"), WireBulk(std::string("\xca\x3f\xc0\x00\x00", 5)));
  EXPECT_EQ(Packed("0.1"), WireBulk("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"));
}

TEST_F(Cmsgpack, TablesAreArraysOrMaps) {
  EXPECT_EQ(Packed("{1,2}"), WireBulk("\x92\x01\x02"));
  EXPECT_EQ(Packed("{a=1}"), WireBulk("\x81\xa1"
                                      "a\x01"));
  EXPECT_EQ(Packed("{}"), WireBulk("\x90"));
  EXPECT_EQ(Eval("return {cmsgpack.unpack(cmsgpack.pack(1,'x',{1,2}))}"),
            "*3\r\n:1\r\n$1\r\nx\r\n*2\r\n:1\r\n:2\r\n");
  EXPECT_EQ(Eval("return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),2)}"),
            "*3\r\n:2\r\n:1\r\n:2\r\n");
}

TEST_F(Cmsgpack, WhatIsNoMessageIsAnError) {
  EXPECT_EQ(EvalError("return cmsgpack.unpack('\\221')"),
            "-ERR user_script:1: Missing bytes in input.");
  EXPECT_EQ(EvalError("return cmsgpack.unpack('\\193')"),
            "-ERR user_script:1: Bad data format in input.");
  // Announced sizes allocate nothing.
  EXPECT_EQ(EvalError("return cmsgpack.unpack('\\221\\255\\255\\255\\255')").substr(0, 4), "-ERR");
  EXPECT_EQ(EvalError("return cmsgpack.unpack('\\219\\255\\255\\255\\255')"),
            "-ERR user_script:1: Missing bytes in input.");
}

// Tables that share their parts would grow without a bound.
TEST_F(Cmsgpack, TheResultIsBounded) {
  Run("CONFIG SET script-memory-limit 16mb");
  EXPECT_EQ(EvalError("local t = string.rep('x',1000) for i=1,15 do t = {t,t,t,t} end "
                      "return #cmsgpack.pack(t)"),
            "-ERR not enough memory");
}

}  // namespace
}  // namespace hearth
