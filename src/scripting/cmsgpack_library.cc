// Tested by tests/src/scripting/cmsgpack_test.cc.
//
// The library `cmsgpack`: Lua values to and from MessagePack (https://msgpack.org, the
// specification), with the choices of Redis' library: numbers that are integers are packed as
// the shortest integer, others as doubles; a table whose keys are exactly 1..n is an array, else a
// map; what nests deeper than kNestingMax is packed as nil.
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "src/scripting/interpreter.h"

namespace hearth {
namespace {

constexpr int kNestingMax = 16;

void AppendBigEndian(uint64_t value, int size, std::string* out) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) {
    *out += static_cast<char>(value >> shift & 0xff);
  }
}

class Packer {
 public:
  Packer(lua_State* lua, std::string* out) : lua_(lua), out_(out) {}

  // Packs the value on top of the stack and pops it.
  void Pack(int depth) {
    luaL_checkstack(lua_, 4, "in function mp_encode_lua_type");
    int type = lua_type(lua_, -1);
    if (type == LUA_TTABLE && depth == kNestingMax) type = LUA_TNIL;
    switch (type) {
      case LUA_TSTRING: {
        size_t size;
        const char* const bytes = lua_tolstring(lua_, -1, &size);
        String({bytes, size});
        break;
      }
      case LUA_TBOOLEAN:
        *out_ += lua_toboolean(lua_, -1) ? '\xc3' : '\xc2';
        break;
      case LUA_TNUMBER:
        Number(lua_tonumber(lua_, -1));
        break;
      case LUA_TTABLE:
        IsArray() ? Array(depth) : Map(depth);
        break;
      default:
        *out_ += '\xc0';
    }
    lua_pop(lua_, 1);
    CheckSize();
  }

 private:
  // The text is no memory of Lua's: its bound is the same.
  void CheckSize() {
    if (out_->size() > Interpreter::Of(lua_).memory().bytes_max()) {
      RaiseText(lua_, "not enough memory");
    }
  }

  void Head(uint64_t size, char small, uint64_t small_max, char of8, char of16, char of32) {
    if (size <= small_max) {
      *out_ += static_cast<char>(static_cast<uint8_t>(small) | size);
    } else if (size <= 0xff && of8 != 0) {
      *out_ += of8;
      AppendBigEndian(size, 1, out_);
    } else if (size <= 0xffff) {
      *out_ += of16;
      AppendBigEndian(size, 2, out_);
    } else {
      *out_ += of32;
      AppendBigEndian(size, 4, out_);
    }
  }

  void String(std::string_view text) {
    Head(text.size(), '\xa0', 31, '\xd9', '\xda', '\xdb');
    out_->append(text);
  }

  void Number(double number) {
    constexpr double kLimit = 9223372036854775808.0;
    if (number >= -kLimit && number < kLimit && std::trunc(number) == number) {
      return Integer(static_cast<int64_t>(number));
    }
    const auto narrow = static_cast<float>(number);
    if (static_cast<double>(narrow) == number) {
      *out_ += '\xca';
      return AppendBigEndian(std::bit_cast<uint32_t>(narrow), 4, out_);
    }
    *out_ += '\xcb';
    AppendBigEndian(std::bit_cast<uint64_t>(number), 8, out_);
  }

  void Integer(int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    if (value >= 0) {
      if (value <= 0x7f) return AppendBigEndian(bits, 1, out_);
      const int size = value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8;
      *out_ += static_cast<char>(0xcc + std::countr_zero(static_cast<unsigned>(size)));
      return AppendBigEndian(bits, size, out_);
    }
    if (value >= -32) return AppendBigEndian(bits & 0xff, 1, out_);
    const int size = value >= INT8_MIN ? 1 : value >= INT16_MIN ? 2 : value >= INT32_MIN ? 4 : 8;
    *out_ += static_cast<char>(0xd0 + std::countr_zero(static_cast<unsigned>(size)));
    AppendBigEndian(bits, size, out_);
  }

