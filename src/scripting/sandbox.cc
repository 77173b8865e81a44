// Tested by tests/src/scripting/sandbox_test.cc.
//
// The functions of Lua's base libraries that scripts see in another form: those that could write
// into what scripts share, load bytecode, recurse without a bound, or are to repeat themselves.
#include <cmath>
#include <cstring>
#include <span>

#include "src/scripting/interpreter.h"

namespace hearth {
namespace {

// The originals are the same functions in every state.
struct Originals {
  lua_CFunction rawget, rawset, setmetatable, getmetatable, next;
  lua_CFunction insert, remove, sort, setn, foreach;
  lua_CFunction find, match, gmatch, gsub;
};

Originals FindOriginals() {
  lua_State* const lua = luaL_newstate();
  luaL_openlibs(lua);
  const auto find = [lua](const char* library, const char* name) {
    lua_getglobal(lua, library);
    lua_getfield(lua, -1, name);
    return lua_tocfunction(lua, -1);
  };
  const Originals found = {
      find("_G", "rawget"),       find("_G", "rawset"),   find("_G", "setmetatable"),
      find("_G", "getmetatable"), find("_G", "next"),     find("table", "insert"),
      find("table", "remove"),    find("table", "sort"),  find("table", "setn"),
      find("table", "foreach"),   find("string", "find"), find("string", "match"),
      find("string", "gmatch"),   find("string", "gsub")};
  lua_close(lua);
  return found;
}

const Originals originals = FindOriginals();

void RefuseProtected(lua_State* lua, int index) {
  if (Interpreter::PushProtected(lua, index)) RaiseText(lua, "Attempt to modify a readonly table");
}

template <lua_CFunction Originals::*kOriginal>
int ChangesFirst(lua_State* lua) {
  RefuseProtected(lua, 1);
  return (originals.*kOriginal)(lua);
}

// The metatable of strings is shared: what is shown of it can't be written.
int GetMetatable(lua_State* lua) {
  if (lua_type(lua, 1) == LUA_TSTRING) {
    lua_getmetatable(lua, 1);
    Interpreter::Of(lua).Protect();
    return 1;
  }
  if (Interpreter::PushProtected(lua, 1)) {
    if (!lua_getmetatable(lua, -1)) return 0;
    Interpreter::Of(lua).Protect();
    return 1;
  }
  return originals.getmetatable(lua);
}

template <lua_CFunction Originals::*kOriginal>
int ReadsFirst(lua_State* lua) {
  if (Interpreter::PushProtected(lua, 1)) lua_replace(lua, 1);
  return (originals.*kOriginal)(lua);
}

// Iterates what a stand-in stands for, without handing it out.
int Pairs(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_pushvalue(lua, 1);
  lua_pushnil(lua);
  return 3;
}

// Redis': an error table becomes its text.
int ProtectedCall(lua_State* lua) {
  luaL_checkany(lua, 1);
  const int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  if (status != 0 && lua_istable(lua, -1)) {
    lua_getfield(lua, -1, "err");
    lua_isstring(lua, -1) ? lua_replace(lua, -2) : lua_pop(lua, 1);
  }
  lua_pushboolean(lua, status == 0);
  lua_insert(lua, 1);
  return lua_gettop(lua);
}

int FinishLoad(lua_State* lua, int status) {
  if (status == 0) return 1;
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}

int LoadString(lua_State* lua) {
  size_t size;
  const char* const text = luaL_checklstring(lua, 1, &size);
  return FinishLoad(lua, LoadText(lua, {text, size}, luaL_optstring(lua, 2, text)));
}

// The pieces are gathered first: they count as the interpreter's memory.
int Load(lua_State* lua) {
  const char* const chunk_name = luaL_optstring(lua, 2, "=(load)");
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  lua_settop(lua, 2);
  lua_pushliteral(lua, "");
  for (;;) {
    lua_pushvalue(lua, 1);
    lua_call(lua, 0, 1);
    if (lua_isnil(lua, -1)) break;
    if (!lua_isstring(lua, -1)) RaiseText(lua, "reader function must return a string");
    if (lua_objlen(lua, -1) == 0) break;
    lua_concat(lua, 2);
  }
  lua_pop(lua, 1);
  size_t size;
  const char* const text = lua_tolstring(lua, 3, &size);
  return FinishLoad(lua, LoadText(lua, {text, size}, chunk_name));
}

template <lua_CFunction Originals::*kOriginal>
int WithPattern(lua_State* lua) {
  if (lua_type(lua, 2) == LUA_TSTRING && lua_objlen(lua, 2) > kPatternSizeMax) {
    return luaL_error(lua, "pattern too complex");
  }
  return (originals.*kOriginal)(lua);
}

// As Lua's math.random, with a sequence that begins anew with each script.
int Random(lua_State* lua) {
  constexpr uint32_t kRandomMax = 0x7fffffff;
  const lua_Number share =
      static_cast<lua_Number>(Interpreter::Of(lua).NextRandom() % kRandomMax) / kRandomMax;
  const int count = lua_gettop(lua);
  if (count == 0) {
    lua_pushnumber(lua, share);
    return 1;
  }
  if (count > 2) return luaL_error(lua, "wrong number of arguments");
  const int low = count == 1 ? 1 : luaL_checkint(lua, 1);
  const int high = luaL_checkint(lua, count);
  luaL_argcheck(lua, low <= high, count, "interval is empty");
  const lua_Number width = static_cast<lua_Number>(high) - low + 1;
  lua_pushnumber(lua, std::floor(share * width) + low);
  return 1;
}

int RandomSeed(lua_State* lua) {
  Interpreter::Of(lua).SeedRandom(static_cast<int32_t>(luaL_checkinteger(lua, 1)));
  return 0;
}

// What would change the interpreter for the scripts to come is done only as far as it does not.
int CollectGarbage(lua_State* lua) {
  const std::string_view what = luaL_optstring(lua, 1, "collect");
  if (what == "count") {
    lua_pushnumber(lua, static_cast<lua_Number>(lua_gc(lua, LUA_GCCOUNT, 0)) +
                            static_cast<lua_Number>(lua_gc(lua, LUA_GCCOUNTB, 0)) / 1024);
    return 1;
  }
  int result = 0;
  if (what == "collect") {
    result = lua_gc(lua, LUA_GCCOLLECT, 0);
  } else if (what == "step") {
    lua_pushboolean(lua, lua_gc(lua, LUA_GCSTEP, luaL_optint(lua, 2, 0)));
    return 1;
  } else if (what != "stop" && what != "restart" && what != "setpause" && what != "setstepmul") {
    return luaL_argerror(lua, 1, "invalid option");
  }
  lua_pushnumber(lua, result);
  return 1;
}

struct Replacement {
  const char* name;
  lua_CFunction function;
};

constexpr Replacement kBase[] = {
    {"rawget", ReadsFirst<&Originals::rawget>},
    {"rawset", ChangesFirst<&Originals::rawset>},
    {"setmetatable", ChangesFirst<&Originals::setmetatable>},
    {"getmetatable", GetMetatable},
    {"next", ReadsFirst<&Originals::next>},
    {"pcall", ProtectedCall},
    {"load", Load},
    {"loadstring", LoadString},
    {"collectgarbage", CollectGarbage},
};

constexpr Replacement kTable[] = {
    {"insert", ChangesFirst<&Originals::insert>}, {"remove", ChangesFirst<&Originals::remove>},
    {"sort", ChangesFirst<&Originals::sort>},     {"setn", ChangesFirst<&Originals::setn>},
    {"foreach", ReadsFirst<&Originals::foreach>},
};

constexpr Replacement kString[] = {
    {"find", WithPattern<&Originals::find>},    {"match", WithPattern<&Originals::match>},
    {"gsub", WithPattern<&Originals::gsub>},    {"gmatch", WithPattern<&Originals::gmatch>},
    {"gfind", WithPattern<&Originals::gmatch>},
};

constexpr Replacement kMath[] = {
    {"random", Random},
    {"randomseed", RandomSeed},
};

// In the table on top of the stack.
void Replace(lua_State* lua, std::span<const Replacement> replacements) {
  for (const Replacement& replacement : replacements) {
    lua_pushcfunction(lua, replacement.function);
    lua_setfield(lua, -2, replacement.name);
  }
}

void ReplaceIn(lua_State* lua, const char* library, std::span<const Replacement> replacements) {
  lua_getglobal(lua, library);
  Replace(lua, replacements);
  lua_pop(lua, 1);
}

}  // namespace

void ReplaceBaseFunctions(lua_State* lua) {
  lua_pushvalue(lua, LUA_GLOBALSINDEX);
  Replace(lua, kBase);
  lua_getfield(lua, -1, "next");
  lua_pushcclosure(lua, Pairs, 1);
  lua_setfield(lua, -2, "pairs");
  lua_pop(lua, 1);
  ReplaceIn(lua, "table", kTable);
  ReplaceIn(lua, "string", kString);
  ReplaceIn(lua, "math", kMath);
}

}  // namespace hearth
