// Server commands: INFO, CONFIG, snapshots, SHUTDOWN, MEMORY and the like.
// Tested by tests/src/server_commands_test.cc.
#include <unistd.h>

#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/info.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

void Info(const Args& args, Session& session, Reply& reply) {
  std::vector<std::string> sections;
  for (const std::string_view arg : args.subspan(1)) sections.push_back(ToLower(arg));
  reply.Verbatim("txt", InfoText(session.server(), sections));
}

// CONFIG GET pattern [pattern...]
void ConfigGet(const Args& args, Session& session, Reply& reply) {
  std::map<std::string, std::string> found;
  for (const std::string_view pattern : args.subspan(2)) {
    for (auto& [name, value] : session.server().config().Get(pattern)) found[name] = value;
  }
  reply.Map(found.size());
  for (const auto& [name, value] : found) {
    reply.Bulk(name);
    reply.Bulk(value);
  }
}

// CONFIG SET name value [name value...]: all of it or nothing.
void ConfigSet(const Args& args, Session& session, Reply& reply) {
  if (args.size() % 2 != 0) return reply.Error(WrongArity("config|set"));
  std::vector<std::pair<std::string, std::string>> pairs;
  for (size_t i = 2; i < args.size(); i += 2) pairs.emplace_back(args[i], args[i + 1]);
  const std::string error = session.server().config().Set(pairs);
  error.empty() ? reply.Ok() : reply.Error(error);
}

void ConfigRewrite(const Args&, Session& session, Reply& reply) {
  const std::string error = session.server().config().Rewrite();
  error.empty() ? reply.Ok() : reply.Error(error);
}

void ConfigResetStat(const Args&, Session& session, Reply& reply) {
  session.server().ResetStats();
  reply.Ok();
}

void ConfigHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp(
      "CONFIG",
      {"GET <pattern>", "    Return parameters matching the glob-like <pattern> and their values.",
       "SET <directive> <value>", "    Set the configuration <directive> to <value>.", "RESETSTAT",
       "    Reset statistics reported by the INFO command.", "REWRITE",
       "    Rewrite the configuration file."},
      reply);
}

// SAVE waits on a reader thread: the connection waits, the worker does not.
void Save(const Args&, Session& session, Reply& reply) {
  Server& server = session.server();
  if (server.snapshot_running()) return reply.Error("ERR Background save already in progress");
  session.OffThread(
      false,
      [&server] {
        SnapshotInfo info;
        return std::any(server.Snapshot(&info));
      },
      [](std::any& any, Reply& reply) {
        const auto& status = std::any_cast<const Status&>(any);
        status.ok() ? reply.Ok() : reply.Error("ERR " + status.message());
      });
}

void BgSave(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 2 || (args.size() == 2 && !IsWord(args[1], "SCHEDULE"))) {
    return reply.Error(kErrSyntax);
  }
  session.server().StartSnapshot() ? reply.Simple("Background saving started")
                                   : reply.Error("ERR Background save already in progress");
}

// The log is never rewritten here: the store's own compaction does what a rewrite is for.
void BgRewriteAof(const Args&, Session& session, Reply& reply) {
  const Status status = session.server().engine().store().Flush(/*wait=*/false);
  status.ok() ? reply.Simple("Background append only file rewriting started")
              : reply.Error("ERR " + status.message());
}

void LastSave(const Args&, Session& session, Reply& reply) {
  reply.Integer(session.server().last_snapshot_s());
}

// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
void Shutdown(const Args& args, Session& session, Reply& reply) {
  bool save = false, nosave = false, abort = false, other = false;
  for (const std::string_view arg : args.subspan(1)) {
    if (IsWord(arg, "SAVE") && !nosave) {
      save = true;
    } else if (IsWord(arg, "NOSAVE") && !save) {
      nosave = true;
    } else if (IsWord(arg, "NOW") || IsWord(arg, "FORCE")) {
      other = true;
    } else if (IsWord(arg, "ABORT")) {
      abort = true;
    } else {
      return reply.Error(kErrSyntax);
    }
  }
  if (abort && (save || nosave || other)) return reply.Error(kErrSyntax);
  if (abort) return reply.Error("ERR No shutdown in progress.");
  Server& server = session.server();
  if (!save) {
    Log(LogLevel::kNotice, "User requested shutdown...");
    server.RequestStop();
    return session.connection().CloseAfterReply();
  }
  session.OffThread(
      false,
      [&server] {
        SnapshotInfo info;
        return std::any(server.Snapshot(&info));
      },
      [&server, &session](std::any& any, Reply& reply) {
        if (!std::any_cast<const Status&>(any).ok()) {
          return reply.Error("ERR Errors trying to SHUTDOWN. Check logs.");
        }
        Log(LogLevel::kNotice, "User requested shutdown...");
        server.RequestStop();
        session.connection().CloseAfterReply();
      });
}

void Time(const Args&, Session& session, Reply& reply) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  (void)session;
  reply.Array(2);
  reply.Bulk(std::to_string(now.tv_sec));
  reply.Bulk(std::to_string(now.tv_nsec / 1000));
}

void Role(const Args&, Session& session, Reply& reply) {
  reply.Array(3);
  reply.Bulk("master");
  reply.Integer(static_cast<int64_t>(session.server().engine().log().committed_seq()));
  reply.Array(0);
}

void Lolwut(const Args&, Session&, Reply& reply) {
  reply.Verbatim("txt", "Hearth ver. " HEARTH_VERSION "\n");
}

