// Tested by tests/src/commands/stream_info_test.cc.
#include <algorithm>

#include "src/commands/groups.h"
#include "src/commands/stream.h"
#include "src/commands/stream_args.h"
#include "src/commands/stream_progress.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// How many entries XINFO STREAM FULL shows of each kind when it is not told.
constexpr size_t kFullCountDefault = 10;

// Finds a stream that must be there.
bool FindPresent(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  if (!FindStream(key, tx, reply, object)) return false;
  if (*object == nullptr) reply.Error(kErrNoSuchKey);
  return *object != nullptr;
}

void ReplyNumber(std::string_view name, size_t number, Reply& reply) {
  reply.Bulk(name);
  reply.Integer(static_cast<int64_t>(number));
}

void ReplyNamedId(std::string_view name, StreamId id, Reply& reply) {
  reply.Bulk(name);
  ReplyId(id, reply);
}

// Seven pairs of XINFO STREAM.
void ReplyState(const StreamKey& stream, Reply& reply) {
  const StreamState& state = stream.state();
  const StreamEntries& entries = stream.entries();
  ReplyNumber("length", entries.size(), reply);
  ReplyNumber("radix-tree-keys", entries.node_count(), reply);
  ReplyNumber("radix-tree-nodes", entries.node_count() + 1, reply);
  ReplyNamedId("last-generated-id", state.last_id, reply);
  ReplyNamedId("max-deleted-entry-id", state.max_removed_id, reply);
  ReplyNumber("entries-added", state.entries_added, reply);
  ReplyNamedId("recorded-first-entry-id", entries.first_id(), reply);
}

void ReplyEdgeEntry(std::string_view name, StreamId id, const StreamEntries& entries,
                    Reply& reply) {
  reply.Bulk(name);
  if (entries.size() == 0) return reply.Null();
  ReplyEntryOf(entries, id, reply);
}

void ReplyEntriesRead(const StreamGroup& group, Reply& reply) {
  reply.Bulk("entries-read");
  if (group.entries_read == StreamGroup::kUnknown) return reply.Null();
  reply.Integer(group.entries_read);
}

void ReplyLag(const StreamKey& stream, const StreamGroup& group, Reply& reply) {
  reply.Bulk("lag");
  const auto lag = LagOf(stream, group);
  if (!lag) return reply.Null();
  reply.Integer(*lag);
}

size_t AtMost(size_t size, size_t count_max) {
  return count_max == 0 ? size : std::min(size, count_max);
}

void ReplyFullConsumer(const StreamConsumer& consumer, size_t count_max, Reply& reply) {
  reply.Map(5);
  reply.Bulk("name");
  reply.Bulk(consumer.name);
  reply.Bulk("seen-time");
  reply.Integer(consumer.seen_ms);
  reply.Bulk("active-time");
  reply.Integer(consumer.active_ms);
  ReplyNumber("pel-count", consumer.pending.size(), reply);
  reply.Bulk("pending");
  size_t left = AtMost(consumer.pending.size(), count_max);
  reply.Array(left);
  for (auto at = consumer.pending.begin(); left > 0; ++at, --left) {
    reply.Array(3);
    ReplyId((*at)->id, reply);
    reply.Integer((*at)->delivered_ms);
    reply.Integer(static_cast<int64_t>((*at)->delivery_count));
  }
}

void ReplyFullGroup(const StreamKey& stream, const StreamGroup& group, size_t count_max,
                    Reply& reply) {
  reply.Map(7);
  reply.Bulk("name");
  reply.Bulk(group.name);
  ReplyNamedId("last-delivered-id", group.last_id, reply);
  ReplyEntriesRead(group, reply);
  ReplyLag(stream, group, reply);
  ReplyNumber("pel-count", group.pending.size(), reply);
  reply.Bulk("pending");
  size_t left = AtMost(group.pending.size(), count_max);
  reply.Array(left);
  for (auto at = group.pending.begin(); left > 0; ++at, --left) {
    reply.Array(4);
    ReplyId(at->id, reply);
    reply.Bulk(at->consumer->name);
    reply.Integer(at->delivered_ms);
    reply.Integer(static_cast<int64_t>(at->delivery_count));
  }
  reply.Bulk("consumers");
  reply.Array(group.consumers.size());
  for (const auto& [name, consumer] : group.consumers) {
    ReplyFullConsumer(consumer, count_max, reply);
  }
}

