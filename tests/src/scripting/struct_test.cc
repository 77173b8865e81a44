// The library struct.
#include "src/scripting/interpreter.h"
#include "tests/src/scripting/script_fixture.h"

namespace hearth {
namespace {

class Struct : public ScriptFixture {};

TEST_F(Struct, PacksByFormat) {
  EXPECT_EQ(Eval("return struct.pack('>I2i4b',1,-2,3)"),
            WireBulk(std::string("\x00\x01\xff\xff\xff\xfe\x03", 7)));
  EXPECT_EQ(Eval("return struct.pack('<I2sc2',258,'ab','xyz')"), WireBulk(std::string("\x02\x01"
                                                                                      "ab\0xy",
                                                                                      7)));
  EXPECT_EQ(Eval("return {struct.unpack('>I2i4',struct.pack('>I2i4',1,-2))}"),
            "*3\r\n:1\r\n:-2\r\n:7\r\n");
  EXPECT_EQ(Eval("return {struct.unpack('bc0',struct.pack('bc0',3,'abc'))}"),
            "*2\r\n$3\r\nabc\r\n:5\r\n");
  EXPECT_EQ(Eval("return struct.size('!bi4h')"), ":10\r\n");
  EXPECT_EQ(Eval("return tostring(struct.unpack('d',struct.pack('d',2.5)))"), WireBulk("2.5"));
}

TEST_F(Struct, SizesDoNotOverflow) {
  EXPECT_EQ(EvalError("return struct.pack('i33',1)"),
            "-ERR user_script:1: integral size 33 is larger than limit of 32");
  EXPECT_EQ(EvalError("return struct.pack('i99999999999',1)"),
            "-ERR user_script:1: integral size overflow");
  EXPECT_TRUE(Eval("return struct.unpack('c2147483647','abc')").starts_with("-ERR"));
  EXPECT_TRUE(Eval("return struct.unpack('b','abc',2147483647)").starts_with("-ERR"));
  EXPECT_TRUE(Eval("return struct.unpack('b','abc',-1)").starts_with("-ERR"));
  EXPECT_TRUE(Eval("return struct.unpack('bc0','\\255abc')").starts_with("-ERR"));
  EXPECT_TRUE(Eval("return struct.size('c2147483647c2147483647')").starts_with("-ERR"));
  EXPECT_TRUE(Eval("return struct.size(string.rep('c2147483647',100))").starts_with("-ERR"));
}

TEST_F(Struct, BitsWrapAround) {
  EXPECT_EQ(Eval("return {bit.tobit(2^31),bit.lshift(1,32),bit.rol(1,33),bit.tohex(-1)}"),
            "*4\r\n:-2147483648\r\n:1\r\n:2\r\n$8\r\nffffffff\r\n");
  EXPECT_TRUE(Eval("return bit.tobit(1e308)").starts_with(":"));
}

// One string may stand in thousands of arguments.
TEST_F(Struct, WhatIsPackedIsBounded) {
  Run("CONFIG SET script-memory-limit 16mb");
  EXPECT_EQ(EvalError("local t = {} local s = string.rep('x',1000000) "
                      "for i=1,100 do t[i] = s end "
                      "return #struct.pack(string.rep('s',100),unpack(t))"),
            "-ERR not enough memory");
}

}  // namespace
}  // namespace hearth
