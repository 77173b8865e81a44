// Tested by tests/src/commands/stream_group_test.cc.
#include <algorithm>

#include "engine/change_count.h"
#include "src/commands/groups.h"
#include "src/commands/stream.h"
#include "src/commands/stream_args.h"
#include "src/commands/stream_effects.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// XAUTOCLAIM looks at so many entries for each that it may claim.
constexpr int64_t kLooksPerClaim = 10;
constexpr int64_t kAutoClaimCountMax = INT64_MAX / 16;
constexpr int64_t kAutoClaimCountDefault = 100;

// -- XPENDING

struct PendingRange {
  int64_t idle_min_ms = 0;
  int64_t count = 0;
  StreamId first, last;
  std::optional<std::string_view> consumer;
};

bool ReadPendingRange(const Args& args, Reply& reply, PendingRange* range) {
  size_t at = 3;
  if (IsWord(args[3], "IDLE")) {
    const auto idle_min_ms = ReadInteger(args[4], reply);
    if (!idle_min_ms) return false;
    if (args.size() < 8) {
      reply.Error(kErrSyntax);
      return false;
    }
    range->idle_min_ms = *idle_min_ms;
    at = 5;
  }
  const auto count = ReadInteger(args[at + 2], reply);
  if (!count) return false;
  range->count = std::max<int64_t>(*count, 0);
  if (!ReadRangeFirst(args[at], reply, &range->first)) return false;
  if (!ReadRangeLast(args[at + 1], reply, &range->last)) return false;
  if (at + 3 < args.size()) range->consumer = args[at + 3];
  return true;
}

void ReplyPendingSummary(const StreamGroup& group, Reply& reply) {
  reply.Array(4);
  reply.Integer(static_cast<int64_t>(group.pending.size()));
  if (group.pending.empty()) {
    reply.Null();
    reply.Null();
    return reply.NullArray();
  }
  ReplyId(group.pending.begin()->id, reply);
  ReplyId(group.pending.rbegin()->id, reply);
  reply.Array(static_cast<size_t>(
      std::count_if(group.consumers.begin(), group.consumers.end(),
                    [](const auto& named) { return !named.second.pending.empty(); })));
  for (const auto& [name, consumer] : group.consumers) {
    if (consumer.pending.empty()) continue;
    reply.Array(2);
    reply.Bulk(name);
    reply.BulkInteger(static_cast<int64_t>(consumer.pending.size()));
  }
}

const StreamPending& PendingOf(const StreamPending& pending) {
  return pending;
}
const StreamPending& PendingOf(const StreamPending* pending) {
  return *pending;
}

// Set: a group's or a consumer's pending entries.
template <typename Set>
void ReplyPendingRange(const Set& set, const PendingRange& range, int64_t now_ms, Reply& reply) {
  std::vector<const StreamPending*> chosen;
  for (auto at = set.lower_bound(range.first); at != set.end(); ++at) {
    const StreamPending& pending = PendingOf(*at);
    if (pending.id > range.last || static_cast<int64_t>(chosen.size()) >= range.count) break;
    if (range.idle_min_ms == 0 || now_ms - pending.delivered_ms >= range.idle_min_ms) {
      chosen.push_back(&pending);
    }
  }
  reply.Array(chosen.size());
  for (const StreamPending* pending : chosen) {
    reply.Array(4);
    ReplyId(pending->id, reply);
    reply.Bulk(pending->consumer->name);
    reply.Integer(std::max<int64_t>(now_ms - pending->delivered_ms, 0));
    reply.Integer(static_cast<int64_t>(pending->delivery_count));
  }
}

// -- XCLAIM and XAUTOCLAIM

// Opens the stream of args[1] and its group args[2]; false and an error when one is absent.
bool FindGroupOf(const Args& args, Tx& tx, Reply& reply, std::optional<StreamKey>* stream,
                 StreamGroup** group) {
  const Object* object;
  if (!FindStream(args[1], tx, reply, &object)) return false;
  tx.NoteSource(args[1], object != nullptr);
  *group = nullptr;
  if (object != nullptr) {
    stream->emplace(tx, args[1], object);
    *group = (*stream)->FindGroup(args[2]);
  }
  if (*group == nullptr) reply.Error(NoSuchKeyOrGroup(args[1], args[2]));
  return *group != nullptr;
}

std::optional<int64_t> ReadTime(std::string_view argument, std::string_view error, Reply& reply) {
  const auto number = ParseInt64(argument);
  if (!number) reply.Error(error);
  return number;
}

struct ClaimCall {
  int64_t idle_min_ms = 0;
  std::vector<StreamId> ids;
  int64_t delivered_ms = -1;    // -1 = now
  int64_t delivery_count = -1;  // -1 = one more
  bool force = false;
  bool just_id = false;
  StreamId last_id;
};

