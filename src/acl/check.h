#pragma once

// CheckAcl: whether a user may run a call: its command, its keys, its channels.
//
// One selector must allow all of the call. Of several refusals the one is told that came furthest:
// a channel before a key before the command, then the later argument.
//
// Thread: any; pure functions of immutable users.

#include <cstdint>
#include <string>
#include <string_view>

#include "src/acl/user.h"

namespace hearth {

// Ordered: what is told when selectors refuse for several reasons.
enum class AclDenial : uint8_t { kNone, kCommand, kKey, kAuth, kChannel };

struct AclVerdict {
  AclDenial denial = AclDenial::kNone;
  uint32_t arg_index = 0;  // of the refused key or channel

  bool allowed() const { return denial == AclDenial::kNone; }
};

// command_index: the command's number in CommandTable::all().
AclVerdict CheckAcl(const AclUser& user, const Command& command, uint32_t command_index,
                    const Args& args);

// Why a call may not read keys that it does not name (SORT's BY and GET patterns), as an error
// text; empty when it may or does not. Where the call's other arguments are wrong before that, too.
// Requires: CheckAcl allowed it.
std::string_view DeniedUnnamedKeys(const AclUser& user, const Command& command,
                                   uint32_t command_index, const Args& args);

// "User alice has no permissions to run the 'get' command", without an error code. `verbose` names
// the key or channel.
std::string AclDenialText(const AclVerdict& verdict, const AclUser& user, const Command& command,
                          const Args& args, bool verbose);

// Whether any selector allows the channel.
bool MayListen(const AclUser& user, std::string_view channel, bool is_pattern);

}  // namespace hearth
