// Tested by tests/src/scripting/function_test.cc.
#include "src/scripting/function_loader.h"

#include <algorithm>

#include "src/scripting/interpreter.h"
#include "src/scripting/lua_reply.h"
#include "src/scripting/shebang.h"

namespace hearth {
namespace {

int Raise(lua_State* lua, std::string_view text) {
  PushError(lua, text);
  return lua_error(lua);
}

std::string Text(lua_State* lua, int index) {
  size_t size;
  const char* const text = lua_tolstring(lua, index, &size);
  return {text, size};
}

bool IsText(lua_State* lua, int index) {
  return lua_isstring(lua, index) != 0;
}

bool IsFunctionName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

// The list of flags on top of the stack; false: one is none.
bool ReadFlags(lua_State* lua, uint32_t* flags) {
  const auto count = static_cast<int>(lua_objlen(lua, -1));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(lua, -1, i);
    const uint32_t flag = IsText(lua, -1) ? ScriptFlagNamed(Text(lua, -1)) : 0;
    lua_pop(lua, 1);
    if (flag == 0) return false;
    *flags |= flag;
  }
  return true;
}

// One named argument: its name below the top, its value on top. The callback stays on the stack,
// in slot 2.
void ReadNamed(lua_State* lua, LibraryFunction* function) {
  if (lua_type(lua, -2) != LUA_TSTRING) {
    Raise(lua, "named argument key given to redis.register_function is not a string");
  }
  const std::string name = Text(lua, -2);
  if (name == "function_name") {
    if (!IsText(lua, -1)) {
      Raise(lua, "function_name argument given to redis.register_function must be a string");
    }
    lua_pushvalue(lua, -1);
    function->name = Text(lua, -1);
    lua_pop(lua, 1);
  } else if (name == "description") {
    if (!IsText(lua, -1)) {
      Raise(lua, "description argument given to redis.register_function must be a string");
    }
    function->description = Text(lua, -1);
  } else if (name == "callback") {
    if (!lua_isfunction(lua, -1)) {
      Raise(lua, "callback argument given to redis.register_function must be a function");
    }
    lua_pushvalue(lua, -1);
    lua_replace(lua, 2);
  } else if (name == "flags") {
    if (!lua_istable(lua, -1)) {
      Raise(lua,
            "flags argument to redis.register_function must be a table representing function "
            "flags");
    }
    if (!ReadFlags(lua, &function->flags)) Raise(lua, "unknown flag given");
  } else {
    Raise(lua, "unknown argument given to redis.register_function");
  }
}

void ReadNamedArguments(lua_State* lua, LibraryFunction* function) {
  if (!lua_istable(lua, 1)) {
    Raise(lua,
          "calling redis.register_function with a single argument is only applicable to Lua table "
          "(representing named arguments).");
  }
  lua_settop(lua, 1);
  lua_pushnil(lua);  // the callback's place
  for (lua_pushnil(lua); lua_next(lua, 1) != 0; lua_pop(lua, 1)) ReadNamed(lua, function);
  if (function->name.empty()) {
    Raise(lua, "redis.register_function must get a function name argument");
  }
  if (lua_isnil(lua, 2)) Raise(lua, "redis.register_function must get a callback argument");
}

void ReadArguments(lua_State* lua, LibraryFunction* function) {
  if (!IsText(lua, 1)) {
    Raise(lua, "first argument to redis.register_function must be a string");
  }
  if (!lua_isfunction(lua, 2)) {
    Raise(lua, "second argument to redis.register_function must be a function");
  }
  function->name = Text(lua, 1);
}

}  // namespace

bool LoadTakesTooLong(const FunctionLoader& loader) {
  return std::chrono::steady_clock::now() - loader.started > std::chrono::milliseconds(kLoadMsMax);
}

int RegisterFunction(lua_State* lua) {
  FunctionLoader* const loader = Interpreter::Of(lua).loader();
  if (loader == nullptr) {
    return Raise(lua, "redis.register_function can only be called on FUNCTION LOAD command");
  }
  const int count = lua_gettop(lua);
  if (count < 1 || count > 2) {
    return Raise(lua, "wrong number of arguments to redis.register_function");
  }
  LibraryFunction function;
  count == 1 ? ReadNamedArguments(lua, &function) : ReadArguments(lua, &function);
  if (!IsFunctionName(function.name)) {
    return Raise(lua,
                 "Library names can only contain letters, numbers, or underscores(_) and must be "
                 "at least one character long");
  }
  if (std::ranges::any_of(loader->functions,
                          [&](const LibraryFunction& f) { return f.name == function.name; })) {
    return Raise(lua, "Function already exists in the library");
  }
  lua_settop(lua, 2);
  function.ref = luaL_ref(lua, LUA_REGISTRYINDEX);
  loader->functions.push_back(std::move(function));
  return 0;
}

}  // namespace hearth
