#pragma once

// Interpreter: one Lua 5.1 state as Redis' scripts know it: the libraries, the read-only globals,
// the bounds.
//
// What scripts share is out of their reach: a library and the table of globals are seen through
// empty stand-ins that read through and refuse every write, and the functions that could write
// around a stand-in (rawset, table.insert, setmetatable, ...) refuse it too.
//
// Thread:   one at a time; the state holds no pointer to a thread's things between runs.
// Lifetime: longer than every run; a run begins and ends within one call.
// Errors:   Lua is built as C++: its errors are exceptions, so locals of C functions are destroyed.
// Limits:   memory (LuaMemory), patterns of kPatternSizeMax bytes; Lua's own: 200 nested C calls,
//           20000 Lua calls, 8000 values on a C function's stack.

#include <cstdint>
#include <lua5.1/lua.hpp>
#include <string>
#include <string_view>

#include "src/scripting/lua_memory.h"

namespace hearth {

inline constexpr int kHookInstructions = 100'000;

class ScriptRun;
struct FunctionLoader;

// Longer patterns could recurse deeper than the stack of a thread.
inline constexpr size_t kPatternSizeMax = 10'000;

class Interpreter {
 public:
  // With `for_functions` the interpreter of FUNCTION LOAD and FCALL.
  explicit Interpreter(bool for_functions);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  lua_State* lua() { return lua_; }
  // The interpreter of a state or of one of its coroutines.
  static Interpreter& Of(lua_State* lua);

  // What runs; null between runs.
  ScriptRun* run() { return run_; }
  void set_run(ScriptRun* run) { run_ = run; }

  // What FUNCTION LOAD gathers; null at other times. While it is there, globals are those of a
  // load: nothing but `redis`, with register_function and what logs. Requires: for functions.
  FunctionLoader* loader() { return loader_; }
  void SetLoader(FunctionLoader* loader);

  // Compiles source text (never bytecode) into a function of the registry, whose reference it
  // returns; LUA_NOREF: *error says why. chunk_name: "@user_script", which errors show as
  // "user_script:1:".
  int Load(std::string_view code, const char* chunk_name, std::string* error);

  // Sets a global that scripts may read (KEYS, ARGV) to the value on top, which is popped.
  void SetGlobal(const char* name);
  // The start of math.random's sequence, which otherwise goes on from script to script.
  void SeedRandom(int32_t seed);
  uint32_t NextRandom();

  LuaMemory& memory() { return memory_; }

  // A lua_Hook, called every kHookInstructions; ResetHook after it was set otherwise.
  static void Hook(lua_State* lua, lua_Debug* where);
  void ResetHook();

  // -- For the libraries, while they are built.
  // Replaces the table on top of the stack by a read-only stand-in.
  void Protect();
  // Whether the value at an index is a stand-in; then pushes the table that it stands for.
  static bool PushProtected(lua_State* lua, int index);

 private:
  void OpenLibraries(bool for_functions);
  void OpenSandbox();
  void ProtectLibrary(const char* name);
  void ProtectStrings();
  void OpenLoadGlobals();

  LuaMemory memory_;
  lua_State* lua_;
  ScriptRun* run_ = nullptr;
  FunctionLoader* loader_ = nullptr;
  uint64_t random_state_ = 0x1234ABCD330E;  // POSIX' first
};

// The libraries; each pushes its table.
int OpenCjson(lua_State* lua);
int OpenCmsgpack(lua_State* lua);
int OpenStruct(lua_State* lua);
int OpenRedis(lua_State* lua, bool for_functions);
int OpenLoadRedis(lua_State* lua);

// Raises an error without a position, as errors of Redis' own functions are.
[[noreturn]] void RaiseText(lua_State* lua, std::string_view text);

// lua_load of text: bytecode is refused as the syntax error that it is.
int LoadText(lua_State* lua, std::string_view code, const char* chunk_name);

// The functions of the base libraries that are not as Lua has them (sandbox.cc).
void ReplaceBaseFunctions(lua_State* lua);

}  // namespace hearth
