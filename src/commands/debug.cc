// DEBUG: for tests and operators; refused unless enable-debug-command allows it.
// Tested by tests/src/server_test.cc and the oracle and kill suites.
#include <any>
#include <chrono>
#include <csignal>
#include <thread>

#include "engine/collection.h"
#include "engine/collection_limits.h"
#include "engine/hash.h"
#include "engine/set.h"
#include "engine/sorted_set.h"
#include "src/client_eviction.h"
#include "src/commands/generic.h"
#include "src/commands/groups.h"
#include "src/commands/server_commands.h"
#include "src/digest.h"
#include "src/errors.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/replication/command_stream.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

// Runs `work` off the worker; its text is the reply: empty = OK.
void RunAndReport(Session& session, std::function<std::string()> work) {
  session.OffThread(
      false, [work = std::move(work)] { return std::any(work()); },
      [](std::any& any, Reply& reply) {
        const auto& text = std::any_cast<const std::string&>(any);
        text.empty() ? reply.Ok() : reply.Error("ERR " + text);
      });
}

std::string DemoteAll(Server& server) {
  Engine& engine = server.engine();
  if (!engine.log().CommitAndWait(engine.log().joined_seq())) return "the log has failed";
  if (Status status = engine.store().Flush(/*wait=*/true); !status.ok()) return status.message();
  engine.residency().DemoteAll();
  return {};
}

// Keys expire by themselves and clients write: differences count only when nothing was written
// while they were looked for.
std::string VerifyStore(Server& server) {
  constexpr int kAttempts = 20;
  CommitLog& log = server.engine().log();
  std::string differences;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const uint64_t seq = log.joined_seq();
    if (!log.CommitAndWait(seq)) return "the log has failed";
    const Status status = server.keyspace().VerifyAgainstStore(&differences);
    if (!status.ok()) return status.message();
    if (differences.empty() || log.joined_seq() == seq) return differences;
  }
  return "written meanwhile, each time: " + differences;
}

// Stops every worker: who asks for it wants a server that does not answer.
void Sleep(const Args& args, Session& session, Reply& reply) {
  constexpr double kSecondsMax = 3600;
  const double seconds = ParseDouble(args[2]).value_or(0);
  if (seconds > 0) {
    const auto until =
        std::chrono::steady_clock::now() +
        std::chrono::microseconds(static_cast<int64_t>(std::min(seconds, kSecondsMax) * 1e6));
    for (auto& worker : session.server().workers()) {
      worker->Post([until] { std::this_thread::sleep_until(until); });
    }
    std::this_thread::sleep_until(until);
  }
  reply.Ok();
}

// DEBUG POPULATE count [prefix [size]]
void Populate(const Args& args, Session& session, Reply& reply) {
  const auto count = ParseInt64(args[2]);
  const auto size = args.size() > 4 ? ParseInt64(args[4]) : std::optional<int64_t>(0);
  if (!count || *count < 0 || !size || *size < 0) return reply.Error(kErrNotInteger);
  Server& server = session.server();
  const uint32_t db = session.db();
  const std::string prefix(args.size() > 3 ? args[3] : "key");
  RunAndReport(session, [&server, db, count = *count, size = *size, prefix] {
    for (int64_t i = 0; i < count; ++i) {
      if (server.replication().is_replica()) return std::string("it is a replica");
      const std::string key = prefix + ":" + std::to_string(i);
      std::string value = "value:" + std::to_string(i);
      if (size > 0) value.resize(static_cast<size_t>(size), '\0');
      const KeyRef ref(db, key);
      uint64_t barrier;
      {
        Tx tx(server.keyspace(), {&ref, 1}, server.clock().WallMs(),
              {.write = true, .read_blocking = true});
        if (tx.state() != Tx::State::kReady) return tx.error().message();
        if (tx.Find(key) == nullptr) tx.SetString(key, value, Expiry::None());
        barrier = tx.barrier();
      }
      if (i % 1000 == 0) (void)server.engine().log().CommitAndWait(barrier);
    }
    return server.engine().log().CommitAndWait(server.engine().log().joined_seq())
               ? std::string()
               : std::string("the log has failed");
  });
}

