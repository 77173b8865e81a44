#pragma once

// StreamEffects: what the commands of consumer groups are passed on as: who got which entry, and
// when, as it came out here.
//
// Thread: the worker's.

#include <string_view>

#include "engine/stream.h"
#include "src/effects.h"

namespace hearth {

// XADD or XTRIM with what chance or this server's nodes decide made certain: an id that was given
// whole or in part, a trim with "~". id_index: of XADD's id, 0 = none.
void PassOnTrimmed(const Args& args, size_t id_index, const StreamTrim& trim, StreamId id,
                   const StreamKey& stream);

// A pending entry is its consumer's now; the group has read to last_id.
void PassOnClaim(std::string_view key, const StreamGroup& group, StreamId id, StreamId last_id);
// Where the group has read to.
void PassOnGroup(std::string_view key, const StreamGroup& group);
void PassOnConsumer(std::string_view key, const StreamGroup& group, std::string_view consumer);

}  // namespace hearth
