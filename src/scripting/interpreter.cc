// Tested by tests/src/scripting/sandbox_test.cc.
#include "src/scripting/interpreter.h"

#include <ctime>

#include "engine/check.h"
#include "src/scripting/function_loader.h"
#include "src/scripting/script_run.h"

extern "C" {
int luaopen_bit(lua_State* lua);
}

namespace hearth {
namespace {

// Registry: stand-in -> the table that it stands for.
const char kStandInsKey = 0;
// Registry: the table of globals that the stand-in _G shows.
const char kGlobalsKey = 0;
// Registry: the table of globals that it shows while FUNCTION LOAD runs a library's code.
const char kLoadGlobalsKey = 0;

constexpr const char* kNotForScripts[] = {"dofile",  "loadfile", "print",  "newproxy",
                                          "getfenv", "setfenv",  "module", "require"};

int RefuseWrite(lua_State* lua) {
  return luaL_error(lua, "Attempt to modify a readonly table");
}

int RefuseUnknownGlobal(lua_State* lua) {
  const char* const name = lua_tostring(lua, 2);
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'",
                    name != nullptr ? name : luaL_typename(lua, 2));
}

// A name that is not in the table on top of the stack is an error.
void RefuseUnknownNames(lua_State* lua) {
  lua_newtable(lua);
  lua_pushcfunction(lua, RefuseUnknownGlobal);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
}

int OsClock(lua_State* lua) {
  lua_pushnumber(lua, static_cast<lua_Number>(clock()) / CLOCKS_PER_SEC);
  return 1;
}

void Open(lua_State* lua, lua_CFunction function) {
  lua_pushcfunction(lua, function);
  lua_call(lua, 0, 0);
}

int OnPanic(lua_State*) {
  HEARTH_CHECK(false);
  return 0;
}

}  // namespace

Interpreter::Interpreter(bool for_functions)
    : lua_(lua_newstate(LuaMemory::Allocate, static_cast<LuaMemory*>(&memory_))) {
  HEARTH_CHECK(lua_ != nullptr);
  lua_atpanic(lua_, OnPanic);
  lua_pushlightuserdata(lua_, const_cast<char*>(&kStandInsKey));
  lua_newtable(lua_);
  lua_newtable(lua_);
  lua_pushliteral(lua_, "k");
  lua_setfield(lua_, -2, "__mode");
  lua_setmetatable(lua_, -2);
  lua_rawset(lua_, LUA_REGISTRYINDEX);
  OpenLibraries(for_functions);
  OpenSandbox();
  if (for_functions) OpenLoadGlobals();
  // From now on a reference can be given back without memory: the list of free ones is there.
  lua_pushboolean(lua_, 1);
  luaL_unref(lua_, LUA_REGISTRYINDEX, luaL_ref(lua_, LUA_REGISTRYINDEX));
  ResetHook();
}

void Interpreter::ResetHook() {
  lua_sethook(lua_, Hook, LUA_MASKCOUNT, kHookInstructions);
}

void Interpreter::Hook(lua_State* lua, lua_Debug*) {
  Interpreter& interpreter = Of(lua);
  if (interpreter.run_ != nullptr) return interpreter.run_->OnHook(lua);
  if (interpreter.loader_ != nullptr && LoadTakesTooLong(*interpreter.loader_)) {
    RaiseText(lua, "FUNCTION LOAD timeout");
  }
}

Interpreter::~Interpreter() {
  lua_close(lua_);
}

// memory_ is the first member, so the allocator's argument is the interpreter.
Interpreter& Interpreter::Of(lua_State* lua) {
  void* self;
  lua_getallocf(lua, &self);
  return *reinterpret_cast<Interpreter*>(self);
}

void Interpreter::OpenLibraries(bool for_functions) {
  Open(lua_, luaopen_base);
  Open(lua_, luaopen_table);
  Open(lua_, luaopen_string);
  Open(lua_, luaopen_math);
  Open(lua_, luaopen_bit);
  OpenCjson(lua_);
  lua_setglobal(lua_, "cjson");
  OpenCmsgpack(lua_);
  lua_setglobal(lua_, "cmsgpack");
  OpenStruct(lua_);
  lua_setglobal(lua_, "struct");
  lua_newtable(lua_);
  lua_pushcfunction(lua_, OsClock);
  lua_setfield(lua_, -2, "clock");
  lua_setglobal(lua_, "os");
  OpenRedis(lua_, for_functions);
  lua_setglobal(lua_, "redis");
  for (const char* const name : kNotForScripts) {
    lua_pushnil(lua_);
    lua_setglobal(lua_, name);
  }
  ReplaceBaseFunctions(lua_);
  lua_settop(lua_, 0);
}

void Interpreter::OpenSandbox() {
  for (const char* const name : {"string", "math", "table", "coroutine", "bit", "cjson", "cmsgpack",
                                 "struct", "os", "redis"}) {
    ProtectLibrary(name);
  }
  ProtectStrings();
  lua_pushvalue(lua_, LUA_GLOBALSINDEX);
  lua_pushlightuserdata(lua_, const_cast<char*>(&kGlobalsKey));
  lua_pushvalue(lua_, -2);
  lua_rawset(lua_, LUA_REGISTRYINDEX);
  RefuseUnknownNames(lua_);
  Protect();
  lua_pushvalue(lua_, -1);
  SetGlobal("_G");
  lua_replace(lua_, LUA_GLOBALSINDEX);
  lua_settop(lua_, 0);
}

