// Tested by tests/src/commands/stream_group_test.cc and tests/src/blocked_streams_test.cc.
#include <algorithm>

#include "engine/change_count.h"
#include "src/commands/groups.h"
#include "src/commands/stream.h"
#include "src/commands/stream_args.h"
#include "src/commands/stream_effects.h"
#include "src/commands/stream_progress.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

// The greatest id stands for ">", as it does in Redis: behind it there is nothing to ask for.
constexpr StreamId kNewEntries = kStreamIdMax;

struct ReadCall {
  bool is_group = false;
  std::optional<int64_t> timeout_ms;  // of BLOCK
  size_t count_max = 0;               // 0 = all
  bool no_ack = false;
  bool is_later_run = false;
  std::optional<std::string_view> group;
  std::string_view consumer;
  std::span<const std::string_view> keys;
  std::span<const std::string_view> id_texts;
  std::vector<StreamId> after;  // one a key: its entries behind this id are wanted
};

bool TakeTimeout(std::string_view argument, const Tx& tx, Reply& reply, ReadCall* call) {
  const auto timeout_ms = ParseInt64(argument);
  std::string_view error;
  if (!timeout_ms) {
    error = "ERR timeout is not an integer or out of range";
  } else if (*timeout_ms < 0) {
    error = "ERR timeout is negative";
  } else if (*timeout_ms > INT64_MAX - tx.now_ms()) {
    error = "ERR timeout is out of range";
  } else {
    call->timeout_ms = *timeout_ms;
    return true;
  }
  reply.Error(error);
  return false;
}

bool TakeStreams(const Args& args, size_t first, Reply& reply, ReadCall* call) {
  const size_t size = args.size() - first;
  if (size % 2 != 0) {
    reply.Error(call->is_group
                    ? "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or "
                      "'>' must be specified."
                    : "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' "
                      "must be specified.");
    return false;
  }
  call->keys = args.subspan(first, size / 2);
  call->id_texts = args.subspan(first + size / 2);
  return true;
}

bool OnlyInGroups(std::string_view option, const ReadCall& call, Reply& reply) {
  if (call.is_group) return true;
  reply.Error("ERR The " + std::string(option) +
              " option is only supported by XREADGROUP. You called XREAD instead.");
  return false;
}

// Takes the option at *index, which moves to its last argument.
bool TakeReadOption(const Args& args, const Tx& tx, size_t* index, Reply& reply, ReadCall* call) {
  const std::string_view word = args[*index];
  const size_t more = args.size() - *index - 1;
  if (more >= 1 && IsWord(word, "BLOCK")) return TakeTimeout(args[++*index], tx, reply, call);
  if (more >= 1 && IsWord(word, "COUNT")) {
    const auto count = ReadInteger(args[++*index], reply);
    if (count) call->count_max = static_cast<size_t>(std::max<int64_t>(*count, 0));
    return count.has_value();
  }
  if (more >= 2 && IsWord(word, "GROUP")) {
    if (!OnlyInGroups("GROUP", *call, reply)) return false;
    call->group = args[*index + 1];
    call->consumer = args[*index + 2];
    *index += 2;
    return true;
  }
  if (IsWord(word, "NOACK")) {
    call->no_ack = true;
    return OnlyInGroups("NOACK", *call, reply);
  }
  reply.Error(kErrSyntax);
  return false;
}

bool ReadOptions(const Args& args, const Tx& tx, Reply& reply, ReadCall* call) {
  for (size_t index = 1; index < args.size(); ++index) {
    if (IsWord(args[index], "STREAMS") && index + 1 < args.size()) {
      if (!TakeStreams(args, index + 1, reply, call)) return false;
      break;
    }
    if (!TakeReadOption(args, tx, &index, reply, call)) return false;
  }
  if (call->keys.empty()) {
    reply.Error(kErrSyntax);
    return false;
  }
  if (call->is_group && !call->group) {
    reply.Error("ERR Missing GROUP option for XREADGROUP");
    return false;
  }
  return true;
}

// The id before the last entry, or the last id of an empty stream: "+" wants one entry at least.
StreamId BeforeLastEntry(const StreamKey& stream) {
  if (stream.entries().size() == 0) return stream.state().last_id;
  return stream.entries().last_id().Previous();
}

// XREAD: an id, "$" for the last one, "+" for the one before the last entry.
bool ReadAfter(std::string_view key, std::string_view text, const Object* object, Tx& tx,
               Reply& reply, StreamId* after) {
  if (text == "$" || text == "+") {
    *after = {};
    if (object == nullptr) return true;
    const StreamKey stream(tx, key, object);
    *after = text == "$" ? stream.state().last_id : BeforeLastEntry(stream);
    return true;
  }
  if (text == ">") {
    reply.Error(
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> "
        "<consumer> option.");
    return false;
  }
  return ReadStreamId(text, reply, after);
}