// Runs `show` on the object of a key, under a Tx of its own, outside the key finder.
template <typename Show>
void ShowObject(const Args& args, Session& session, Reply& reply, Show show) {
  const KeyRef ref(session.db(), args[2]);
  Tx tx(session.server().keyspace(), {&ref, 1}, session.server().clock().WallMs(),
        {.read_blocking = true, .touch = false});
  if (tx.state() != Tx::State::kReady) return reply.Error("IOERR " + tx.error().message());
  const Object* object = tx.Peek(args[2]);
  object != nullptr ? show(tx, *object) : reply.Error(kErrNoSuchKey);
  session.WaitForCommit(tx.barrier());
  session.server().DispatcherOf(session.connection().worker()).NoteWrites(tx);
}

// What DUMP puts around a value: the type, the version and a checksum.
constexpr size_t kDumpFrameSize = 1 + 2 + 8;

// Redis has one object for each smaller one.
constexpr uint64_t kSharedIntegers = 10'000;

// DEBUG OBJECT key
void DebugObject(const Args& args, Session& session, Reply& reply) {
  ShowObject(args, session, reply, [&](Tx& tx, const Object& object) {
    const std::string encoding(EncodingName(object.encoding));
    const int64_t now_s = session.server().clock().WallMs() / 1000;
    const bool tells_time = session.server().keyspace().eviction_clock() != EvictionClock::kLfu;
    constexpr uint32_t kClockMask = (1u << 24) - 1;
    const bool is_shared = object.encoding == Encoding::kInt &&
                           object.type == ObjectType::kString &&
                           static_cast<uint64_t>(*ParseInt64(object.value())) < kSharedIntegers;
    char text[256];
    std::snprintf(text, sizeof(text),
                  "Value at:%p refcount:%d encoding:%s serializedlength:%zu lru:%u "
                  "lru_seconds_idle:%lld",
                  static_cast<const void*>(&object), is_shared ? INT32_MAX : 1, encoding.c_str(),
                  DumpPayloadOf(tx, args[2], object).size() - kDumpFrameSize,
                  object.access & kClockMask,
                  static_cast<long long>(tells_time ? now_s - object.access : 0));
    reply.Simple(text);
  });
}

// DEBUG SDSLEN key: one allocation holds an object's header, key and value.
void TextSizes(const Args& args, Session& session, Reply& reply) {
  ShowObject(args, session, reply, [&](Tx&, const Object& object) {
    const std::string_view encoding = EncodingName(object.encoding);
    if (encoding != "raw" && encoding != "embstr") {
      return reply.Error("ERR Not an sds encoded string.");
    }
    const size_t key_size = object.key().size();
    const size_t memory = std::max(object.memory_size(), key_size);
    reply.Simple("key_sds_len:" + std::to_string(key_size) +
                 ", key_sds_avail:0, key_zmalloc: " + std::to_string(key_size) +
                 ", val_sds_len:" + std::to_string(object.value().size()) +
                 ", val_sds_avail:0, val_zmalloc: " + std::to_string(memory - key_size));
  });
}

// DEBUG LISTPACK key
void DebugListpack(const Args& args, Session& session, Reply& reply) {
  ShowObject(args, session, reply, [&](Tx&, const Object& object) {
    if (EncodingName(object.encoding) != "listpack") {
      return reply.Error("ERR Not a listpack encoded object.");
    }
    Log(LogLevel::kNotice, "DEBUG LISTPACK: a packed value of " +
                               std::to_string(object.memory_size()) + " bytes with its header");
    reply.Simple("Listpack structure printed on stdout");
  });
}

void AppendTableStats(std::string* text, uint64_t count) {
  *text += "Hash table 0 stats (main hash table):\n";
  *text += count == 0 ? "No stats available for empty dictionaries\n"
                      : " number of elements: " + std::to_string(count) + "\n";
}

// DEBUG HTSTATS db [full]: expiry times stand with their keys, and have no table.
void TableStats(const Args& args, Session& session, Reply& reply) {
  const auto db = ReadInteger(args[2], reply);
  if (!db) return;
  Keyspace& keyspace = session.server().keyspace();
  if (*db < 0 || *db >= keyspace.db_count()) return reply.Error("ERR Out of range database");
  const auto index = static_cast<uint32_t>(*db);
  std::string text = "[Dictionary HT]\n";
  AppendTableStats(&text, keyspace.KeyCount(index));
  text += "[Expires HT]\n";
  AppendTableStats(&text, keyspace.ExpiryCount(index));
  reply.Verbatim("txt", text);
}

