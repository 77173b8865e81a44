#pragma once

// LuaReply: between replies and Lua values, as Redis' scripts convert them.
//
//   RESP2 -> Lua   integer: number, bulk: string, null: false, status: {ok=}, error: {err=},
//                  array: table
//   RESP3 -> Lua   further null: nil, bool: boolean, double: {double=}, map: {map=}, set: {set=},
//                  big number: {big_number=}, verbatim: {verbatim_string={string=, format=}}
//   Lua -> reply   the same backwards; a number is cut to an integer, true is 1, false is null
//                  (booleans for a script that asked for RESP3), an array ends at its first nil
//
// Thread: the interpreter's.
// Limits: of what a script returns, Lua's stack bounds the depth and the caller the bytes.

#include <lua5.1/lua.hpp>
#include <string_view>

#include "net/reply.h"

namespace hearth {

// Pushes the value of a whole reply. Requires: well-formed RESP, as Reply writes it.
void PushReply(lua_State* lua, std::string_view resp);

// Pushes {err=...} for an error line "-CODE text" or a text without a code, which gets "ERR".
void PushError(lua_State* lua, std::string_view line);

// Writes the value on top of the stack and pops it. script_protocol: what redis.setresp chose.
// Null, or why what was written is only a part, to be dropped: the value nests too deep, or takes
// more than bytes_max (of texts and 4 for each value); the stack is then left as it was reached.
[[nodiscard]] const char* WriteLuaValue(lua_State* lua, int script_protocol, size_t bytes_max,
                                        Reply& reply);

}  // namespace hearth
