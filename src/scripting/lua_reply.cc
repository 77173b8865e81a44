// Tested by tests/src/scripting/lua_reply_test.cc.
#include "src/scripting/lua_reply.h"

#include <charconv>
#include <cstdlib>
#include <string>

#include "engine/check.h"

namespace hearth {
namespace {

void PushString(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}

void SetStringField(lua_State* lua, const char* name, std::string_view text) {
  PushString(lua, text);
  lua_setfield(lua, -2, name);
}

class ReplyReader {
 public:
  ReplyReader(lua_State* lua, std::string_view resp) : lua_(lua), rest_(resp) {}

  void Push() {
    luaL_checkstack(lua_, 6, "reply is nested too deeply");
    const char type = rest_[0];
    const std::string_view line = TakeLine();
    switch (type) {
      case ':':
        return lua_pushnumber(lua_, static_cast<lua_Number>(Number(line)));
      case '$':
        return line == "-1" ? lua_pushboolean(lua_, 0) : PushString(lua_, TakeBytes(line));
      case '+':
        lua_createtable(lua_, 0, 1);
        return SetStringField(lua_, "ok", line);
      case '-':
        return PushError(lua_, std::string_view(line.data() - 1, line.size() + 1));
      case '*':
        return line == "-1" ? lua_pushboolean(lua_, 0) : PushArray(Number(line));
      default:
        return PushTyped(type, line);
    }
  }

 private:
  // What only RESP3 has.
  void PushTyped(char type, std::string_view line) {
    switch (type) {
      case '_':
        return lua_pushnil(lua_);
      case '#':
        return lua_pushboolean(lua_, line == "t");
      case ',':
        lua_createtable(lua_, 0, 1);
        lua_pushnumber(lua_, std::strtod(std::string(line).c_str(), nullptr));
        return lua_setfield(lua_, -2, "double");
      case '(':
        lua_createtable(lua_, 0, 1);
        return SetStringField(lua_, "big_number", line);
      case '=':
        return PushVerbatim(TakeBytes(line));
      case '|':
        return PushBehindAttribute(Number(line));
      case '>':
        return lua_pushnil(lua_);  // nothing that scripts know
      case '%':
        return PushMap(Number(line));
      case '~':
        return PushSet(Number(line));
      default:
        HEARTH_CHECK(false);
    }
  }

  void PushArray(int64_t count) {
    lua_createtable(lua_, static_cast<int>(count), 0);
    for (int64_t i = 1; i <= count; ++i) {
      Push();
      lua_rawseti(lua_, -2, static_cast<int>(i));
    }
  }

  // Maps and sets grow as they are filled, as Redis' do: the order of their elements follows.
  void PushMap(int64_t count) {
    lua_createtable(lua_, 0, 1);
    lua_newtable(lua_);
    for (int64_t i = 0; i < count; ++i) {
      Push();
      Push();
      lua_rawset(lua_, -3);
    }
    lua_setfield(lua_, -2, "map");
  }

  void PushSet(int64_t count) {
    lua_createtable(lua_, 0, 1);
    lua_newtable(lua_);
    for (int64_t i = 0; i < count; ++i) {
      Push();
      lua_pushboolean(lua_, 1);
      lua_rawset(lua_, -3);
    }
    lua_setfield(lua_, -2, "set");
  }

  // The reply that has the attribute, which scripts do not see.
  void PushBehindAttribute(int64_t pairs) {
    for (int64_t i = 0; i < 2 * pairs; ++i) {
      Push();
      lua_pop(lua_, 1);
    }
    Push();
  }

  // "txt:" and the text.
  void PushVerbatim(std::string_view body) {
    lua_createtable(lua_, 0, 1);
    lua_createtable(lua_, 0, 2);
    SetStringField(lua_, "string", body.substr(4));
    SetStringField(lua_, "format", body.substr(0, 3));
    lua_setfield(lua_, -2, "verbatim_string");
  }

  static int64_t Number(std::string_view line) {
    int64_t value = 0;
    std::from_chars(line.data(), line.data() + line.size(), value);
    return value;
  }