  // Whether the keys are 1..n, each once.
  bool IsArray() {
    int64_t count = 0;
    double max = 0;
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0;) {
      lua_pop(lua_, 1);
      const double key = lua_type(lua_, -1) == LUA_TNUMBER ? lua_tonumber(lua_, -1) : -1;
      if (key <= 0 || std::trunc(key) != key) {
        lua_pop(lua_, 1);
        return false;
      }
      ++count;
      max = std::max(max, key);
    }
    return max == static_cast<double>(count);
  }

  void Array(int depth) {
    const size_t count = lua_objlen(lua_, -1);
    Head(count, '\x90', 15, 0, '\xdc', '\xdd');
    for (size_t i = 1; i <= count; ++i) {
      lua_rawgeti(lua_, -1, static_cast<int>(i));
      Pack(depth + 1);
    }
  }

  void Map(int depth) {
    size_t count = 0;
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0; lua_pop(lua_, 1)) ++count;
    Head(count, '\x80', 15, 0, '\xde', '\xdf');
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      lua_pushvalue(lua_, -2);
      Pack(depth + 1);
      Pack(depth + 1);
    }
  }

  lua_State* lua_;
  std::string* out_;
};

class Unpacker {
 public:
  Unpacker(lua_State* lua, std::string_view bytes) : lua_(lua), rest_(bytes) {}

  std::string_view rest() const { return rest_; }

  // Pushes the next value.
  void Unpack() {
    const auto type = static_cast<uint8_t>(Take(1)[0]);
    if (type <= 0x7f) return lua_pushnumber(lua_, type);
    if (type >= 0xe0) return lua_pushnumber(lua_, static_cast<int8_t>(type));
    if (type >= 0xa0 && type <= 0xbf) return String(type & 0x1f);
    if (type >= 0x90 && type <= 0x9f) return Array(type & 0x0f);
    if (type >= 0x80 && type <= 0x8f) return Map(type & 0x0f);
    Typed(type);
  }

 private:
  [[noreturn]] void Fail(const char* text) {
    luaL_error(lua_, "%s", text);
    __builtin_unreachable();
  }

