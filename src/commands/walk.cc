// Tested by tests/src/commands/scan_test.cc.
#include "src/commands/walk.h"

#include <algorithm>
#include <charconv>

#include "engine/cursor.h"
#include "engine/keyspace.h"
#include "engine/random.h"
#include "src/commands/generic.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

constexpr size_t kKeysPageKeyCount = 10'000;
constexpr size_t kScanCountDefault = 10;

// What SCAN and KEYS ask of a key.
struct KeyFilter {
  std::optional<std::string> pattern = std::nullopt;
  std::optional<std::string> type_name = std::nullopt;

  bool Accepts(const KeyInfo& info) const {
    if (type_name && *type_name != TypeName(info.type)) return false;
    return !pattern || GlobMatch(*pattern, info.key);
  }
  void SetPattern(std::string_view text) {
    if (text == "*") {
      pattern.reset();
    } else {
      pattern = text;
    }
  }
};

struct ScanOptions {
  uint64_t cursor = 0;
  size_t count = kScanCountDefault;
  KeyFilter filter = {};
};

// Takes an option and its value; false after an error reply.
bool TakeScanOption(std::string_view word, std::string_view value, ScanOptions* options,
                    Reply& reply) {
  if (IsWord(word, "MATCH")) {
    options->filter.SetPattern(value);
  } else if (IsWord(word, "TYPE")) {
    options->filter.type_name = ToLower(value);
  } else if (IsWord(word, "COUNT")) {
    const auto count = ReadInteger(value, reply);
    if (!count) return false;
    if (*count < 1) {
      reply.Error(kErrSyntax);
      return false;
    }
    options->count = std::min(static_cast<size_t>(*count), kScanCountMax);
  } else {
    reply.Error(kErrSyntax);
    return false;
  }
  return true;
}

bool ParseScan(const Args& args, ScanOptions* options, Reply& reply) {
  const auto cursor = ParseScanCursor(args[1]);
  if (!cursor) {
    reply.Error("ERR invalid cursor");
    return false;
  }
  options->cursor = *cursor;
  for (size_t index = 2; index < args.size(); index += 2) {
    if (index + 1 == args.size()) {
      reply.Error(kErrSyntax);
      return false;
    }
    if (!TakeScanOption(args[index], args[index + 1], options, reply)) return false;
  }
  return true;
}

// Adds one page to the answer and returns it; its next is 0 at the end, or after a failure.
KeyPage AddPage(Keyspace& keyspace, uint32_t db, int64_t now_ms, uint64_t from, size_t count,
                const KeyFilter& filter, ShardLocks locks, WalkAnswer* answer) {
  KeyPage page;
  answer->status = ReadKeyPage(keyspace, db, from, count, now_ms, &page, locks);
  if (!answer->status.ok()) return {};
  answer->barrier = std::max(answer->barrier, page.barrier);
  for (KeyInfo& info : page.keys) {
    if (filter.Accepts(info)) answer->keys.push_back(std::move(info.key));
  }
  return page;
}

WalkAnswer ScanPage(const ScanOptions& options, Keyspace& keyspace, uint32_t db, int64_t now_ms,
                    Tx* tx, ShardLocks locks) {
  WalkAnswer answer;
  if (!IsCursor(options.cursor)) return answer;
  KeyPage page = AddPage(keyspace, db, now_ms, PlaceOf(options.cursor), options.count,
                         options.filter, locks, &answer);
  answer.cursor = CursorOf(page.next);
  std::erase_if(page.expired, [&](const KeyInfo& info) { return !options.filter.Accepts(info); });
  answer.barrier = std::max(answer.barrier, DeleteExpired(keyspace, db, page.expired, now_ms, tx));
  return answer;
}

WalkAnswer PickRandomKey(Keyspace& keyspace, uint32_t db, int64_t now_ms, Tx* tx,
                         ShardLocks locks) {
  WalkAnswer answer;
  std::string key;
  bool found = false;
  std::vector<KeyInfo> expired;
  answer.status = ReadRandomKey(keyspace, db, RandomBits(), now_ms, &key, &found, &expired, locks);
  if (!answer.status.ok()) return answer;
  if (found) answer.keys.push_back(std::move(key));
  (void)DeleteExpired(keyspace, db, expired, now_ms, tx);
  // Who holds the shards may hold the log too, and knows its own barrier.
  if (tx == nullptr) answer.barrier = keyspace.log().joined_seq();
  return answer;
}

void WriteKeys(const WalkAnswer& answer, Reply& reply) {
  reply.Array(answer.keys.size());
  for (const std::string& key : answer.keys) reply.Bulk(key);
}

void WriteScan(const WalkAnswer& answer, Reply& reply) {
  reply.Array(2);
  reply.Bulk(std::to_string(answer.cursor));
  WriteKeys(answer, reply);
}

void WriteOneKey(const WalkAnswer& answer, Reply& reply) {
  if (answer.keys.empty()) return reply.Null();
  reply.Bulk(answer.keys.front());
}

}  // namespace

std::optional<uint64_t> ParseScanCursor(std::string_view text) {
  if (text.empty()) return 0;
  const bool is_negative = text[0] == '-';
  if (is_negative || text[0] == '+') text.remove_prefix(1);
  uint64_t cursor = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, cursor);
  if (error != std::errc() || stop != end) return std::nullopt;
  return is_negative ? -cursor : cursor;
}

std::optional<Walk> MakeScan(const Args& args, Reply& reply) {
  ScanOptions options;
  if (!ParseScan(args, &options, reply)) return std::nullopt;
  const auto run = [options](Keyspace& keyspace, uint32_t db, int64_t now_ms, Tx* tx,
                             ShardLocks locks) {
    return ScanPage(options, keyspace, db, now_ms, tx, locks);
  };
  return Walk{run, WriteScan, options.count};
}

std::optional<Walk> MakeKeys(const Args& args, Reply&) {
  KeyFilter filter;
  filter.SetPattern(args[1]);
  const auto run = [filter](Keyspace& keyspace, uint32_t db, int64_t now_ms, Tx*,
                            ShardLocks locks) {
    WalkAnswer answer;
    uint64_t from = 0;
    do {
      from = AddPage(keyspace, db, now_ms, from, kKeysPageKeyCount, filter, locks, &answer).next;
    } while (from != 0);
    return answer;
  };
  return Walk{run, WriteKeys, SIZE_MAX};
}

std::optional<Walk> MakeRandomKey(const Args&, Reply&) {
  return Walk{PickRandomKey, WriteOneKey, 1, /*passes_expired=*/true};
}

}  // namespace hearth