bool ReadGroupAfter(std::string_view text, Reply& reply, StreamId* after) {
  if (text == "$" || text == "+") {
    const std::string id(text);
    reply.Error("ERR The " + id +
                " ID is meaningless in the context of XREADGROUP: you want to read the history of "
                "this consumer by specifying a proper ID, or use the > ID to get new messages. "
                "The " +
                id + " ID would just return an empty result set.");
    return false;
  }
  *after = kNewEntries;
  return text == ">" || ReadStreamId(text, reply, after);
}

bool ResolveIds(Tx& tx, Reply& reply, ReadCall* call) {
  call->after.resize(call->keys.size());
  for (size_t i = 0; i < call->keys.size(); ++i) {
    const std::string_view key = call->keys[i];
    const Object* object;
    if (!FindStream(key, tx, reply, &object)) return false;
    tx.NoteSource(key, object != nullptr);
    if (!call->is_group) {
      if (!ReadAfter(key, call->id_texts[i], object, tx, reply, &call->after[i])) return false;
      continue;
    }
    if (object == nullptr || StreamKey(tx, key, object).FindGroup(*call->group) == nullptr) {
      reply.Error(NoSuchKeyOrGroup(key, *call->group) + " in XREADGROUP with GROUP option");
      return false;
    }
    if (!ReadGroupAfter(call->id_texts[i], reply, &call->after[i])) return false;
  }
  return true;
}

// How many entries of the same key the same call reads before, when ">" is given for it twice.
size_t CountReadBefore(const ReadCall& call, size_t index) {
  size_t times = 0;
  for (size_t i = 0; i < index; ++i) {
    times += call.keys[i] == call.keys[index] && call.after[i] == kNewEntries;
  }
  if (times == 0) return 0;
  return call.count_max == 0 ? SIZE_MAX : times * call.count_max;
}

bool HasMoreThan(size_t count, const StreamKey& stream, StreamId after) {
  if (stream.entries().EndsBefore(after) || after == kStreamIdMax) return false;
  if (count == SIZE_MAX) return false;
  return stream.entries().Count(after.Next(), kStreamIdMax, count + 1) > count;
}

// Whether the call answers something for this key, an empty history included; *made_consumer when
// it is the consumer's first.
bool AnswersFor(const ReadCall& call, size_t index, Tx& tx, bool* made_consumer) {
  const std::string_view key = call.keys[index];
  const Object* object = tx.Find(key);
  tx.NoteSource(key, object != nullptr);
  if (object == nullptr) return false;
  const StreamId after = call.after[index];
  StreamKey stream(tx, key, object);
  if (!call.is_group) return HasMoreThan(0, stream, after);
  StreamGroup* group = stream.FindGroup(*call.group);
  // A consumer that reads nothing was there all the same.
  StreamConsumer* consumer = group->FindConsumer(call.consumer);
  *made_consumer = consumer == nullptr;
  if (consumer == nullptr) {
    consumer = stream.CreateConsumer(group, call.consumer);
    if (call.no_ack) PassOnConsumer(key, *group, call.consumer);
    tx.Notify(EventClass::kStream, "xgroup-createconsumer", key);
  }
  // An entry for one of many that wait is not to write rows for all of them.
  if (!call.is_later_run) stream.SeeConsumer(group, consumer, /*active=*/false);
  if (after != kNewEntries) return true;
  return HasMoreThan(CountReadBefore(call, index), stream, group->last_id);
}

// Answers the new entries, which become the consumer's.
void DeliverNew(const ReadCall& call, std::string_view key, StreamKey& stream, StreamGroup* group,
                StreamConsumer* consumer, int64_t now_ms, Reply& reply) {
  StreamId last_id = group->last_id;
  int64_t entries_read = group->entries_read;
  const StreamId first = last_id.Next();
  size_t left =
      stream.entries().Count(first, kStreamIdMax, call.count_max == 0 ? SIZE_MAX : call.count_max);
  reply.Array(left);
  if (left == 0) return;
  stream.SeeConsumer(group, consumer, /*active=*/!call.no_ack);
  const auto deliver = [&](const StreamEntry& entry) {
    last_id = entry.id();
    entries_read = EntriesReadAfter(stream, last_id, entries_read);
    ReplyEntry(entry, reply);
    if (!call.no_ack) {
      stream.Assign(group, last_id, consumer, now_ms, 1);
      PassOnClaim(key, *group, last_id, last_id);
    }
    return --left > 0;
  };
  stream.entries().Walk(first, kStreamIdMax, std::cref(deliver));
  stream.SetGroup(group, last_id, entries_read);
  if (call.no_ack) PassOnGroup(key, *group);
}