  std::string_view Take(uint64_t size) {
    if (size > rest_.size()) Fail("Missing bytes in input.");
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  uint64_t Unsigned(int size) {
    uint64_t value = 0;
    for (const char c : Take(static_cast<uint64_t>(size))) {
      value = value << 8 | static_cast<uint8_t>(c);
    }
    return value;
  }

  void Typed(uint8_t type) {
    switch (type) {
      case 0xc0:
        return lua_pushnil(lua_);
      case 0xc2:
      case 0xc3:
        return lua_pushboolean(lua_, type == 0xc3);
      case 0xca:
        return lua_pushnumber(lua_, std::bit_cast<float>(static_cast<uint32_t>(Unsigned(4))));
      case 0xcb:
        return lua_pushnumber(lua_, std::bit_cast<double>(Unsigned(8)));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return lua_pushnumber(lua_, static_cast<lua_Number>(Unsigned(1 << (type - 0xcc))));
      case 0xd0:
        return lua_pushnumber(lua_, static_cast<int8_t>(Unsigned(1)));
      case 0xd1:
        return lua_pushnumber(lua_, static_cast<int16_t>(Unsigned(2)));
      case 0xd2:
        return lua_pushnumber(lua_, static_cast<int32_t>(Unsigned(4)));
      case 0xd3:
        return lua_pushnumber(lua_, static_cast<lua_Number>(static_cast<int64_t>(Unsigned(8))));
      case 0xc4:
      case 0xd9:
        return String(Unsigned(1));
      case 0xc5:
      case 0xda:
        return String(Unsigned(2));
      case 0xc6:
      case 0xdb:
        return String(Unsigned(4));
      case 0xdc:
        return Array(Unsigned(2));
      case 0xdd:
        return Array(Unsigned(4));
      case 0xde:
        return Map(Unsigned(2));
      case 0xdf:
        return Map(Unsigned(4));
      default:
        Fail("Bad data format in input.");
    }
  }

  void String(uint64_t size) {
    const std::string_view bytes = Take(size);
    lua_pushlstring(lua_, bytes.data(), bytes.size());
  }

  // The count is the sender's word: nothing is allocated by it. Lua bounds the C stack's depth by
  // its own stack's size (luaL_checkstack).
  void Array(uint64_t count) {
    luaL_checkstack(lua_, 3, "in function mp_decode_to_lua_array");
    lua_newtable(lua_);
    for (uint64_t i = 1; i <= count; ++i) {
      lua_pushnumber(lua_, static_cast<lua_Number>(i));
      Unpack();
      lua_settable(lua_, -3);
    }
  }

  void Map(uint64_t count) {
    luaL_checkstack(lua_, 4, "in function mp_decode_to_lua_hash");
    lua_newtable(lua_);
    for (uint64_t i = 0; i < count; ++i) {
      Unpack();
      if (lua_isnil(lua_, -1)) Fail("Bad data format in input.");
      Unpack();
      lua_settable(lua_, -3);
    }
  }

  lua_State* lua_;
  std::string_view rest_;
};

// cmsgpack.pack(value...) -> the values behind each other
int Pack(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
  std::string out;
  for (int i = 1; i <= count; ++i) {
    lua_pushvalue(lua, i);
    Packer(lua, &out).Pack(0);
  }
  lua_pushlstring(lua, out.data(), out.size());
  return 1;
}

// With an offset before the values: where the rest begins, -1 at the end.
int UnpackSome(lua_State* lua, int64_t limit, int64_t offset) {
  size_t size;
  const char* const bytes = luaL_checklstring(lua, 1, &size);
  if (offset < 0 || limit < 0) {
    return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.",
                      static_cast<int>(offset), static_cast<int>(limit));
  }
  if (static_cast<uint64_t>(offset) > size) {
    return luaL_error(lua, "Start offset %d greater than input length %d.",
                      static_cast<int>(offset), static_cast<int>(size));
  }
  const bool all = limit == 0 && offset == 0;
  lua_settop(lua, 1);
  Unpacker unpacker(lua, {bytes + offset, size - static_cast<size_t>(offset)});
  int64_t count = 0;
  for (; !unpacker.rest().empty() && (all || count < limit); ++count) {
    luaL_checkstack(lua, 2, "too many return values at once; use unpack_one or unpack_limit");
    unpacker.Unpack();
  }
  if (all) return static_cast<int>(count);
  const auto next = static_cast<lua_Number>(size - unpacker.rest().size());
  lua_pushnumber(lua, unpacker.rest().empty() ? -1 : next);
  lua_insert(lua, 2);
  return static_cast<int>(count) + 1;
}

int Unpack(lua_State* lua) {
  return UnpackSome(lua, 0, 0);
}

int UnpackOne(lua_State* lua) {
  const auto offset = static_cast<int64_t>(luaL_optnumber(lua, 2, 0));
  return UnpackSome(lua, 1, offset);
}

int UnpackLimit(lua_State* lua) {
  const auto limit = static_cast<int64_t>(luaL_checknumber(lua, 2));
  const auto offset = static_cast<int64_t>(luaL_optnumber(lua, 3, 0));
  return UnpackSome(lua, limit, offset);
}

}  // namespace

int OpenCmsgpack(lua_State* lua) {
  constexpr luaL_Reg kFunctions[] = {
      {"pack", Pack}, {"unpack", Unpack}, {"unpack_one", UnpackOne}, {"unpack_limit", UnpackLimit}};
  lua_newtable(lua);
  for (const luaL_Reg& row : kFunctions) {
    lua_pushcfunction(lua, row.func);
    lua_setfield(lua, -2, row.name);
  }
  lua_pushliteral(lua, "cmsgpack");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "lua-cmsgpack 0.4.0");
  lua_setfield(lua, -2, "_VERSION");
  lua_pushliteral(lua, "Copyright (C) 2012, Salvatore Sanfilippo");
  lua_setfield(lua, -2, "_COPYRIGHT");
  lua_pushliteral(lua, "MessagePack C implementation for Lua");
  lua_setfield(lua, -2, "_DESCRIPTION");
  return 1;
}

}  // namespace hearth
