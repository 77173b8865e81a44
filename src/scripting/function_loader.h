#pragma once

// FunctionLoader: what redis.register_function gathers while a library's code runs.
//
// Thread:   the functions' interpreter's.
// Lifetime: one FUNCTION LOAD.
// Errors:   texts in Redis' words, raised in Lua.
// Limits:   kLoadMsMax for a library's code.

#include <chrono>
#include <cstdint>
#include <lua5.1/lua.hpp>
#include <optional>
#include <string>
#include <vector>

namespace hearth {

inline constexpr int64_t kLoadMsMax = 500;

struct LibraryFunction {
  std::string name;
  std::optional<std::string> description;
  uint32_t flags = 0;  // ScriptFlag
  int ref = 0;         // of the registry
};

struct FunctionLoader {
  std::vector<LibraryFunction> functions;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

// Whether the code has run for kLoadMsMax.
bool LoadTakesTooLong(const FunctionLoader& loader);

// redis.register_function, a lua_CFunction.
int RegisterFunction(lua_State* lua);

}  // namespace hearth
