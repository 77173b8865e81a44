#pragma once

// Shebang: the first line of a script or a function library, "#!lua name=lib flags=a,b", in words
// as SplitWords reads them, and the flags that it and redis.register_function take.
//
// Thread: any; pure functions.
// Errors: texts in Redis' words.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

enum ScriptFlag : uint32_t {
  kScriptNoWrites = 1u << 0,
  kScriptAllowOom = 1u << 1,
  kScriptAllowStale = 1u << 2,
  kScriptNoCluster = 1u << 3,
  kScriptAllowCrossSlotKeys = 1u << 4,
  kScriptCompat = 1u << 5,  // ours: a script without a shebang, whose calls decide
};

struct ScriptFlagName {
  std::string_view name;
  ScriptFlag flag;
};
inline constexpr ScriptFlagName kScriptFlagNames[] = {
    {"no-writes", kScriptNoWrites},
    {"allow-oom", kScriptAllowOom},
    {"allow-stale", kScriptAllowStale},
    {"no-cluster", kScriptNoCluster},
    {"allow-cross-slot-keys", kScriptAllowCrossSlotKeys},
};
// 0: there is no flag of this name.
uint32_t ScriptFlagNamed(std::string_view name);

struct Shebang {
  uint32_t flags = kScriptCompat;
  size_t size = 0;  // of the line, without its end; 0: there is none
};
// Of a script for EVAL. False: *error.
bool ParseScriptShebang(std::string_view body, Shebang* shebang, std::string* error);

struct LibraryShebang {
  std::string engine, name;
  size_t size = 0;
};
// Of a library for FUNCTION LOAD. False: *error.
bool ParseLibraryShebang(std::string_view code, LibraryShebang* shebang, std::string* error);

}  // namespace hearth
