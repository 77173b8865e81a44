// Tested by tests/src/scripting/script_test.cc.
//
// The library `redis` of scripts and functions.
#include <cmath>
#include <cstdlib>

#include "src/log.h"
#include "src/scripting/function_loader.h"
#include "src/scripting/interpreter.h"
#include "src/scripting/lua_reply.h"
#include "src/scripting/script_run.h"
#include "src/scripting/scripting.h"
#include "src/server.h"

namespace hearth {
namespace {

// Raises an error table.
int RaiseError(lua_State* lua, std::string_view text) {
  PushError(lua, text);
  lua_pushnil(lua);
  lua_setfield(lua, -2, "ignore_error_stats_update");
  return lua_error(lua);
}

ScriptRun* RunOf(lua_State* lua) {
  return Interpreter::Of(lua).run();
}

int CallWith(lua_State* lua, bool raise) {
  ScriptRun* const run = RunOf(lua);
  if (run == nullptr) {
    return RaiseError(lua, "redis.call/pcall can only be called inside a script invocation");
  }
  return run->Call(lua, raise);
}

int RedisCall(lua_State* lua) {
  return CallWith(lua, /*raise=*/true);
}

int RedisPcall(lua_State* lua) {
  return CallWith(lua, /*raise=*/false);
}

// redis.error_reply(text) -> {err=text}
int ErrorReply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    PushError(lua, "wrong number or type of arguments");
    return 1;
  }
  size_t size;
  const char* const text = lua_tolstring(lua, 1, &size);
  std::string_view line(text, size);
  if (line.starts_with('-')) line.remove_prefix(1);
  // Without a code of its own it gets one.
  const bool has_code = line.find(' ') != std::string_view::npos;
  PushError(lua, (has_code ? "-" : "-ERR ") + std::string(line));
  lua_pushnil(lua);
  lua_setfield(lua, -2, "ignore_error_stats_update");
  return 1;
}

int StatusReply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    PushError(lua, "wrong number or type of arguments");
    return 1;
  }
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, 1);
  lua_setfield(lua, -2, "ok");
  return 1;
}

int Sha1(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseError(lua, "wrong number of arguments");
  size_t size;
  const char* const text = lua_tolstring(lua, 1, &size);
  const std::string hex = Sha1Hex(text != nullptr ? std::string_view(text, size) : "");
  lua_pushlstring(lua, hex.data(), hex.size());
  return 1;
}

constexpr LogLevel kLogLevels[] = {LogLevel::kDebug, LogLevel::kVerbose, LogLevel::kNotice,
                                   LogLevel::kWarning};

int WriteLog(lua_State* lua) {
  constexpr size_t kLineSizeMax = 1024;
  const int count = lua_gettop(lua);
  if (count < 2) return RaiseError(lua, "redis.log() requires two arguments or more.");
  if (!lua_isnumber(lua, 1)) {
    return RaiseError(lua, "First argument must be a number (log level).");
  }
  const auto level = static_cast<int64_t>(lua_tonumber(lua, 1));
  if (level < 0 || level > 3) return RaiseError(lua, "Invalid debug level.");
  if (ScriptRun* const run = RunOf(lua)) run->NoteEffect();
  std::string line;
  for (int i = 2; i <= count && line.size() < kLineSizeMax; ++i) {
    size_t size;
    const char* const text = lua_tolstring(lua, i, &size);
    if (text == nullptr) continue;
    if (i > 2) line += ' ';
    line.append(text, std::min(size, kLineSizeMax));
  }
  Log(kLogLevels[level], line);
  return 0;
}

int SetProtocol(lua_State* lua) {
  if (lua_gettop(lua) != 1) {
    return RaiseError(lua, "redis.setresp() requires one argument.");
  }
  const lua_Number protocol = std::trunc(lua_tonumber(lua, 1));
  if (protocol != 2 && protocol != 3) return RaiseError(lua, "RESP version must be 2 or 3.");
  ScriptRun* const run = RunOf(lua);
  if (run == nullptr) {
    return RaiseError(lua, "redis.setresp can only be called inside a script invocation");
  }
  run->set_protocol(static_cast<int>(protocol));
  return 0;
}

