// Tested by tests/src/scripting/struct_test.cc.
//
// The library `struct`: values to and from bytes by a format, as Roberto Ierusalimschy's library
// of that name defines it (http://www.inf.puc-rio.br/~roberto/struct).
//
//   format = { option }
//   option = '<' | '>' | '='          little-endian, big-endian, the machine's
//          | '!' [n]                  aligned to at most n bytes (8)
//          | 'b' | 'B' | 'h' | 'H' | 'l' | 'L' | 'T' | 'i' [n] | 'I' [n]    integers; n <= 32
//          | 'f' | 'd' | 's' | 'c' [n] | 'x' | ' '
//   's' ends with a zero byte; 'c0' takes its size from the number before it when it is read
#include <bit>
#include <climits>
#include <cstring>
#include <optional>
#include <string>

#include "src/scripting/interpreter.h"

namespace hearth {
namespace {

constexpr size_t kIntegerSizeMax = 32;
constexpr size_t kAlignmentMax = 8;

class FormatReader {
 public:
  FormatReader(lua_State* lua, const char* format) : lua_(lua), next_(format) {}

  struct Option {
    char type;
    size_t size;
    size_t padding;  // before it, for a value at the offset that was given
  };

  // The next option of a value or a padding byte; nullopt at the end.
  std::optional<Option> Next(size_t offset) {
    while (*next_ != '\0') {
      const char type = *next_++;
      if (TakeControl(type)) continue;
      const size_t size = SizeOf(type);
      return Option{type, size, PaddingOf(type, size, offset)};
    }
    return std::nullopt;
  }

  bool little_endian() const { return little_endian_; }

 private:
  bool TakeControl(char type) {
    switch (type) {
      case ' ':
        return true;
      case '>':
        little_endian_ = false;
        return true;
      case '<':
      case '=':
        little_endian_ = true;
        return true;
      case '!': {
        const size_t alignment = Number(kAlignmentMax);
        if (!std::has_single_bit(alignment)) {
          luaL_error(lua_, "alignment %d is not a power of 2", static_cast<int>(alignment));
        }
        alignment_ = alignment;
        return true;
      }
      default:
        return false;
    }
  }

  size_t SizeOf(char type) {
    switch (type) {
      case 'b':
      case 'B':
      case 'x':
        return 1;
      case 'h':
      case 'H':
        return 2;
      case 'f':
        return 4;
      case 'l':
      case 'L':
      case 'T':
      case 'd':
        return 8;
      case 's':
        return 0;
      case 'c':
        return Number(1);
      case 'i':
      case 'I': {
        const size_t size = Number(4);
        if (size > kIntegerSizeMax) {
          luaL_error(lua_, "integral size %d is larger than limit of %d", static_cast<int>(size),
                     static_cast<int>(kIntegerSizeMax));
        }
        return size;
      }
      default:
        luaL_argerror(lua_, 1, lua_pushfstring(lua_, "invalid format option '%c'", type));
        return 0;
    }
  }

  size_t PaddingOf(char type, size_t size, size_t offset) const {
    if (size == 0 || type == 'c' || type == 'x') return 0;
    const size_t alignment = std::min(size, alignment_);
    return alignment <= 1 ? 0 : (alignment - (offset & (alignment - 1))) & (alignment - 1);
  }

  size_t Number(size_t absent) {
    if (*next_ < '0' || *next_ > '9') return absent;
    size_t number = 0;
    while (*next_ >= '0' && *next_ <= '9') {
      const auto digit = static_cast<size_t>(*next_++ - '0');
      if (number > (static_cast<size_t>(INT_MAX) - digit) / 10) {
        luaL_error(lua_, "integral size overflow");
      }
      number = number * 10 + digit;
    }
    return number;
  }

