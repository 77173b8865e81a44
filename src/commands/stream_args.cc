// Tested by tests/src/commands/stream_test.cc.
#include "src/commands/stream_args.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "engine/check.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"

namespace hearth {
namespace {

constexpr size_t kIdTextSizeMax = 127;
// What an approximate trim removes at most when no LIMIT is given: so many nodes, or entries.
constexpr uint64_t kNodesTrimmedMax = 100;
constexpr uint64_t kEntriesTrimmedDefault = 10'000;
constexpr uint64_t kEntriesTrimmedMax = 1'000'000;

// What is no plain decimal may still be one to strtoull, as in Redis: leading zeros, a plus sign.
bool ParseUnsigned(const char* text, uint64_t* number) {
  if (const auto plain = ParseInt64(text)) {
    *number = static_cast<uint64_t>(*plain);
    return *plain >= 0;
  }
  char* end = nullptr;
  errno = 0;
  *number = std::strtoull(text, &end, 10);
  return errno == 0 && *text != '\0' && *end == '\0';
}

// any_seq: not null allows "ms-*" and tells whether it was that.
bool ParseId(std::string_view text, uint64_t missing_seq, bool* any_seq, StreamId* id) {
  char buffer[kIdTextSizeMax + 1];
  if (text.size() > kIdTextSizeMax) return false;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  id->seq = missing_seq;
  char* dash = std::strchr(buffer, '-');
  if (dash == nullptr) return ParseUnsigned(buffer, &id->ms);
  *dash = '\0';
  if (!ParseUnsigned(buffer, &id->ms)) return false;
  if (any_seq != nullptr && std::strcmp(dash + 1, "*") == 0) {
    *any_seq = true;
    return true;
  }
  return ParseUnsigned(dash + 1, &id->seq);
}

bool IsExclusive(std::string_view* text) {
  if (text->size() < 2 || text->front() != '(') return false;
  text->remove_prefix(1);
  return true;
}

bool TakeTrim(const Args& args, size_t* index, Reply& reply, StreamTrim* trim) {
  using By = StreamTrim::By;
  if (trim->by != By::kNothing) {
    reply.Error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    return false;
  }
  trim->by = IsWord(args[*index], "MAXLEN") ? By::kLength : By::kId;
  ++*index;
  trim->approximate = args[*index] == "~";
  if ((args[*index] == "~" || args[*index] == "=") && *index + 1 < args.size()) ++*index;
  if (trim->by == By::kId) return ReadStreamId(args[*index], reply, &trim->id_min);
  const auto length = ReadInteger(args[*index], reply);
  if (!length) return false;
  if (*length < 0) {
    reply.Error("ERR The MAXLEN argument must be >= 0.");
    return false;
  }
  trim->length_max = static_cast<uint64_t>(*length);
  return true;
}

bool TakeLimit(std::string_view argument, Reply& reply, std::optional<uint64_t>* limit) {
  const auto number = ReadInteger(argument, reply);
  if (!number) return false;
  if (*number < 0) {
    reply.Error("ERR The LIMIT argument must be >= 0.");
    return false;
  }
  *limit = static_cast<uint64_t>(*number);
  return true;
}

// Judges LIMIT when all options are known. Returns whether they go together.
bool ApplyLimit(std::optional<uint64_t> limit, bool is_add, Reply& reply, StreamTrim* trim) {
  const bool trims = trim->by != StreamTrim::By::kNothing;
  if (limit.value_or(0) != 0 && !trims) {
    reply.Error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
    return false;
  }
  if (!is_add && !trims) {
    reply.Error("ERR syntax error, XTRIM must be called with at least one trimming strategy");
    return false;
  }
  if (limit && !trim->approximate) {
    reply.Error("ERR syntax error, LIMIT cannot be used without the special ~ option");
    return false;
  }
  if (limit) {
    trim->limit = *limit;
  } else if (trim->approximate) {
    const uint64_t most = kNodesTrimmedMax * Limits().stream_node_entries_max;
    trim->limit = most == 0 ? kEntriesTrimmedDefault : std::min(most, kEntriesTrimmedMax);
  }
  return true;
}

bool ReadWantedId(std::string_view text, Reply& reply, WantedId* wanted) {
  if (text == "*") return true;
  wanted->any_ms = wanted->any_seq = false;
  if (ParseId(text, 0, &wanted->any_seq, &wanted->id)) {
    if (wanted->any_seq) wanted->id.seq = 0;
    return true;
  }
  reply.Error(kErrStreamId);
  return false;
}

size_t ReadOptions(const Args& args, const Tx& tx, bool is_add, Reply& reply,
                   StreamOptions* options) {
  std::optional<uint64_t> limit;
  size_t index = 2;
  for (bool done = false; !done && index < args.size(); ++index) {
    const std::string_view word = args[index];
    const bool has_more = index + 1 < args.size();
    if (is_add && word == "*") {
      done = true;
    } else if (has_more && (IsWord(word, "MAXLEN") || IsWord(word, "MINID"))) {
      if (!TakeTrim(args, &index, reply, &options->trim)) return 0;
    } else if (has_more && IsWord(word, "LIMIT")) {
      if (!TakeLimit(args[++index], reply, &limit)) return 0;
    } else if (is_add && IsWord(word, "NOMKSTREAM")) {
      options->no_make_stream = true;
    } else if (is_add) {
      if (!ReadWantedId(word, reply, &options->id)) return 0;
      done = true;
    } else {
      reply.Error(kErrSyntax);
      return 0;
    }
  }
  // A Redis that is followed has trimmed already: "=" stands for its "~", and LIMIT is left over.
  if (tx.sees_expired()) limit.reset();
  return ApplyLimit(limit, is_add, reply, &options->trim) ? index : 0;
}

}  // namespace

bool FindStream(std::string_view key, Tx& tx, Reply& reply, const Object** object) {
  *object = tx.Find(key);
  if (*object == nullptr || (*object)->type == ObjectType::kStream) [[likely]]
    return true;
  reply.Error(kErrWrongType);
  return false;
}

std::optional<StreamId> ParseStreamId(std::string_view text, uint64_t missing_seq) {
  StreamId id;
  if (!ParseId(text, missing_seq, nullptr, &id)) return std::nullopt;
  return id;
}

std::optional<StreamId> ParseStreamIdOrEdge(std::string_view text, uint64_t missing_seq) {
  if (text == "-") return kStreamIdMin;
  if (text == "+") return kStreamIdMax;
  return ParseStreamId(text, missing_seq);
}

bool ReadStreamId(std::string_view text, Reply& reply, StreamId* id) {
  const auto read = ParseStreamId(text);
  if (read) {
    *id = *read;
  } else {
    reply.Error(kErrStreamId);
  }
  return read.has_value();
}

bool ReadRangeFirst(std::string_view text, Reply& reply, StreamId* id) {
  const bool exclusive = IsExclusive(&text);
  const auto read = exclusive ? ParseStreamId(text) : ParseStreamIdOrEdge(text);
  if (!read) {
    reply.Error(kErrStreamId);
    return false;
  }
  if (exclusive && *read == kStreamIdMax) {
    reply.Error("ERR invalid start ID for the interval");
    return false;
  }
  *id = exclusive ? read->Next() : *read;
  return true;
}

bool ReadRangeLast(std::string_view text, Reply& reply, StreamId* id) {
  const bool exclusive = IsExclusive(&text);
  const auto read =
      exclusive ? ParseStreamId(text, UINT64_MAX) : ParseStreamIdOrEdge(text, UINT64_MAX);
  if (!read) {
    reply.Error(kErrStreamId);
    return false;
  }
  if (exclusive && *read == kStreamIdMin) {
    reply.Error("ERR invalid end ID for the interval");
    return false;
  }
  *id = exclusive ? read->Previous() : *read;
  return true;
}

size_t ReadAddOptions(const Args& args, const Tx& tx, Reply& reply, StreamOptions* options) {
  return ReadOptions(args, tx, /*is_add=*/true, reply, options);
}

size_t ReadTrimOptions(const Args& args, const Tx& tx, Reply& reply, StreamOptions* options) {
  return ReadOptions(args, tx, /*is_add=*/false, reply, options);
}

void ReplyId(StreamId id, Reply& reply) {
  char text[48];
  char* end = std::to_chars(text, text + sizeof(text), id.ms).ptr;
  *end++ = '-';
  end = std::to_chars(end, text + sizeof(text), id.seq).ptr;
  reply.Bulk({text, static_cast<size_t>(end - text)});
}

void ReplyEntry(const StreamEntry& entry, Reply& reply) {
  reply.Array(2);
  ReplyId(entry.id(), reply);
  reply.Array(2 * entry.field_count());
  entry.Each([&](std::string_view name, std::string_view value) {
    reply.Bulk(name);
    reply.Bulk(value);
  });
}

void ReplyEntries(const StreamEntries& entries, StreamId first, StreamId last, size_t count_max,
                  bool backwards, Reply& reply) {
  size_t left = entries.Count(first, last, count_max == 0 ? SIZE_MAX : count_max);
  reply.Array(left);
  if (left == 0) return;
  const auto visit = [&left, &reply](const StreamEntry& entry) {
    ReplyEntry(entry, reply);
    return --left > 0;
  };
  if (backwards) {
    entries.WalkBack(first, last, visit);
  } else {
    entries.Walk(first, last, visit);
  }
}

void ReplyEntryOf(const StreamEntries& entries, StreamId id, Reply& reply) {
  bool found = false;
  entries.Walk(id, id, [&found, &reply](const StreamEntry& entry) {
    ReplyEntry(entry, reply);
    found = true;
    return false;
  });
  HEARTH_CHECK(found);
}

std::string NameText(std::string_view name) {
  return std::string(name.substr(0, name.find('\0')));
}

std::string NoSuchKeyOrGroup(std::string_view key, std::string_view group) {
  return "NOGROUP No such key '" + NameText(key) + "' or consumer group '" + NameText(group) + "'";
}

std::string NoSuchGroup(std::string_view key, std::string_view group) {
  return "NOGROUP No such consumer group '" + NameText(group) + "' for key name '" + NameText(key) +
         "'";
}

}  // namespace hearth