size_t ElementCount(Tx& tx, const Object& object) {
  if (object.type == ObjectType::kHash) return HashKey(tx, object.key(), &object).size();
  if (object.type == ObjectType::kSet) return SetKey(tx, object.key(), &object).size();
  return SortedSetKey(tx, object.key(), &object).size();
}

// DEBUG HTSTATS-KEY key [full]
void KeyTableStats(const Args& args, Session& session, Reply& reply) {
  ShowObject(args, session, reply, [&](Tx& tx, const Object& object) {
    const std::string_view encoding = EncodingName(object.encoding);
    if (encoding != "hashtable" && encoding != "skiplist") {
      return reply.Error(
          "ERR The value stored at the specified key is not represented using an hash table");
    }
    std::string text;
    AppendTableStats(&text, ElementCount(tx, object));
    reply.Verbatim("txt", text);
  });
}

// DEBUG SEGFAULT, PANIC, ASSERT: ends the process as a crash does, for tests of what follows.
void Crash(const Args& args, Session&, Reply&) {
  Log(LogLevel::kWarning, "ends at once: DEBUG " + std::string(args[1]));
  if (ToLower(args[1]) != "segfault") CheckFailed("DEBUG ASSERT", __FILE__, __LINE__);
  std::raise(SIGSEGV);
}

// DEBUG STRUCTSIZE: ours by Redis' names; a text has no header of its own.
void StructSizes(const Args&, Session&, Reply& reply) {
  constexpr int kCellBytes = 8;
  reply.Simple("bits:" + std::to_string(8 * sizeof(void*)) + " robj:" +
               std::to_string(sizeof(Object)) + " dictentry:" + std::to_string(kCellBytes) +
               " sdshdr5:0 sdshdr8:0 sdshdr16:0 sdshdr32:0 sdshdr64:0 ");
}

// DEBUG CHANGE-REPL-ID: the same data goes on under a new id, on the disk before the reply.
void ChangeReplicationId(const Args&, Session& session, Reply&) {
  RunAndReport(session, [&server = session.server()]() -> std::string {
    if (server.replication().is_replica()) return "it is a replica";
    Log(LogLevel::kNotice, "Changing replication IDs after receiving change-repl-id");
    CommitLog& log = server.engine().log();
    return log.CommitAndWait(log.RenewHistory(/*shared_seq=*/0)) ? "" : "the log has failed";
  });
}

struct DigestAnswer {
  Status status;
  std::vector<Digest> digests;
};

// Whether the data, from now on until it is asked, were not replaced.
std::function<bool()> WatchData(Session& session) {
  const Replication& replication = session.server().replication();
  return [&replication, generation = replication.data_generation()] {
    return replication.HasStayed(generation);
  };
}

// DEBUG DIGEST: of everything, read off the worker.
void DigestAll(const Args&, Session& session, Reply&) {
  session.OffThread(
      false,
      [&engine = session.server().engine()] {
        DigestAnswer answer;
        answer.status = DigestOfDataset(engine, &answer.digests.emplace_back());
        return std::any(answer);
      },
      [stayed = WatchData(session)](std::any& any, Reply& reply) {
        const auto& answer = std::any_cast<const DigestAnswer&>(any);
        if (!stayed()) return reply.Error(kErrLoading);
        if (!answer.status.ok()) return reply.Error("IOERR " + answer.status.message());
        reply.Simple(HexOf(answer.digests[0]));
      });
}

// DEBUG DIGEST-VALUE [key...] -> the digest of each value, zeros for an absent key
void DigestValues(const Args& args, Session& session, Reply&) {
  session.OffThread(
      false,
      [&engine = session.server().engine(), db = session.db(),
       keys = std::vector<std::string>(args.begin() + 2, args.end())] {
        DigestAnswer answer;
        for (const std::string& key : keys) {
          answer.status = DigestOfKey(engine, db, key, &answer.digests.emplace_back());
          if (!answer.status.ok()) break;
        }
        return std::any(answer);
      },
      [stayed = WatchData(session)](std::any& any, Reply& reply) {
        const auto& answer = std::any_cast<const DigestAnswer&>(any);
        if (!stayed()) return reply.Error(kErrLoading);
        if (!answer.status.ok()) return reply.Error("IOERR " + answer.status.message());
        reply.Array(answer.digests.size());
        for (const Digest& digest : answer.digests) reply.Simple(HexOf(digest));
      });
}

