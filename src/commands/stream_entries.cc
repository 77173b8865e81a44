// Tested by tests/src/commands/stream_test.cc.
#include <limits>

#include "engine/change_count.h"
#include "src/commands/groups.h"
#include "src/commands/stream.h"
#include "src/commands/stream_args.h"
#include "src/commands/stream_effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// An entry whose strings are longer than this in all is refused.
constexpr size_t kEntrySizeMax = size_t{1} << 30;

// The id that a new entry gets; nullopt when it would not be greater than the last one.
std::optional<StreamId> NextId(const WantedId& wanted, StreamId last, int64_t now_ms) {
  const auto now = static_cast<uint64_t>(now_ms);
  if (wanted.any_ms) return now > last.ms ? StreamId{now, 0} : last.Next();
  StreamId id = wanted.id;
  if (wanted.any_seq && id.ms == last.ms) {
    if (last.seq == UINT64_MAX) return std::nullopt;
    id = last.Next();
  }
  if (id <= last) return std::nullopt;
  return id;
}

size_t SizeOf(StreamFields fields) {
  size_t size = 0;
  for (const std::string_view string : fields) size += string.size();
  return size;
}

void ReplyRange(const Args& args, bool backwards, Tx& tx, Reply& reply) {
  StreamId first, last;
  if (!ReadRangeFirst(args[backwards ? 3 : 2], reply, &first)) return;
  if (!ReadRangeLast(args[backwards ? 2 : 3], reply, &last)) return;
  std::optional<int64_t> count;
  for (size_t index = 4; index < args.size(); index += 2) {
    if (!IsWord(args[index], "COUNT") || index + 1 == args.size()) return reply.Error(kErrSyntax);
    count = ReadInteger(args[index + 1], reply);
    if (!count) return;
  }
  const Object* object;
  if (!FindStream(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Array(0);
  if (count && *count <= 0) return reply.NullArray();
  const StreamKey stream(tx, args[1], object);
  ReplyEntries(stream.entries(), first, last, static_cast<size_t>(count.value_or(0)), backwards,
               reply);
}

bool ReadSetIdOptions(const Args& args, StreamId id, Reply& reply,
                      std::optional<int64_t>* entries_added, StreamId* max_removed_id) {
  for (size_t index = 3; index < args.size(); index += 2) {
    if (index + 1 == args.size()) {
      reply.Error(kErrSyntax);
      return false;
    }
    if (IsWord(args[index], "ENTRIESADDED")) {
      *entries_added = ReadInteger(args[index + 1], reply);
      if (!*entries_added) return false;
      if (**entries_added < 0) {
        reply.Error("ERR entries_added must be positive");
        return false;
      }
    } else if (IsWord(args[index], "MAXDELETEDID")) {
      if (!ReadStreamId(args[index + 1], reply, max_removed_id)) return false;
      if (id < *max_removed_id) {
        reply.Error(
            "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
        return false;
      }
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

}  // namespace

// XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] id field value... -> id
// Null when NOMKSTREAM keeps it from making the stream.
void XAdd(const Args& args, Tx& tx, Reply& reply) {
  StreamOptions options;
  const size_t first_field = ReadAddOptions(args, tx, reply, &options);
  if (first_field == 0) return;
  const StreamFields fields = args.subspan(first_field);
  if (fields.empty() || fields.size() % 2 != 0) return reply.Error(WrongArity("xadd"));
  const WantedId& wanted = options.id;
  if (!wanted.any_ms && !wanted.any_seq && wanted.id.is_zero()) {
    return reply.Error("ERR The ID specified in XADD must be greater than 0-0");
  }
  const Object* object;
  if (!FindStream(args[1], tx, reply, &object)) return;
  if (object == nullptr && options.no_make_stream) return reply.Null();

  ChangeCount changes(tx);
  StreamKey stream(tx, args[1], object);
  const StreamId last = object == nullptr ? StreamId{} : stream.state().last_id;
  if (last == kStreamIdMax) {
    return reply.Error(
        "ERR The stream has exhausted the last possible ID, unable to add more items");
  }
  const auto id = NextId(wanted, last, tx.now_ms());
  if (!id) {
    return reply.Error(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item");
  }
  if (SizeOf(fields) > kEntrySizeMax) {
    return reply.Error("ERR Elements are too large to be stored");
  }
  changes.Is(1);  // whatever the trim takes
  if (object == nullptr) stream.CreateEmpty();
  stream.Add(*id, fields);
  tx.Notify(EventClass::kStream, "xadd", args[1]);
  if (stream.Trim(options.trim) > 0) tx.Notify(EventClass::kStream, "xtrim", args[1]);
  PassOnTrimmed(args, first_field - 1, options.trim, *id, stream);
  ReplyId(*id, reply);
}

// XLEN key -> how many entries
void XLen(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindStream(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Integer(0);
  reply.Integer(static_cast<int64_t>(StreamKey(tx, args[1], object).entries().size()));
}

// XRANGE key first last [COUNT count] -> entries
void XRange(const Args& args, Tx& tx, Reply& reply) {
  ReplyRange(args, /*backwards=*/false, tx, reply);
}

// XREVRANGE key last first [COUNT count] -> entries, the last one first
void XRevRange(const Args& args, Tx& tx, Reply& reply) {
  ReplyRange(args, /*backwards=*/true, tx, reply);
}

// XDEL key id... -> how many were there
void XDel(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindStream(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Integer(0);
  StreamId id;
  for (const std::string_view argument : args.subspan(2)) {
    if (!ReadStreamId(argument, reply, &id)) return;
  }
  ChangeCount changes(tx);
  StreamKey stream(tx, args[1], object);
  int64_t count = 0;
  for (const std::string_view argument : args.subspan(2)) {
    count += stream.Remove(*ParseStreamId(argument));
  }
  changes.Is(static_cast<uint64_t>(count));
  if (count > 0) tx.Notify(EventClass::kStream, "xdel", args[1]);
  reply.Integer(count);
}

// XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] -> how many entries went
void XTrim(const Args& args, Tx& tx, Reply& reply) {
  StreamOptions options;
  if (ReadTrimOptions(args, tx, reply, &options) == 0) return;
  const Object* object;
  if (!FindStream(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Integer(0);
  ChangeCount changes(tx);
  StreamKey stream(tx, args[1], object);
  const auto count = stream.Trim(options.trim);
  changes.Is(count);
  if (count > 0) {
    if (options.trim.approximate) PassOnTrimmed(args, 0, options.trim, {}, stream);
    tx.Notify(EventClass::kStream, "xtrim", args[1]);
  }
  reply.Integer(static_cast<int64_t>(count));
}

// XSETID key last-id [ENTRIESADDED count] [MAXDELETEDID id] -> OK
void XSetId(const Args& args, Tx& tx, Reply& reply) {
  StreamId id, max_removed_id;
  std::optional<int64_t> entries_added;
  if (!ReadStreamId(args[2], reply, &id)) return;
  if (!ReadSetIdOptions(args, id, reply, &entries_added, &max_removed_id)) return;
  const Object* object;
  if (!FindStream(args[1], tx, reply, &object)) return;
  if (object == nullptr) return reply.Error(kErrNoSuchKey);

  StreamKey stream(tx, args[1], object);
  StreamState state = stream.state();
  if (id < state.max_removed_id) {
    return reply.Error(
        "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
  }
  const size_t size = stream.entries().size();
  if (size > 0 && id < stream.entries().last_id()) {
    return reply.Error("ERR The ID specified in XSETID is smaller than the target stream top item");
  }
  if (size > 0 && entries_added && static_cast<uint64_t>(*entries_added) < size) {
    return reply.Error(
        "ERR The entries_added specified in XSETID is smaller than the target stream length");
  }
  state.last_id = id;
  if (entries_added) state.entries_added = static_cast<uint64_t>(*entries_added);
  if (!max_removed_id.is_zero()) state.max_removed_id = max_removed_id;
  stream.SetState(state);
  tx.Notify(EventClass::kStream, "xsetid", args[1]);
  reply.Ok();
}

}  // namespace hearth