  // Behind the type, without its end.
  std::string_view TakeLine() {
    const size_t end = rest_.find("\r\n");
    HEARTH_CHECK(end != std::string_view::npos);
    const std::string_view line = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 2);
    return line;
  }

  std::string_view TakeBytes(std::string_view size_line) {
    const auto size = static_cast<size_t>(Number(size_line));
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size + 2);
    return bytes;
  }

  lua_State* lua_;
  std::string_view rest_;
};

// The fields that tell what a table stands for.
enum class Name : uint8_t {
  kErr,
  kOk,
  kDouble,
  kMap,
  kSet,
  kBigNumber,
  kVerbatimString,
  kFormat,
  kString,
  kCounted
};
constexpr const char* kNames[] = {"err",
                                  "ok",
                                  "double",
                                  "map",
                                  "set",
                                  "big_number",
                                  "verbatim_string",
                                  "format",
                                  "string",
                                  "ignore_error_stats_update"};

class ValueWriter {
 public:
  ValueWriter(lua_State* lua, int script_protocol, size_t bytes_max, Reply& reply)
      : lua_(lua),
        value_index_(lua_gettop(lua)),
        script_protocol_(script_protocol),
        bytes_left_(bytes_max),
        reply_(reply) {}

  // The value on top, which stays. Not null: the reply is not whole, and this is why.
  const char* WriteTop() {
    if (!lua_checkstack(lua_, static_cast<int>(std::size(kNames)) + 1)) {
      Fail(kErrStack);
    } else {
      // Every table is asked for all of them.
      for (const char* const name : kNames) lua_pushstring(lua_, name);
      lua_pushvalue(lua_, value_index_);
      Write();
    }
    lua_settop(lua_, value_index_);
    return failure_;
  }

 private:
  static constexpr size_t kValueBytesMin = 4;  // ":1\r\n"
  static constexpr const char* kErrStack = "ERR reached lua stack limit";

