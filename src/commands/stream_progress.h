#pragma once

// StreamProgress: how many of a stream's entries a group has read, and how many are still to come.
//
// A group counts what it reads; where that does not work (it began in the middle, or XDEL made
// holes), the count is guessed from its last id, or unknown. The rules are those of Redis 7.4,
// which mends some lags of 7.0.
//
// Thread: the worker's; pure functions.

#include <optional>

#include "engine/stream.h"

namespace hearth {

// Whether XDEL may have removed something from `first` on.
bool MayHaveHoles(const StreamKey& stream, StreamId first);
// How many entries were added up to this one; StreamGroup::kUnknown when that can't be told.
int64_t EntriesUpTo(const StreamKey& stream, StreamId id);
// The group's count after it read the entry behind `entries_read` others.
int64_t EntriesReadAfter(const StreamKey& stream, StreamId id, int64_t entries_read);
// How many entries the group has not read yet; nullopt when that can't be told.
std::optional<int64_t> LagOf(const StreamKey& stream, const StreamGroup& group);

}  // namespace hearth
