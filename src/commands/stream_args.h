#pragma once

// StreamArgs: what the stream commands share: finding a stream, reading ids and trim options,
// writing entries.
//
// Thread: the worker's.
// Errors: a function that takes a Reply has written the error when it fails.

#include <optional>
#include <string>
#include <string_view>

#include "engine/stream.h"
#include "src/command.h"

namespace hearth {

inline constexpr std::string_view kErrStreamId =
    "ERR Invalid stream ID specified as stream command argument";

// The key's object, nullptr when absent. Returns false when it holds another type.
bool FindStream(std::string_view key, Tx& tx, Reply& reply, const Object** object);

// "ms-seq", or "ms" with the seq that is missing; nullopt for anything else.
std::optional<StreamId> ParseStreamId(std::string_view text, uint64_t missing_seq = 0);
// Also "-" and "+", the least and the greatest id.
std::optional<StreamId> ParseStreamIdOrEdge(std::string_view text, uint64_t missing_seq = 0);
bool ReadStreamId(std::string_view text, Reply& reply, StreamId* id);
// The first and the last id of a range: with edges, and "(id" for the one behind or before.
bool ReadRangeFirst(std::string_view text, Reply& reply, StreamId* id);
bool ReadRangeLast(std::string_view text, Reply& reply, StreamId* id);

// The id argument of XADD: "*", "ms-*" or an id.
struct WantedId {
  bool any_ms = true;
  bool any_seq = true;
  StreamId id;
};

// The options of XADD and XTRIM.
struct StreamOptions {
  bool no_make_stream = false;
  StreamTrim trim;
  WantedId id;
};
// Reads from args[2] on. Returns the index behind the last one: of XADD's first field, of XTRIM's
// end; 0 when the error is written.
size_t ReadAddOptions(const Args& args, const Tx& tx, Reply& reply, StreamOptions* options);
size_t ReadTrimOptions(const Args& args, const Tx& tx, Reply& reply, StreamOptions* options);

void ReplyId(StreamId id, Reply& reply);
// [id, [name, value, ...]]
void ReplyEntry(const StreamEntry& entry, Reply& reply);
// The entries of [first, last], at most count_max (0 = all), as an array.
void ReplyEntries(const StreamEntries& entries, StreamId first, StreamId last, size_t count_max,
                  bool backwards, Reply& reply);
// The entry of this id. Requires: it is there.
void ReplyEntryOf(const StreamEntries& entries, StreamId id, Reply& reply);

// A name within an error text: as far as its first zero byte.
std::string NameText(std::string_view name);
std::string NoSuchKeyOrGroup(std::string_view key, std::string_view group);
std::string NoSuchGroup(std::string_view key, std::string_view group);

}  // namespace hearth