// Switches of Redis' own test suites that have no counterpart here.
void Ignore(const Args&, Session&, Reply& reply) {
  reply.Ok();
}

// DEBUG REPLYBUFFER PEAK-RESET-TIME ms | NEVER | RESET, RESIZING 0 | 1
void SetReplyBuffer(const Args& args, Session& session, Reply& reply) {
  ReplyBufferRules& rules = session.server().reply_buffer_rules();
  if (args.size() != 4) return reply.Error(WrongSubcommand("DEBUG", args[1]));
  if (IsWord(args[2], "RESIZING")) {
    rules.resizes = ParseInt64(args[3]).value_or(0) != 0;
  } else if (!IsWord(args[2], "PEAK-RESET-TIME")) {
    return reply.Error(WrongSubcommand("DEBUG", args[1]));
  } else if (IsWord(args[3], "NEVER")) {
    rules.peak_reset_ms = -1;
  } else if (IsWord(args[3], "RESET")) {
    rules.peak_reset_ms = kReplyPeakResetMs;
  } else {
    const auto reset_ms = ReadInteger(args[3], reply);
    if (!reset_ms) return;
    rules.peak_reset_ms = *reset_ms;
  }
  reply.Ok();
}

// DEBUG QUICKLIST-PACKED-THRESHOLD size: checked, for the sake of suites, and forgotten.
void QuicklistThreshold(const Args& args, Session&, Reply& reply) {
  const auto size = ParseMemory(args[2]);
  if (!size || *size < 0 || *size >= UINT32_MAX) {
    return reply.Error("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  }
  reply.Ok();
}

// DEBUG MALLCTL and MALLCTL-STR: no name is known.
// DEBUG REPLICATE word...: sent to replicas of Redis' kind as a command, and not run here.
void Replicate(const Args& args, Session& session, Reply& reply) {
  Replication& replication = session.server().replication();
  replication.command_stream().AppendLoose({0, StreamWords(args.subspan(2))});
  replication.replicas().OnCommit();
  reply.Ok();
}

void AllocatorSetting(const Args&, Session&, Reply& reply) {
  reply.Error("ERR No such file or directory");
}

// DEBUG CLIENT-EVICTION -> the clients that may be evicted, by size
void EvictableClients(const Args&, Session& session, Reply& reply) {
  ClientEviction& eviction = session.server().client_eviction();
  eviction.is_on() ? reply.Verbatim("txt", eviction.Histogram())
                   : reply.Error("ERR maxmemory-clients is disabled.");
}

// DEBUG CONFIG-REWRITE-FORCE-ALL: as CONFIG REWRITE, which leaves out what has its default.
void RewriteConfig(const Args&, Session& session, Reply& reply) {
  if (session.server().config().file().empty()) {
    return reply.Error("ERR CONFIG-REWRITE-FORCE-ALL failed: Bad address");
  }
  const std::string error = session.server().config().Rewrite();
  error.empty() ? reply.Ok() : reply.Error(error);
}

void WriteLog(const Args& args, Session&, Reply& reply) {
  Log(LogLevel::kWarning, "DEBUG LOG: " + std::string(args[2]));
  reply.Ok();
}

void WriteError(const Args& args, Session&, Reply& reply) {
  reply.Error(args[2]);
}

void SetActiveExpire(const Args& args, Session& session, Reply& reply) {
  session.server().engine().SetActiveExpire(args[2] != "0");
  reply.Ok();
}

void SetDenyScripts(const Args& args, Session& session, Reply& reply) {
  session.server().scripting().SetLiftsDenial(ParseInt64(args[2]).value_or(0) != 0);
  reply.Ok();
}

void StringMatchLength(const Args& args, Session&, Reply& reply) {
  reply.Integer(GlobMatch(args[3], args[2]));
}

void Demote(const Args&, Session& session, Reply&) {
  RunAndReport(session, [&server = session.server()] { return DemoteAll(server); });
}

// Stands for what Redis saves, drops and loads: who watches a key there has lost it.
void Reload(const Args&, Session& session, Reply&) {
  RunAndReport(session, [&server = session.server()] {
    for (uint32_t db = 0; db < DbCount(); ++db) server.keyspace().watched_keys().NoteFlush(db);
    return DemoteAll(server);
  });
}

void Verify(const Args&, Session& session, Reply&) {
  RunAndReport(session, [&server = session.server()] { return VerifyStore(server); });
}

template <std::atomic<uint32_t> CollectionLimits::*kLimit>
void SetLimit(const Args& args, Session&, Reply& reply) {
  const auto limit = ReadInteger(args[2], reply);
  if (!limit) return;
  Limits().*kLimit = static_cast<uint32_t>(std::clamp<int64_t>(*limit, 0, 1 << 20));
  reply.Ok();
}

void Help(const Args&, Session&, Reply& reply) {
  ReplyHelp("DEBUG",
            {"CHANGE-REPL-ID",
             "    Change the replication IDs of the instance.",
             "    Dangerous: should be used only for testing the replication subsystem.",
             "AOF-FLUSH-SLEEP <microsec>, CLIENT-ENFORCE-REPLY-LIST <0|1>,",
             "DELAY-RDB-CLIENT-FREE-SECONDS <seconds>, DICT-RESIZING <0|1>,",
             "DROP-CLUSTER-PACKET-FILTER <type>, LEAK <string>, PAUSE-CRON <0|1>,",
             "QUICKLIST-PACKED-THRESHOLD <size>, REPLICATE <string>,",
             "REPLYBUFFER PEAK-RESET-TIME <ms|NEVER|RESET>, RESIZING <0|1>",
             "    Accepted for the sake of test suites; they do nothing.",
             "CLIENT-EVICTION",
             "    Show how much memory clients take, as maxmemory-clients sees them.",
             "CONFIG-REWRITE-FORCE-ALL",
             "    Like CONFIG REWRITE.",
             "DEMOTE-ALL",
             "    Write everything to the store and forget it in memory.",
             "DIGEST",
             "    Output a hex signature representing the current DB content.",
             "DIGEST-VALUE <key> [<key> ...]",
             "    Output a hex signature of the values of all the specified keys.",
             "ERROR <string>",
             "    Return a Redis protocol error with <string> as message. Useful for clients",
             "    unit tests to simulate Redis errors.",
             "FEW-ROWS-MAX <rows>",
             "    Leave cold collections of more unread where a command needs no elements.",
             "HTSTATS <dbid> [full]",
             "    Return the counts of keys of the specified database.",
             "HTSTATS-KEY <key> [full]",
             "    Return the count of elements of a hash, set or sorted set with a table.",
             "JMAP",
             "    Accepted for the sake of old clients; does nothing.",
             "LISTPACK <key>",
             "    Write the size of a packed value to the server log.",
             "LOG <message>",
             "    Write <message> to the server log.",
             "MALLCTL <key> [<val>], MALLCTL-STR <key> [<val>]",
             "    The allocator is not tuned here; always an error.",
             "OBJECT <key>",
             "    Show low level info about `key` and associated value.",
             "PACKED-SIZE-MAX <bytes>",
             "    Spread collections over rows of their own beyond this size.",
             "POPULATE <count> [<prefix>] [<size>]",
             "    Create <count> string keys named key:<num>. If <prefix> is specified then",
             "    it is used instead of the 'key' prefix.",
             "PROTOCOL <type>",
             "    Reply with a test value of the specified type. <type> can be: string,",
             "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
             "    true, false.",
             "RELOAD [option ...]",
             "    Forget everything in memory, so that it is read from the store again.",
             "SDSLEN <key>",
             "    Show the sizes of a string and of its key.",
             "SEGFAULT, PANIC, ASSERT",
             "    Crash the server.",
             "SET-ACTIVE-EXPIRE <0|1>",
             "    Setting it to 0 disables expiring keys in background when they are not",
             "    accessed. Setting it to 1 reenables back the default.",
             "SET-DISABLE-DENY-SCRIPTS <0|1>",
             "    Setting it to 1 lets scripts run blocking commands, which do not wait there,",
             "    and DEBUG PROTOCOL. Setting it to 0 reenables back the default.",
             "SLEEP <seconds>",
             "    Stop the server for <seconds>. Decimals allowed.",
             "STRUCTSIZE",
             "    Return the size of different core structures.",
             "STRINGMATCH-LEN <len> <pattern>",
             "    Match a pattern against a string.",
             "VERIFY-STORE",
             "    Compare every key in memory with the store; the differences are the error.",
             "    Begun anew when something is written meanwhile, up to 20 times."},
            reply);
}

struct DebugCommand {
  std::string_view name;
  size_t args_min, args_max;
  SessionFunction run;
};

constexpr size_t kAnyCount = SIZE_MAX;

constexpr DebugCommand kDebugCommands[] = {
    {"AOF-FLUSH-SLEEP", 3, 3, Ignore},
    {"ASSERT", 2, kAnyCount, Crash},
    {"CHANGE-REPL-ID", 2, 2, ChangeReplicationId},
    {"CLIENT-ENFORCE-REPLY-LIST", 3, 3, Ignore},
    {"CLIENT-EVICTION", 2, 2, EvictableClients},
    {"CONFIG-REWRITE-FORCE-ALL", 2, 2, RewriteConfig},
    {"DELAY-RDB-CLIENT-FREE-SECONDS", 3, 3, Ignore},
    {"DEMOTE-ALL", 2, 2, Demote},
    {"DIGEST", 2, 2, DigestAll},
    {"DIGEST-VALUE", 2, kAnyCount, DigestValues},
    {"DICT-RESIZING", 3, 3, Ignore},
    {"DROP-CLUSTER-PACKET-FILTER", 3, 3, Ignore},
    {"ERROR", 3, 3, WriteError},
    {"FEW-ROWS-MAX", 3, 3, SetLimit<&CollectionLimits::few_rows_max>},
    {"HELP", 2, 2, Help},
    {"HTSTATS", 3, 4, TableStats},
    {"HTSTATS-KEY", 3, 4, KeyTableStats},
    {"JMAP", 2, kAnyCount, Ignore},
    {"LEAK", 3, 3, Ignore},
    {"LISTPACK", 3, 3, DebugListpack},
    {"LOADAOF", 2, 2, Reload},
    {"LOG", 3, 3, WriteLog},
    {"MALLCTL", 3, 4, AllocatorSetting},
    {"MALLCTL-STR", 3, 4, AllocatorSetting},
    {"OBJECT", 3, 4, DebugObject},
    {"PACKED-SIZE-MAX", 3, 3, SetLimit<&CollectionLimits::packed_size_max>},
    {"PANIC", 2, kAnyCount, Crash},
    {"PAUSE-CRON", 3, 3, Ignore},
    {"POPULATE", 3, 5, Populate},
    {"PROTOCOL", 3, 3, DebugProtocol},
    {"QUICKLIST-PACKED-THRESHOLD", 3, 3, QuicklistThreshold},
    {"RELOAD", 2, kAnyCount, Reload},
    {"REPLICATE", 3, kAnyCount, Replicate},
    {"REPLYBUFFER", 3, kAnyCount, SetReplyBuffer},
    {"SDSLEN", 3, 3, TextSizes},
    {"SEGFAULT", 2, kAnyCount, Crash},
    {"SET-ACTIVE-EXPIRE", 3, 3, SetActiveExpire},
    {"SET-DISABLE-DENY-SCRIPTS", 3, 3, SetDenyScripts},
    {"SLEEP", 3, 3, Sleep},
    {"STRINGMATCH-LEN", 4, 4, StringMatchLength},
    {"STRUCTSIZE", 2, 2, StructSizes},
    {"VERIFY-STORE", 2, 2, Verify},
};

}  // namespace

void Debug(const Args& args, Session& session, Reply& reply) {
  for (const DebugCommand& command : kDebugCommands) {
    if (!IsWord(args[1], command.name)) continue;
    if (args.size() < command.args_min || args.size() > command.args_max) break;
    return command.run(args, session, reply);
  }
  reply.Error(WrongSubcommand("DEBUG", args[1]));
}

}  // namespace hearth
