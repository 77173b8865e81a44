// Tested by tests/src/scripting/cjson_test.cc.
//
// The library `cjson`, with a bound: its text is no memory of Lua's, and a table that is found in
// many places is written in each of them, so what is to be encoded is measured first.
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "engine/check.h"
#include "src/scripting/interpreter.h"

extern "C" {
int luaopen_cjson(lua_State* lua);
}

namespace hearth {
namespace {

// Upvalues of Encode. The library's own stands first, where its function looks for it: that is
// called as if it were Encode, so that its errors name the line of the script.
constexpr int kEncode = 2, kSparseArray = 3, kKeepBuffer = 4, kMaxDepth = 5;
// The library keeps its buffer for the next time; a larger one is given back.
constexpr size_t kKeptBytesMax = 1024 * 1024;
constexpr int kNestingMax = 1000;    // the library's own, unless a script has changed it
constexpr size_t kEscapedBytes = 6;  // "\u0001"
constexpr size_t kNumberBytesMax = 24;

// What a byte of a text becomes, as the library escapes it.
constexpr std::array<uint8_t, 256> kEscapedSizes = [] {
  std::array<uint8_t, 256> sizes{};
  for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = i < 32 || i == 127 ? kEscapedBytes : 1;
  for (const char c : std::string_view("\b\t\n\f\r\"\\/")) sizes[static_cast<uint8_t>(c)] = 2;
  return sizes;
}();

// Adds up what a value takes as JSON until that exceeds a bound.
class JsonSize {
 public:
  // exact: texts are read for what is to be escaped; else the most they can take is counted.
  JsonSize(lua_State* lua, bool exact, size_t bytes_max)
      : lua_(lua), exact_(exact), bytes_left_(bytes_max) {}

  size_t bytes_left() const { return bytes_left_; }

  // Of the value on top of the stack, which stays. False: too much.
  bool Add(int depth) {
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING:
        return AddText(-1);
      case LUA_TNUMBER:
        return AddNumber();
      case LUA_TTABLE:
        return AddTable(depth);
      default:
        return Take(5);  // "false"
    }
  }

 private:
  bool Take(size_t bytes) {
    if (bytes > bytes_left_) return false;
    bytes_left_ -= bytes;
    return true;
  }

  bool AddText(int index) {
    size_t size;
    const char* const bytes = lua_tolstring(lua_, index, &size);
    if (!exact_) return Take(size * kEscapedBytes + 2);
    size_t escaped = 2;
    for (const char c : std::string_view(bytes, size)) {
      escaped += kEscapedSizes[static_cast<uint8_t>(c)];
    }
    return Take(escaped);
  }

  bool AddNumber() {
    lua_Number rest = std::abs(lua_tonumber(lua_, -1));
    if (!exact_ || rest >= 1e14 || rest != std::floor(rest)) return Take(kNumberBytesMax);
    size_t size = 2;
    for (; rest >= 10; rest /= 10) ++size;
    return Take(size);
  }

  // With a separator for each element.
  bool AddTable(int depth) {
    if (depth >= kNestingMax && depth >= DepthMax()) return true;  // the library will refuse it
    if (!lua_checkstack(lua_, 4) || !Take(2)) return false;
    lua_Number count = 0, last = 0;
    size_t key_bytes = 0;  // of numbers, which only an object names
    bool is_array = true;
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0; lua_pop(lua_, 1)) {
      const lua_Number key = lua_type(lua_, -2) == LUA_TNUMBER ? lua_tonumber(lua_, -2) : 0;
      is_array = is_array && key > 0 && std::floor(key) == key;
      last = std::max(last, key);
      ++count;
      const bool is_text = lua_type(lua_, -2) == LUA_TSTRING;
      if (!is_text) key_bytes += kNumberBytesMax;
      if ((is_text && !AddText(-2)) || !Take(2) || !Add(depth + 1)) return false;
    }
    return is_array && !IsSparse(last, count) ? AddHoles(last - count) : Take(key_bytes);
  }

  // Whether the library refuses to write an array or writes an object in its place: it does
  // either, by default, beyond ten elements of which most are missing.
  bool IsSparse(lua_Number last, lua_Number count) {
    lua_pushvalue(lua_, lua_upvalueindex(kSparseArray));
    lua_call(lua_, 0, 3);
    const lua_Number ratio = lua_tonumber(lua_, -2), safe = lua_tonumber(lua_, -1);
    lua_pop(lua_, 3);
    return ratio > 0 && last > count * ratio && last > safe;
  }

  // "null," for what an array lacks.
  bool AddHoles(lua_Number count) {
    const lua_Number bytes = count * 5;
    return bytes <= static_cast<lua_Number>(bytes_left_) && Take(static_cast<size_t>(bytes));
  }

  lua_Number DepthMax() {
    lua_pushvalue(lua_, lua_upvalueindex(kMaxDepth));
    lua_call(lua_, 0, 1);
    const lua_Number depth_max = lua_tonumber(lua_, -1);
    lua_pop(lua_, 1);
    return depth_max;
  }

  lua_State* lua_;
  bool exact_;
  size_t bytes_left_;
};

// At least what the value takes as JSON; nothing: more than the bound.
std::optional<size_t> SizeMax(lua_State* lua, size_t bytes_max) {
  for (const bool exact : {false, true}) {
    JsonSize size(lua, exact, bytes_max);
    const bool fits = size.Add(0);
    lua_settop(lua, 1);  // a walk that ended early has left its way
    if (fits) return bytes_max - size.bytes_left();
  }
  return std::nullopt;
}

// Whether the library keeps its buffer; not negative: whether it is to from now on.
bool KeepBuffer(lua_State* lua, int keep) {
  lua_pushvalue(lua, lua_upvalueindex(kKeepBuffer));
  if (keep >= 0) lua_pushboolean(lua, keep);
  lua_call(lua, keep >= 0 ? 1 : 0, 1);
  const bool keeps = lua_toboolean(lua, -1) != 0;
  lua_pop(lua, 1);
  return keeps;
}

// cjson.encode(value)
int Encode(lua_State* lua) {
  const lua_CFunction encode = lua_tocfunction(lua, lua_upvalueindex(kEncode));
  if (lua_gettop(lua) != 1) return encode(lua);  // an error
  const std::optional<size_t> size_max = SizeMax(lua, Interpreter::Of(lua).memory().bytes_max());
  if (!size_max) RaiseText(lua, "not enough memory");
  if (*size_max <= kKeptBytesMax || !KeepBuffer(lua, -1)) return encode(lua);
  KeepBuffer(lua, 0);
  try {
    const int count = encode(lua);
    KeepBuffer(lua, 1);
    return count;
  } catch (...) {  // an error of Lua
    KeepBuffer(lua, 1);
    throw;
  }
}

}  // namespace

int OpenCjson(lua_State* lua) {
  luaopen_cjson(lua);
  const int library = lua_gettop(lua);
  lua_getfield(lua, library, "encode");
  HEARTH_CHECK(lua_getupvalue(lua, -1, 1) != nullptr && lua_getupvalue(lua, -2, 2) == nullptr);
  lua_insert(lua, -2);
  lua_getfield(lua, library, "encode_sparse_array");
  lua_getfield(lua, library, "encode_keep_buffer");
  lua_getfield(lua, library, "encode_max_depth");
  lua_pushcclosure(lua, Encode, kMaxDepth);
  lua_setfield(lua, library, "encode");
  return 1;
}

}  // namespace hearth