// What is replicated are the changes, whole: the choice is taken and means nothing.
int SetReplication(lua_State* lua) {
  if (lua_gettop(lua) != 1) return RaiseError(lua, "redis.set_repl() requires two arguments.");
  const auto flags = static_cast<int64_t>(lua_tonumber(lua, 1));
  if ((flags & ~int64_t{3}) != 0) {
    return RaiseError(
        lua, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  }
  if (RunOf(lua) == nullptr) {
    return RaiseError(lua, "redis.set_repl can only be called inside a script invocation");
  }
  return 0;
}

int ReplicateCommands(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

// There is no debugger: scripts run on.
int Breakpoint(lua_State* lua) {
  lua_pushboolean(lua, 0);
  return 1;
}

int Debug(lua_State*) {
  return 0;
}

int AclCheckCommand(lua_State* lua) {
  ScriptRun* const run = RunOf(lua);
  if (run == nullptr) {
    return RaiseError(lua, "redis.acl_check_cmd can only be called inside a script invocation");
  }
  return run->MayRun(lua);
}

constexpr luaL_Reg kFunctions[] = {
    {"call", RedisCall},
    {"pcall", RedisPcall},
    {"error_reply", ErrorReply},
    {"status_reply", StatusReply},
    {"sha1hex", Sha1},
    {"log", WriteLog},
    {"setresp", SetProtocol},
    {"set_repl", SetReplication},
    {"acl_check_cmd", AclCheckCommand},
};

// What Redis has for scripts only.
constexpr luaL_Reg kScriptFunctions[] = {
    {"replicate_commands", ReplicateCommands},
    {"breakpoint", Breakpoint},
    {"debug", Debug},
};

// What the code of a library has while FUNCTION LOAD runs it.
constexpr luaL_Reg kLoadFunctions[] = {
    {"register_function", RegisterFunction},
    {"log", WriteLog},
};

struct Number {
  const char* name;
  int value;
};

constexpr Number kLevelNumbers[] = {
    {"LOG_DEBUG", 0}, {"LOG_VERBOSE", 1}, {"LOG_NOTICE", 2}, {"LOG_WARNING", 3}};

constexpr Number kTargetNumbers[] = {
    {"REPL_NONE", 0}, {"REPL_AOF", 1}, {"REPL_REPLICA", 2}, {"REPL_SLAVE", 2}, {"REPL_ALL", 3}};

int VersionNumber() {
  int number = 0;
  const char* text = kRedisVersion.data();
  for (int i = 0; i < 3; ++i) {
    char* end;
    number = number << 8 | static_cast<int>(std::strtol(text, &end, 10));
    text = end + 1;
  }
  return number;
}

void Register(lua_State* lua, std::span<const luaL_Reg> functions) {
  for (const luaL_Reg& row : functions) {
    lua_pushcfunction(lua, row.func);
    lua_setfield(lua, -2, row.name);
  }
}

void SetNumbers(lua_State* lua, std::span<const Number> numbers) {
  for (const Number& row : numbers) {
    lua_pushinteger(lua, row.value);
    lua_setfield(lua, -2, row.name);
  }
}

void SetVersion(lua_State* lua) {
  lua_pushlstring(lua, kRedisVersion.data(), kRedisVersion.size());
  lua_setfield(lua, -2, "REDIS_VERSION");
  lua_pushinteger(lua, VersionNumber());
  lua_setfield(lua, -2, "REDIS_VERSION_NUM");
}

}  // namespace

int OpenRedis(lua_State* lua, bool for_functions) {
  lua_newtable(lua);
  Register(lua, kFunctions);
  if (!for_functions) Register(lua, kScriptFunctions);
  SetNumbers(lua, kLevelNumbers);
  SetNumbers(lua, kTargetNumbers);
  SetVersion(lua);
  return 1;
}

int OpenLoadRedis(lua_State* lua) {
  lua_newtable(lua);
  Register(lua, kLoadFunctions);
  SetNumbers(lua, kLevelNumbers);
  SetVersion(lua);
  return 1;
}

}  // namespace hearth