void Interpreter::OpenLoadGlobals() {
  lua_pushlightuserdata(lua_, const_cast<char*>(&kLoadGlobalsKey));
  lua_newtable(lua_);
  RefuseUnknownNames(lua_);
  OpenLoadRedis(lua_);
  RefuseUnknownNames(lua_);
  Protect();
  lua_setfield(lua_, -2, "redis");
  lua_rawset(lua_, LUA_REGISTRYINDEX);
}

// Takes no memory: the name is there already.
void Interpreter::SetLoader(FunctionLoader* loader) {
  loader_ = loader;
  lua_getmetatable(lua_, LUA_GLOBALSINDEX);
  lua_pushliteral(lua_, "__index");
  const char* const key = loader != nullptr ? &kLoadGlobalsKey : &kGlobalsKey;
  lua_pushlightuserdata(lua_, const_cast<char*>(key));
  lua_rawget(lua_, LUA_REGISTRYINDEX);
  lua_rawset(lua_, -3);
  lua_pop(lua_, 1);
}

void Interpreter::ProtectLibrary(const char* name) {
  lua_getglobal(lua_, name);
  Protect();
  lua_setglobal(lua_, name);
}

// Strings find their methods through a metatable that all scripts share.
void Interpreter::ProtectStrings() {
  lua_pushliteral(lua_, "");
  lua_newtable(lua_);
  lua_getglobal(lua_, "string");
  lua_setfield(lua_, -2, "__index");
  lua_setmetatable(lua_, -2);
  lua_pop(lua_, 1);
}

void Interpreter::Protect() {
  const int table = lua_gettop(lua_);
  lua_newtable(lua_);
  const int stand_in = lua_gettop(lua_);
  lua_newtable(lua_);
  lua_pushvalue(lua_, table);
  lua_setfield(lua_, -2, "__index");
  lua_pushcfunction(lua_, RefuseWrite);
  lua_setfield(lua_, -2, "__newindex");
  lua_setmetatable(lua_, stand_in);
  lua_pushlightuserdata(lua_, const_cast<char*>(&kStandInsKey));
  lua_rawget(lua_, LUA_REGISTRYINDEX);
  lua_pushvalue(lua_, stand_in);
  lua_pushvalue(lua_, table);
  lua_rawset(lua_, -3);
  lua_pop(lua_, 1);
  lua_replace(lua_, table);
}

bool Interpreter::PushProtected(lua_State* lua, int index) {
  if (!lua_istable(lua, index) || !lua_getmetatable(lua, index)) return false;
  lua_pop(lua, 1);
  lua_pushvalue(lua, index);
  lua_pushlightuserdata(lua, const_cast<char*>(&kStandInsKey));
  lua_rawget(lua, LUA_REGISTRYINDEX);
  lua_insert(lua, -2);
  lua_rawget(lua, -2);
  lua_remove(lua, -2);
  if (!lua_isnil(lua, -1)) return true;
  lua_pop(lua, 1);
  return false;
}

namespace {

struct LoadJob {
  std::string_view code;
  const char* chunk_name;
  std::string* error;
  int ref = LUA_NOREF;
};

int LoadProtected(lua_State* lua) {
  LoadJob& job = *static_cast<LoadJob*>(lua_touserdata(lua, 1));
  if (LoadText(lua, job.code, job.chunk_name) == 0) {
    job.ref = luaL_ref(lua, LUA_REGISTRYINDEX);
  } else {
    *job.error = lua_tostring(lua, -1);
  }
  return 0;
}

}  // namespace

// The registry may have to grow, and memory may not be there.
int Interpreter::Load(std::string_view code, const char* chunk_name, std::string* error) {
  LoadJob job{code, chunk_name, error};
  if (lua_cpcall(lua_, LoadProtected, &job) != 0) *error = "not enough memory";
  lua_settop(lua_, 0);
  return job.ref;
}

void Interpreter::SetGlobal(const char* name) {
  lua_pushlightuserdata(lua_, const_cast<char*>(&kGlobalsKey));
  lua_rawget(lua_, LUA_REGISTRYINDEX);
  lua_insert(lua_, -2);
  lua_pushstring(lua_, name);
  lua_insert(lua_, -2);
  lua_rawset(lua_, -3);
  lua_pop(lua_, 1);
}

// The generator of POSIX' lrand48, whose sequence Redis' scripts know.
void Interpreter::SeedRandom(int32_t seed) {
  random_state_ = uint64_t{static_cast<uint32_t>(seed)} << 16 | 0x330E;
}

uint32_t Interpreter::NextRandom() {
  random_state_ = (random_state_ * 0x5DEECE66D + 0xB) & ((uint64_t{1} << 48) - 1);
  return static_cast<uint32_t>(random_state_ >> 17);
}

void RaiseText(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
  lua_error(lua);
  __builtin_unreachable();
}

namespace {

struct TextReader {
  std::string_view lead, text;
};

const char* ReadText(lua_State*, void* data, size_t* size) {
  TextReader& reader = *static_cast<TextReader*>(data);
  std::string_view& next = reader.lead.empty() ? reader.text : reader.lead;
  *size = next.size();
  const char* const piece = next.empty() ? nullptr : next.data();
  next = {};
  return piece;
}

}  // namespace

// Lua takes for bytecode what begins with its signature: then a blank goes before.
int LoadText(lua_State* lua, std::string_view code, const char* chunk_name) {
  const bool binary = !code.empty() && code[0] == LUA_SIGNATURE[0];
  TextReader reader{binary ? " " : "", code};
  return lua_load(lua, ReadText, &reader, chunk_name);
}

}  // namespace hearth