// MEMORY USAGE key [SAMPLES count]
void MemoryUsage(const Args& args, Tx& tx, Reply& reply) {
  for (size_t i = 3; i < args.size(); i += 2) {
    if (!IsWord(args[i], "SAMPLES") || i + 1 >= args.size()) return reply.Error(kErrSyntax);
    const auto samples = ParseInt64(args[i + 1]);
    if (!samples) return reply.Error(kErrNotInteger);
    if (*samples < 0) return reply.Error(kErrSyntax);
  }
  const Object* object = tx.Peek(args[2]);
  if (object == nullptr) return reply.Null();
  constexpr int64_t kCellBytes = 8;
  reply.Integer(static_cast<int64_t>(object->allocated_size()) + kCellBytes);
}

void MemoryStats(const Args&, Session& session, Reply& reply) {
  const ProcessMemory memory = ReadProcessMemory();
  Store& store = session.server().engine().store();
  Keyspace& keyspace = session.server().keyspace();
  const std::pair<const char*, uint64_t> rows[] = {
      {"total.allocated", memory.allocated_bytes},
      {"rss.bytes", memory.rss_bytes},
      {"allocator.active", memory.active_bytes},
      {"keys.count", keyspace.ResidentCount()},
      {"dataset.bytes", keyspace.ResidentBytes()},
      {"overhead.total", keyspace.TableOverheadBytes()},
      {"memtables.bytes", store.IntProperty("rocksdb.cur-size-all-mem-tables")},
      {"block.cache.bytes", store.IntProperty("rocksdb.block-cache-usage")}};
  reply.Map(std::size(rows));
  for (const auto& [name, value] : rows) {
    reply.Bulk(name);
    reply.Integer(static_cast<int64_t>(value));
  }
}

void MemoryPurge(const Args&, Session&, Reply& reply) {
  PurgeProcessMemory();
  reply.Ok();
}

void MemoryDoctor(const Args&, Session&, Reply& reply) {
  reply.Verbatim("txt", "Sam, I can't find any memory issue in your instance.\n");
}

void MemoryHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp(
      "MEMORY",
      {"DOCTOR", "    Return memory problems reports.", "PURGE",
       "    Attempt to purge dirty pages for reclamation by the allocator.", "STATS",
       "    Return information about the memory usage of the server.",
       "USAGE <key> [SAMPLES <count>]", "    Return memory in bytes used by <key> and its value."},
      reply);
}

constexpr KeySpec kMemoryKey[] = {{.flags = "RO", .index = 2}};
constexpr uint32_t kAdmin = kCmdAdmin | kCmdNoscript | kCmdLoading | kCmdStale;

constexpr Command kConfigCommands[] = {
    {.name = "config|get",
     .arity = -3,
     .flags = kAdmin,
     .acl = kAclDangerous,
     .session = ConfigGet},
    {.name = "config|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = ConfigHelp},
    {.name = "config|resetstat",
     .arity = 2,
     .flags = kAdmin,
     .acl = kAclDangerous,
     .session = ConfigResetStat},
    {.name = "config|rewrite",
     .arity = 2,
     .flags = kAdmin,
     .acl = kAclDangerous,
     .session = ConfigRewrite},
    {.name = "config|set",
     .arity = -4,
     .flags = kAdmin,
     .acl = kAclDangerous,
     .session = ConfigSet},
};

constexpr Command kMemoryCommands[] = {
    {.name = "memory|doctor", .arity = 2, .flags = 0, .acl = 0, .session = MemoryDoctor},
    {.name = "memory|help",
     .arity = 2,
     .flags = kCmdLoading | kCmdStale,
     .acl = 0,
     .session = MemoryHelp},
    {.name = "memory|purge", .arity = 2, .flags = 0, .acl = 0, .session = MemoryPurge},
    {.name = "memory|stats", .arity = 2, .flags = 0, .acl = 0, .session = MemoryStats},
    {.name = "memory|usage",
     .arity = -3,
     .flags = kCmdReadonly | kCmdNoTouch,
     .acl = kAclRead,
     .key_specs = kMemoryKey,
     .data = MemoryUsage},
};

constexpr Command kCommands[] = {
    {.name = "bgrewriteaof",
     .arity = 1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading,
     .acl = kAclDangerous,
     .session = BgRewriteAof},
    {.name = "bgsave",
     .arity = -1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading,
     .acl = kAclDangerous,
     .session = BgSave},
    {.name = "config", .arity = -2, .flags = 0, .acl = kAclSlow, .subcommands = kConfigCommands},
    {.name = "info",
     .arity = -1,
     .flags = kCmdLoading | kCmdStale,
     .acl = kAclDangerous,
     .session = Info},
    {.name = "lastsave",
     .arity = 1,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclAdmin | kAclDangerous,
     .session = LastSave},
    {.name = "lolwut", .arity = -1, .flags = kCmdReadonly | kCmdFast, .acl = 0, .session = Lolwut},
    {.name = "memory", .arity = -2, .flags = 0, .acl = kAclSlow, .subcommands = kMemoryCommands},
    {.name = "role",
     .arity = 1,
     .flags = kCmdNoscript | kCmdLoading | kCmdStale | kCmdFast,
     .acl = kAclAdmin | kAclDangerous,
     .session = Role},
    {.name = "save",
     .arity = 1,
     .flags = kCmdAdmin | kCmdNoscript | kCmdNoAsyncLoading | kCmdNoMulti,
     .acl = kAclDangerous,
     .session = Save},
    {.name = "shutdown",
     .arity = -1,
     .flags = kAdmin | kCmdNoMulti | kCmdAllowBusy,
     .acl = kAclDangerous,
     .session = Shutdown},
    {.name = "time",
     .arity = 1,
     .flags = kCmdLoading | kCmdStale | kCmdFast,
     .acl = 0,
     .session = Time},
};

}  // namespace

std::span<const Command> ServerCommands() {
  return kCommands;
}

}  // namespace hearth