bool TakeClaimOption(const Args& args, int64_t now_ms, size_t* index, Reply& reply,
                     ClaimCall* call) {
  const std::string_view word = args[*index];
  const bool has_more = *index + 1 < args.size();
  if (IsWord(word, "FORCE")) {
    call->force = true;
  } else if (IsWord(word, "JUSTID")) {
    call->just_id = true;
  } else if (has_more && IsWord(word, "IDLE")) {
    const auto idle_ms =
        ReadTime(args[++*index], "ERR Invalid IDLE option argument for XCLAIM", reply);
    if (!idle_ms) return false;
    // What does not fit becomes now, like every time that can't be.
    if (__builtin_sub_overflow(now_ms, *idle_ms, &call->delivered_ms)) call->delivered_ms = -1;
  } else if (has_more && IsWord(word, "TIME")) {
    const auto at_ms =
        ReadTime(args[++*index], "ERR Invalid TIME option argument for XCLAIM", reply);
    if (!at_ms) return false;
    call->delivered_ms = *at_ms;
  } else if (has_more && IsWord(word, "RETRYCOUNT")) {
    const auto count =
        ReadTime(args[++*index], "ERR Invalid RETRYCOUNT option argument for XCLAIM", reply);
    if (!count) return false;
    call->delivery_count = *count;
  } else if (has_more && IsWord(word, "LASTID")) {
    return ReadStreamId(args[++*index], reply, &call->last_id);
  } else {
    reply.Error("ERR Unrecognized XCLAIM option '" + NameText(word) + "'");
    return false;
  }
  return true;
}

bool ReadClaim(const Args& args, int64_t now_ms, Reply& reply, ClaimCall* call) {
  const auto idle_min_ms =
      ReadTime(args[4], "ERR Invalid min-idle-time argument for XCLAIM", reply);
  if (!idle_min_ms) return false;
  call->idle_min_ms = *idle_min_ms;
  size_t index = 5;
  for (; index < args.size(); ++index) {
    const auto id = ParseStreamId(args[index]);
    if (!id) break;
    call->ids.push_back(*id);
  }
  for (; index < args.size(); ++index) {
    if (!TakeClaimOption(args, now_ms, &index, reply, call)) return false;
  }
  if (call->delivered_ms < 0 || call->delivered_ms > now_ms) call->delivered_ms = now_ms;
  return true;
}

// The consumer of args[3], made when it is absent.
StreamConsumer* SeenConsumer(const Args& args, StreamKey& stream, StreamGroup* group, Tx& tx) {
  StreamConsumer* consumer = group->FindConsumer(args[3]);
  if (consumer == nullptr) {
    consumer = stream.CreateConsumer(group, args[3]);
    tx.Notify(EventClass::kStream, "xgroup-createconsumer", args[1]);
  }
  stream.SeeConsumer(group, consumer, /*active=*/false);
  return consumer;
}

// A pending entry that the stream lacks is dropped by whoever claims it, a follower too.
void PassOnIfGone(const Args& args, const StreamKey& stream, const StreamGroup& group,
                  StreamId id) {
  if (Effects::Current() == nullptr || stream.entries().Contains(id)) [[likely]]
    return;
  if (group.pending.contains(id)) PassOnClaim(args[1], group, id, group.last_id);
}

void PassOnNothingElse() {
  if (Effects* const effects = Effects::Current()) [[unlikely]]
    effects->Nothing();
}

// Claims one entry for the consumer, unless it may not.
bool Claim(const ClaimCall& call, StreamId id, StreamKey& stream, StreamGroup* group,
           StreamConsumer* consumer, int64_t now_ms) {
  const auto pending = group->pending.find(id);
  const bool is_pending = pending != group->pending.end();
  if (!stream.entries().Contains(id)) {
    stream.Acknowledge(group, id);
    return false;
  }
  if (!is_pending && !call.force) return false;
  if (is_pending && call.idle_min_ms > 0 && now_ms - pending->delivered_ms < call.idle_min_ms) {
    return false;
  }
  uint64_t delivery_count = is_pending ? pending->delivery_count : 1;
  if (call.delivery_count >= 0) {
    delivery_count = static_cast<uint64_t>(call.delivery_count);
  } else if (!call.just_id) {
    ++delivery_count;
  }
  stream.Assign(group, id, consumer, call.delivered_ms, delivery_count);
  return true;
}

void ReplyClaimed(const std::vector<StreamId>& ids, bool just_id, const StreamKey& stream,
                  Reply& reply) {
  reply.Array(ids.size());
  for (const StreamId id : ids) {
    if (just_id) {
      ReplyId(id, reply);
    } else {
      ReplyEntryOf(stream.entries(), id, reply);
    }
  }
}

struct AutoClaimCall {
  ClaimCall claim;
  StreamId first;
  int64_t count = kAutoClaimCountDefault;
};

