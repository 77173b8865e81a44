// Commands that walk the keyspace. Tested by tests/src/commands/scan_test.cc and tests/oracle.
#include <charconv>
#include <random>

#include "engine/key_walk.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr size_t kKeysAPage = 10'000;

// What a walk on a reader thread brings back.
struct WalkResult {
  Status status;
  KeyPage page;
};

void ReplyReadFailure(const Status& status, Reply& reply) {
  reply.Error("IOERR a read of the store failed: " + status.message());
}

uint64_t RandomPosition() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

// Redis' type names; nullopt = a name that no key has.
std::optional<ObjectType> TypeNamed(std::string_view name) {
  if (IsWord(name, "STRING")) return ObjectType::kString;
  if (IsWord(name, "LIST")) return ObjectType::kList;
  if (IsWord(name, "SET")) return ObjectType::kSet;
  if (IsWord(name, "ZSET")) return ObjectType::kSortedSet;
  if (IsWord(name, "HASH")) return ObjectType::kHash;
  if (IsWord(name, "STREAM")) return ObjectType::kStream;
  return std::nullopt;
}

struct ScanOptions {
  uint64_t cursor = 0;
  size_t count = 10;
  std::string pattern;
  bool match = false, by_type = false;
  std::optional<ObjectType> type;
};

bool ParseScan(const Args& args, ScanOptions* options, Reply& reply) {
  // As strtoul reads it: a negative number counts from the top.
  const bool negative = args[1].starts_with('-');
  const std::string_view digits = args[1].substr(negative ? 1 : 0);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), options->cursor);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    reply.Error("ERR invalid cursor");
    return false;
  }
  if (negative) options->cursor = -options->cursor;
  for (size_t i = 2; i < args.size(); i += 2) {
    const bool has_value = i + 1 < args.size();
    if (has_value && IsWord(args[i], "COUNT")) {
      const auto count = ParseInt64(args[i + 1]);
      if (!count || *count < 1) {
        reply.Error(!count ? kErrNotInteger : kErrSyntax);
        return false;
      }
      options->count = static_cast<size_t>(*count);
    } else if (has_value && IsWord(args[i], "MATCH")) {
      options->pattern = args[i + 1];
      options->match = options->pattern != "*";
    } else if (has_value && IsWord(args[i], "TYPE")) {
      options->by_type = true;
      options->type = TypeNamed(args[i + 1]);
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

// SCAN cursor [MATCH pattern] [COUNT n] [TYPE type]. The cursor is a position (engine/position.h):
// it needs no state here, and holds over restarts.
void Scan(const Args& args, Session& session, Reply& reply) {
  ScanOptions options;
  if (!ParseScan(args, &options, reply)) return;
  Keyspace& keyspace = session.server().keyspace();
  const uint32_t db = session.db();
  const int64_t now_ms = session.server().clock().WallMs();
  session.OffThread(
      IsWhollyResident(keyspace, db),
      [&keyspace, db, now_ms, options] {
        WalkResult result;
        result.status =
            ReadKeyPage(keyspace, db, options.cursor, options.count, now_ms, &result.page);
        return std::any(std::move(result));
      },
      [&session, options](std::any& any, Reply& reply) {
        auto& result = std::any_cast<WalkResult&>(any);
        if (!result.status.ok()) return ReplyReadFailure(result.status, reply);
        session.WaitForCommit(result.page.barrier);
        std::erase_if(result.page.keys, [&](const KeyInfo& info) {
          return (options.match && !GlobMatch(options.pattern, info.key)) ||
                 (options.by_type && info.type != options.type);
        });
        reply.Array(2);
        reply.Bulk(std::to_string(result.page.next));
        reply.Array(result.page.keys.size());
        for (const KeyInfo& info : result.page.keys) reply.Bulk(info.key);
      });
}

// KEYS pattern
void Keys(const Args& args, Session& session, Reply&) {
  Keyspace& keyspace = session.server().keyspace();
  const uint32_t db = session.db();
  const int64_t now_ms = session.server().clock().WallMs();
  session.OffThread(
      IsWhollyResident(keyspace, db),
      [&keyspace, db, now_ms, pattern = std::string(args[1])] {
        WalkResult all;
        uint64_t from = 0;
        do {
          KeyPage page;
          all.status = ReadKeyPage(keyspace, db, from, kKeysAPage, now_ms, &page);
          if (!all.status.ok()) break;
          all.page.barrier = std::max(all.page.barrier, page.barrier);
          for (KeyInfo& info : page.keys) {
            if (GlobMatch(pattern, info.key)) all.page.keys.push_back(std::move(info));
          }
          from = page.next;
        } while (from != 0);
        return std::any(std::move(all));
      },
      [&session](std::any& any, Reply& reply) {
        auto& result = std::any_cast<WalkResult&>(any);
        if (!result.status.ok()) return ReplyReadFailure(result.status, reply);
        session.WaitForCommit(result.page.barrier);
        reply.Array(result.page.keys.size());
        for (const KeyInfo& info : result.page.keys) reply.Bulk(info.key);
      });
}

struct RandomResult {
  Status status;
  std::string key;
  bool found = false;
};

void RandomKey(const Args&, Session& session, Reply&) {
  Keyspace& keyspace = session.server().keyspace();
  const uint32_t db = session.db();
  const int64_t now_ms = session.server().clock().WallMs();
  session.OffThread(
      IsWhollyResident(keyspace, db),
      [&keyspace, db, now_ms] {
        RandomResult result;
        result.status = ReadRandomKey(keyspace, db, RandomPosition(), now_ms, &result.key,
                                      &result.found);
        return std::any(std::move(result));
      },
      [](std::any& any, Reply& reply) {
        auto& result = std::any_cast<RandomResult&>(any);
        if (!result.status.ok()) return ReplyReadFailure(result.status, reply);
        result.found ? reply.Bulk(result.key) : reply.Null();
      });
}

constexpr Command kCommands[] = {
    {.name = "keys", .arity = 2, .flags = kCmdReadonly, .acl = kAclKeyspace | kAclDangerous,
     .session = Keys},
    {.name = "randomkey", .arity = 1, .flags = kCmdReadonly, .acl = kAclKeyspace,
     .session = RandomKey},
    {.name = "scan", .arity = -2, .flags = kCmdReadonly, .acl = kAclKeyspace, .session = Scan},
};

}  // namespace

std::span<const Command> ScanCommands() { return kCommands; }

}  // namespace hearth