void ReplyFullStream(const StreamKey& stream, size_t count_max, Reply& reply) {
  reply.Map(9);
  ReplyState(stream, reply);
  reply.Bulk("entries");
  ReplyEntries(stream.entries(), kStreamIdMin, kStreamIdMax, count_max, /*backwards=*/false, reply);
  reply.Bulk("groups");
  reply.Array(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) {
    ReplyFullGroup(stream, group, count_max, reply);
  }
}

// [FULL [COUNT count]] from args[3] on.
bool ReadFullOptions(const Args& args, Reply& reply, size_t* count_max) {
  const bool has_count = args.size() == 6 && IsWord(args[4], "COUNT");
  if (!IsWord(args[3], "FULL") || (args.size() != 4 && !has_count)) {
    reply.Error(WrongSubcommand("XINFO", args[1]));
    return false;
  }
  *count_max = kFullCountDefault;
  if (!has_count) return true;
  const auto count = ReadInteger(args[5], reply);
  if (count && *count >= 0) *count_max = static_cast<size_t>(*count);
  return count.has_value();
}

}  // namespace

// XINFO STREAM key [FULL [COUNT count]] -> a map; with FULL entries, groups and consumers too
void XInfoStream(const Args& args, Tx& tx, Reply& reply) {
  const bool is_full = args.size() > 3;
  size_t count_max = 0;
  const Object* object;
  if (!FindPresent(args[2], tx, reply, &object)) return;
  if (is_full && !ReadFullOptions(args, reply, &count_max)) return;
  const StreamKey stream(tx, args[2], object);
  if (is_full) return ReplyFullStream(stream, count_max, reply);
  reply.Map(10);
  ReplyState(stream, reply);
  ReplyNumber("groups", stream.groups().size(), reply);
  const StreamEntries& entries = stream.entries();
  ReplyEdgeEntry("first-entry", entries.first_id(), entries, reply);
  ReplyEdgeEntry("last-entry", entries.last_id(), entries, reply);
}

// XINFO GROUPS key -> a map for each group
void XInfoGroups(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindPresent(args[2], tx, reply, &object)) return;
  const StreamKey stream(tx, args[2], object);
  reply.Array(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) {
    reply.Map(6);
    reply.Bulk("name");
    reply.Bulk(name);
    ReplyNumber("consumers", group.consumers.size(), reply);
    ReplyNumber("pending", group.pending.size(), reply);
    ReplyNamedId("last-delivered-id", group.last_id, reply);
    ReplyEntriesRead(group, reply);
    ReplyLag(stream, group, reply);
  }
}

// XINFO CONSUMERS key group -> a map for each consumer
void XInfoConsumers(const Args& args, Tx& tx, Reply& reply) {
  const Object* object;
  if (!FindPresent(args[2], tx, reply, &object)) return;
  const StreamKey stream(tx, args[2], object);
  const StreamGroup* group = stream.FindGroup(args[3]);
  if (group == nullptr) return reply.Error(NoSuchGroup(args[2], args[3]));
  reply.Array(group->consumers.size());
  for (const auto& [name, consumer] : group->consumers) {
    reply.Map(4);
    reply.Bulk("name");
    reply.Bulk(name);
    ReplyNumber("pending", consumer.pending.size(), reply);
    reply.Bulk("idle");
    reply.Integer(std::max<int64_t>(tx.now_ms() - consumer.seen_ms, 0));
    reply.Bulk("inactive");
    reply.Integer(consumer.active_ms == StreamConsumer::kNever
                      ? -1
                      : std::max<int64_t>(tx.now_ms() - consumer.active_ms, 0));
  }
}

// XINFO HELP -> lines
void XInfoHelp(const Args&, Tx&, Reply& reply) {
  ReplyHelp("XINFO",
            {"CONSUMERS <key> <groupname>", "    Show consumers of <groupname>.", "GROUPS <key>",
             "    Show the stream consumer groups.", "STREAM <key> [FULL [COUNT <count>]",
             "    Show information about the stream."},
            reply);
}

}  // namespace hearth