bool ReadAutoClaim(const Args& args, int64_t now_ms, Reply& reply, AutoClaimCall* call) {
  const auto idle_min_ms =
      ReadTime(args[4], "ERR Invalid min-idle-time argument for XAUTOCLAIM", reply);
  if (!idle_min_ms) return false;
  call->claim.idle_min_ms = *idle_min_ms;
  call->claim.delivered_ms = now_ms;
  if (!ReadRangeFirst(args[5], reply, &call->first)) return false;
  for (size_t index = 6; index < args.size(); ++index) {
    if (IsWord(args[index], "COUNT") && index + 1 < args.size()) {
      const auto count = ParseInt64(args[++index]);
      if (!count || *count < 1 || *count > kAutoClaimCountMax) {
        reply.Error("ERR COUNT must be > 0");
        return false;
      }
      call->count = *count;
    } else if (IsWord(args[index], "JUSTID")) {
      call->claim.just_id = true;
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

}  // namespace

// XPENDING key group -> [count, first id, last id, [[consumer, count], ...]]
// XPENDING key group [IDLE ms] first last count [consumer] -> [[id, consumer, idle, deliveries]...]
void XPending(const Args& args, Tx& tx, Reply& reply) {
  PendingRange range;
  const bool is_summary = args.size() == 3;
  if (!is_summary && (args.size() < 6 || args.size() > 9)) return reply.Error(kErrSyntax);
  if (!is_summary && !ReadPendingRange(args, reply, &range)) return;
  std::optional<StreamKey> stream;
  StreamGroup* group;
  if (!FindGroupOf(args, tx, reply, &stream, &group)) return;
  if (is_summary) return ReplyPendingSummary(*group, reply);
  if (!range.consumer) return ReplyPendingRange(group->pending, range, tx.now_ms(), reply);
  const StreamConsumer* consumer = group->FindConsumer(*range.consumer);
  if (consumer == nullptr) return reply.Array(0);
  ReplyPendingRange(consumer->pending, range, tx.now_ms(), reply);
}

// XCLAIM key group consumer idle-min id... [IDLE ms | TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID]
//   [LASTID id] -> the entries, or their ids
// Entries that are gone are pending no more.
void XClaim(const Args& args, Tx& tx, Reply& reply) {
  ChangeCount changes(tx);
  std::optional<StreamKey> stream;
  StreamGroup* group;
  if (!FindGroupOf(args, tx, reply, &stream, &group)) return;
  ClaimCall call;
  if (!ReadClaim(args, tx.now_ms(), reply, &call)) return;
  const bool advances = call.last_id > group->last_id;
  if (advances) stream->SetGroup(group, call.last_id, group->entries_read);
  const bool makes_consumer = group->FindConsumer(args[3]) == nullptr;
  StreamConsumer* consumer = SeenConsumer(args, *stream, group, tx);
  std::vector<StreamId> claimed;
  size_t gone_count = 0;
  for (const StreamId id : call.ids) {
    const size_t pending_before = group->pending.size();
    PassOnIfGone(args, *stream, *group, id);
    if (Claim(call, id, *stream, group, consumer, tx.now_ms())) {
      claimed.push_back(id);
      PassOnClaim(args[1], *group, id, group->last_id);
    } else {
      gone_count += pending_before - group->pending.size();
    }
  }
  changes.Is(claimed.size() + gone_count + advances + makes_consumer);
  if (advances && claimed.empty()) PassOnGroup(args[1], *group);
  PassOnNothingElse();
  if (!claimed.empty()) stream->SeeConsumer(group, consumer, /*active=*/true);
  ReplyClaimed(claimed, call.just_id, *stream, reply);
}

// XAUTOCLAIM key group consumer idle-min first [COUNT count] [JUSTID]
//   -> [the id to go on from, entries or ids, ids of entries that are gone]
void XAutoClaim(const Args& args, Tx& tx, Reply& reply) {
  AutoClaimCall call;
  if (!ReadAutoClaim(args, tx.now_ms(), reply, &call)) return;
  ChangeCount changes(tx);
  std::optional<StreamKey> stream;
  StreamGroup* group;
  if (!FindGroupOf(args, tx, reply, &stream, &group)) return;
  const bool makes_consumer = group->FindConsumer(args[3]) == nullptr;
  StreamConsumer* consumer = SeenConsumer(args, *stream, group, tx);

  std::vector<StreamId> claimed, gone;
  int64_t looks = call.count * kLooksPerClaim;
  auto at = group->pending.lower_bound(call.first);
  while (looks-- > 0 && at != group->pending.end() &&
         static_cast<int64_t>(claimed.size() + gone.size()) < call.count) {
    const StreamId id = (at++)->id;  // before the entry may go
    if (!stream->entries().Contains(id)) {
      PassOnIfGone(args, *stream, *group, id);
      stream->Acknowledge(group, id);
      gone.push_back(id);
    } else if (Claim(call.claim, id, *stream, group, consumer, tx.now_ms())) {
      claimed.push_back(id);
      PassOnClaim(args[1], *group, id, group->last_id);
    }
  }
  if (!claimed.empty()) stream->SeeConsumer(group, consumer, /*active=*/true);
  changes.Is(claimed.size() + gone.size() + makes_consumer);
  PassOnNothingElse();

  reply.Array(3);
  ReplyId(at == group->pending.end() ? kStreamIdMin : at->id, reply);
  ReplyClaimed(claimed, call.claim.just_id, *stream, reply);
  reply.Array(gone.size());
  for (const StreamId id : gone) ReplyId(id, reply);
}

}  // namespace hearth