// Answers what the consumer has pending; entries that are gone with null.
void DeliverHistory(const ReadCall& call, StreamKey& stream, StreamGroup* group,
                    StreamConsumer* consumer, StreamId after, int64_t now_ms, Reply& reply) {
  std::vector<StreamId> ids;
  for (auto at = consumer->pending.upper_bound(after); at != consumer->pending.end(); ++at) {
    ids.push_back((*at)->id);
    if (ids.size() == call.count_max) break;
  }
  reply.Array(ids.size());
  for (const StreamId id : ids) {
    if (!stream.entries().Contains(id)) {
      reply.Array(2);
      ReplyId(id, reply);
      reply.NullArray();
      continue;
    }
    ReplyEntryOf(stream.entries(), id, reply);
    const uint64_t delivery_count = group->pending.find(id)->delivery_count;
    stream.Assign(group, id, consumer, now_ms, delivery_count + 1);
  }
}

void AnswerFor(const ReadCall& call, size_t index, Tx& tx, Reply& reply) {
  const std::string_view key = call.keys[index];
  StreamKey stream(tx, key, tx.Peek(key));
  if (reply.protocol() == 2) reply.Array(2);
  reply.Bulk(key);
  const StreamId after = call.after[index];
  if (!call.is_group) {
    return ReplyEntries(stream.entries(), after.Next(), kStreamIdMax, call.count_max,
                        /*backwards=*/false, reply);
  }
  StreamGroup* group = stream.FindGroup(*call.group);
  StreamConsumer* consumer = group->FindConsumer(call.consumer);
  if (after == kNewEntries) {
    DeliverNew(call, key, stream, group, consumer, tx.now_ms(), reply);
  } else {
    DeliverHistory(call, stream, group, consumer, after, tx.now_ms(), reply);
  }
}

// The later runs read behind the ids that "$" and "+" stand for now.
void FillRequest(const Args& args, const ReadCall& call, BlockRequest* request) {
  request->timeout_ms = *call.timeout_ms;
  request->type = ObjectType::kStream;
  request->wakes_when_gone = call.is_group;
  const auto is_relative = [](std::string_view text) { return text == "$" || text == "+"; };
  if (std::none_of(call.id_texts.begin(), call.id_texts.end(), is_relative)) return;
  request->args.assign(args.begin(), args.end());
  const size_t first_id = args.size() - call.id_texts.size();
  for (size_t i = 0; i < call.id_texts.size(); ++i) {
    if (is_relative(call.id_texts[i])) request->args[first_id + i] = call.after[i].Text();
  }
}

bool Read(const Args& args, bool is_group, Tx& tx, Reply& reply, BlockRequest* request) {
  ReadCall call;
  call.is_group = is_group;
  call.is_later_run = request->is_later_run;
  if (!ReadOptions(args, tx, reply, &call) || !ResolveIds(tx, reply, &call)) return true;
  // A stream read counts once, and a consumer made for it.
  ChangeCount changes(tx);
  uint64_t change_count = 0;
  std::vector<size_t> answered;
  for (size_t i = 0; i < call.keys.size(); ++i) {
    bool made_consumer = false;
    if (!AnswersFor(call, i, tx, &made_consumer)) continue;
    answered.push_back(i);
    change_count += made_consumer ? 2 : 1;
  }
  changes.Is(is_group ? change_count : 0);
  if (Effects* const effects = Effects::Current(); is_group && effects != nullptr) [[unlikely]]
    effects->Nothing();  // but for what is said of each entry
  if (answered.empty()) {
    if (call.timeout_ms) {
      FillRequest(args, call, request);
      return false;
    }
    reply.NullArray();
    return true;
  }
  if (reply.protocol() == 2) {
    reply.Array(answered.size());
  } else {
    reply.Map(answered.size());
  }
  for (const size_t index : answered) AnswerFor(call, index, tx, reply);
  return true;
}

}  // namespace

// XREAD [COUNT count] [BLOCK ms] STREAMS key... id... -> key and entries of those that have some
bool XRead(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  return Read(args, /*is_group=*/false, tx, reply, request);
}

// XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key... id...
// With ">" new entries, which become pending; with an id what the consumer has pending behind it.
bool XReadGroup(const Args& args, Tx& tx, Reply& reply, BlockRequest* request) {
  return Read(args, /*is_group=*/true, tx, reply, request);
}

}  // namespace hearth