  lua_State* lua_;
  const char* next_;
  bool little_endian_ = true;
  size_t alignment_ = 1;
};

// Beyond 8 bytes stand zeros, whatever the sign, as in Redis.
void AppendInteger(uint64_t value, size_t size, bool little_endian, std::string* out) {
  char bytes[kIntegerSizeMax];
  for (size_t i = 0; i < size; ++i) {
    const uint64_t byte = i < 8 ? value >> (8 * i) & 0xff : 0;
    bytes[little_endian ? i : size - 1 - i] = static_cast<char>(byte);
  }
  out->append(bytes, size);
}

uint64_t ReadInteger(const char* bytes, size_t size, bool little_endian, bool is_signed) {
  uint64_t value = 0;
  for (size_t i = std::min<size_t>(size, 8); i-- > 0;) {
    value = value << 8 | static_cast<uint8_t>(bytes[little_endian ? i : size - 1 - i]);
  }
  if (is_signed && size > 0 && size < 8) {
    const uint64_t sign = uint64_t{1} << (8 * size - 1);
    value = (value ^ sign) - sign;
  }
  return value;
}

uint64_t ToInteger(lua_Number number) {
  constexpr lua_Number kLimit = 9223372036854775808.0;
  if (number < 0) {
    return number >= -kLimit ? static_cast<uint64_t>(static_cast<int64_t>(number))
                             : uint64_t{1} << 63;
  }
  if (number < kLimit) return static_cast<uint64_t>(number);
  return number < 2 * kLimit ? static_cast<uint64_t>(number) : uint64_t{1} << 63;
}

void AppendValue(lua_State* lua, const FormatReader::Option& option, bool little_endian, int arg,
                 std::string* out) {
  switch (option.type) {
    case 'f': {
      const auto number = static_cast<float>(luaL_checknumber(lua, arg));
      return AppendInteger(std::bit_cast<uint32_t>(number), 4, little_endian, out);
    }
    case 'd':
      return AppendInteger(std::bit_cast<uint64_t>(luaL_checknumber(lua, arg)), 8, little_endian,
                           out);
    case 'c':
    case 's': {
      size_t size;
      const char* const bytes = luaL_checklstring(lua, arg, &size);
      const size_t wanted = option.size == 0 ? size : option.size;
      luaL_argcheck(lua, size >= wanted, arg + 1, "string too short");
      // The text is no memory of Lua's, and one string may stand in all arguments.
      if (wanted > Interpreter::Of(lua).memory().bytes_max() - out->size()) {
        RaiseText(lua, "not enough memory");
      }
      out->append(bytes, wanted);
      if (option.type == 's') *out += '\0';
      return;
    }
    default: {
      const lua_Number number = luaL_checknumber(lua, arg);
      AppendInteger(ToInteger(number), option.size, little_endian, out);
    }
  }
}

// struct.pack(format, value...)
int Pack(lua_State* lua) {
  FormatReader format(lua, luaL_checkstring(lua, 1));
  lua_pushnil(lua);  // what is missing is shown as nil
  std::string out;
  int arg = 2;
  const size_t bytes_max = Interpreter::Of(lua).memory().bytes_max();
  while (const auto option = format.Next(out.size())) {
    if (out.size() > bytes_max - 2 * kIntegerSizeMax) RaiseText(lua, "not enough memory");
    out.append(option->padding, '\0');
    if (option->type == 'x') {
      out += '\0';
    } else {
      AppendValue(lua, *option, format.little_endian(), arg++, &out);
    }
  }
  lua_pushlstring(lua, out.data(), out.size());
  return 1;
}

// Pushes a value that stands at `at`; returns the size of its text, for 's' and 'c'.
size_t PushText(lua_State* lua, const FormatReader::Option& option, std::string_view data,
                size_t at, int first_result) {
  if (option.type == 's') {
    const size_t end = data.find('\0', at);
    if (end == std::string_view::npos) luaL_error(lua, "unfinished string in data");
    lua_pushlstring(lua, data.data() + at, end - at);
    return end - at + 1;
  }
  size_t size = option.size;
  if (size == 0) {
    if (lua_gettop(lua) < first_result || !lua_isnumber(lua, -1)) {
      luaL_error(lua, "format 'c0' needs a previous size");
    }
    const lua_Number given = lua_tonumber(lua, -1);
    lua_pop(lua, 1);
    luaL_argcheck(lua, given >= 0 && given <= static_cast<lua_Number>(data.size() - at), 2,
                  "data string too short");
    size = static_cast<size_t>(given);
  }
  lua_pushlstring(lua, data.data() + at, size);
  return size;
}

void PushNumber(lua_State* lua, const FormatReader::Option& option, const char* bytes,
                bool little_endian) {
  const bool is_signed = std::islower(static_cast<unsigned char>(option.type)) != 0;
  const bool is_float = option.type == 'f' || option.type == 'd';
  const uint64_t bits = ReadInteger(bytes, option.size, little_endian, is_signed && !is_float);
  if (option.type == 'f') {
    lua_pushnumber(lua, std::bit_cast<float>(static_cast<uint32_t>(bits)));
  } else if (option.type == 'd') {
    lua_pushnumber(lua, std::bit_cast<double>(bits));
  } else if (is_signed) {
    lua_pushnumber(lua, static_cast<lua_Number>(static_cast<int64_t>(bits)));
  } else {
    lua_pushnumber(lua, static_cast<lua_Number>(bits));
  }
}

// struct.unpack(format, data [, position]) -> value..., the position behind them
int Unpack(lua_State* lua) {
  FormatReader format(lua, luaL_checkstring(lua, 1));
  size_t data_size;
  const char* const bytes = luaL_checklstring(lua, 2, &data_size);
  const std::string_view data(bytes, data_size);
  const lua_Integer position = luaL_optinteger(lua, 3, 1);
  luaL_argcheck(lua, position > 0, 2, "data string too short");
  size_t at = static_cast<size_t>(position) - 1;
  lua_settop(lua, 2);
  while (const auto option = format.Next(at)) {
    at += option->padding;
    luaL_argcheck(lua, at <= data_size && option->size <= data_size - at, 2,
                  "data string too short");
    luaL_checkstack(lua, 3, "too many results");
    if (option->type == 'x') {
      ++at;
    } else if (option->type == 'c' || option->type == 's') {
      at += PushText(lua, *option, data, at, /*first_result=*/3);
    } else {
      PushNumber(lua, *option, bytes + at, format.little_endian());
      at += option->size;
    }
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(at + 1));
  return lua_gettop(lua) - 2;
}

// struct.size(format)
int Size(lua_State* lua) {
  FormatReader format(lua, luaL_checkstring(lua, 1));
  size_t size = 0;
  while (const auto option = format.Next(size)) {
    if (option->type == 's') luaL_argerror(lua, 1, "option 's' has no fixed size");
    if (option->type == 'c' && option->size == 0) {
      luaL_argerror(lua, 1, "option 'c0' has no fixed size");
    }
    size += option->padding + option->size;
    luaL_argcheck(lua, size <= INT_MAX, 1, "integral size overflow");
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(size));
  return 1;
}

}  // namespace

int OpenStruct(lua_State* lua) {
  constexpr luaL_Reg kFunctions[] = {{"pack", Pack}, {"unpack", Unpack}, {"size", Size}};
  lua_newtable(lua);
  for (const luaL_Reg& row : kFunctions) {
    lua_pushcfunction(lua, row.func);
    lua_setfield(lua, -2, row.name);
  }
  return 1;
}

}  // namespace hearth