  // Pops the value on top, unless it fails.
  void Write() {
    if (!lua_checkstack(lua_, 6)) return Fail(kErrStack);
    if (!Take(kValueBytesMin)) return;
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING: {
        size_t size;
        const char* const bytes = lua_tolstring(lua_, -1, &size);
        if (!Take(size)) return;
        reply_.Bulk({bytes, size});
        break;
      }
      case LUA_TNUMBER:
        reply_.Integer(ToInteger(lua_tonumber(lua_, -1)));
        break;
      case LUA_TBOOLEAN:
        WriteBoolean(lua_toboolean(lua_, -1) != 0);
        break;
      case LUA_TTABLE:
        WriteTable();
        break;
      default:
        reply_.Null();
    }
    if (failure_ == nullptr) lua_pop(lua_, 1);
  }

  void Fail(const char* text) {
    if (failure_ == nullptr) failure_ = text;
  }

  // Counted here and not where it is written: what is muted is written nowhere, and tables that
  // share their parts would be walked without end.
  bool Take(size_t bytes) {
    if (bytes > bytes_left_) {
      Fail("ERR the reply of the script exceeds script-memory-limit");
      return false;
    }
    bytes_left_ -= bytes;
    return true;
  }

  // As the cast of the machine does it, without its undefined cases.
  static int64_t ToInteger(lua_Number number) {
    constexpr lua_Number kLimit = 9223372036854775808.0;
    return number >= -kLimit && number < kLimit ? static_cast<int64_t>(number) : INT64_MIN;
  }

  // The text at an index, without its line ends.
  std::string TakeLine(int index) {
    size_t size;
    const char* const bytes = lua_tolstring(lua_, index, &size);
    if (!Take(size)) return {};
    std::string text(bytes, size);
    for (char& c : text) {
      if (c == '\r' || c == '\n') c = ' ';
    }
    return text;
  }

  void WriteBoolean(bool value) {
    if (script_protocol_ == 3) return reply_.Bool(value);
    value ? reply_.Integer(1) : reply_.Null();
  }

  // Whether the table on top has the field, of a type, without metamethods; it is then pushed.
  bool Has(Name name, int type) {
    lua_pushvalue(lua_, value_index_ + 1 + static_cast<int>(name));
    lua_rawget(lua_, -2);
    if (lua_type(lua_, -1) == type) return true;
    lua_pop(lua_, 1);
    return false;
  }

  void WriteTable() {
    if (Has(Name::kErr, LUA_TSTRING)) {
      WriteErrorLine();
    } else if (Has(Name::kOk, LUA_TSTRING)) {
      reply_.Simple(TakeLine(-1));
    } else if (Has(Name::kDouble, LUA_TNUMBER)) {
      reply_.Double(lua_tonumber(lua_, -1));
    } else if (Has(Name::kMap, LUA_TTABLE)) {
      WritePairs(/*with_values=*/true);
    } else if (Has(Name::kSet, LUA_TTABLE)) {
      WritePairs(/*with_values=*/false);
    } else if (Has(Name::kBigNumber, LUA_TSTRING)) {
      reply_.BigNumber(TakeLine(-1));
    } else if (Has(Name::kVerbatimString, LUA_TTABLE)) {
      if (!WriteVerbatim()) reply_.Array(0);
    } else {
      return WriteArray();
    }
    if (failure_ == nullptr) lua_pop(lua_, 1);
  }

  // The text of an error on top of its table.
  void WriteErrorLine() {
    const std::string text = TakeLine(-1);
    lua_pushvalue(lua_, value_index_ + 1 + static_cast<int>(Name::kCounted));
    lua_rawget(lua_, -3);
    const bool is_counted = lua_toboolean(lua_, -1) != 0;
    lua_pop(lua_, 1);
    is_counted ? reply_.PassOnError(text) : reply_.Error(text);
  }

  // Of the table on top: its keys, or its keys and values.
  void WritePairs(bool with_values) {
    size_t count = 0;
    for (lua_pushnil(lua_); lua_next(lua_, -2) != 0; lua_pop(lua_, 1)) ++count;
    with_values ? reply_.Map(count) : reply_.Set(count);
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      lua_pushvalue(lua_, -2);
      Write();
      if (failure_ != nullptr) return;
      if (with_values) {
        Write();
      } else {
        lua_pop(lua_, 1);
      }
      if (failure_ != nullptr) return;
    }
  }

  bool WriteVerbatim() {
    const bool has_format = Has(Name::kFormat, LUA_TSTRING);
    if (!has_format) return false;
    std::string format = lua_tostring(lua_, -1);
    format.resize(3, ' ');
    lua_pop(lua_, 1);
    if (!Has(Name::kString, LUA_TSTRING)) return false;
    size_t size;
    const char* const bytes = lua_tolstring(lua_, -1, &size);
    if (Take(size)) reply_.Verbatim(format, {bytes, size});
    lua_pop(lua_, 1);
    return true;
  }

  void WriteArray() {
    int count = 0;
    for (;; ++count) {
      lua_rawgeti(lua_, -1, count + 1);
      const bool ends = lua_isnil(lua_, -1);
      lua_pop(lua_, 1);
      if (ends) break;
    }
    reply_.Array(static_cast<size_t>(count));
    for (int i = 1; i <= count && failure_ == nullptr; ++i) {
      lua_rawgeti(lua_, -1, i);
      Write();
    }
  }

  lua_State* lua_;
  const int value_index_;  // of the whole; the names stand above it
  const int script_protocol_;
  size_t bytes_left_;
  const char* failure_ = nullptr;
  Reply& reply_;
};

}  // namespace

void PushReply(lua_State* lua, std::string_view resp) {
  ReplyReader(lua, resp).Push();
}

void PushError(lua_State* lua, std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  lua_createtable(lua, 0, 2);
  if (line.starts_with('-')) {
    line.remove_prefix(1);
    PushString(lua, line);
  } else {
    lua_pushliteral(lua, "ERR ");
    PushString(lua, line);
    lua_concat(lua, 2);
  }
  lua_setfield(lua, -2, "err");
  lua_pushboolean(lua, 1);
  lua_setfield(lua, -2, "ignore_error_stats_update");
}

const char* WriteLuaValue(lua_State* lua, int script_protocol, size_t bytes_max, Reply& reply) {
  return ValueWriter(lua, script_protocol, bytes_max, reply).WriteTop();
}

}  // namespace hearth
