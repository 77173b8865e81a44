// DEBUG: for tests and operators; refused unless enable-debug-command allows it.
// Tested by tests/src/server_commands_test.cc and the oracle and kill suites.
#include <unistd.h>

#include "src/commands/groups.h"
#include "src/commands/server_commands.h"
#include "src/errors.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/redis_text.h"
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

std::string VerifyStore(Server& server) {
  Engine& engine = server.engine();
  if (!engine.log().CommitAndWait(engine.log().joined_seq())) return "the log has failed";
  std::string differences;
  const Status status = server.keyspace().VerifyAgainstStore(&differences);
  return status.ok() ? differences : status.message();
}

void Sleep(const Args& args, Reply& reply) {
  const auto seconds = ParseDouble(args[2]);
  if (!seconds || *seconds < 0 || *seconds > 3600) return reply.Error(kErrNotFloat);
  usleep(static_cast<useconds_t>(*seconds * 1e6));
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
      const std::string key = prefix + ":" + std::to_string(i);
      std::string value = "value:" + std::to_string(i);
      if (size > 0) value.resize(static_cast<size_t>(size), '\0');
      const KeyRef ref(db, key);
      Tx tx(server.keyspace(), {&ref, 1}, server.clock().WallMs(),
            {.write = true, .read_blocking = true});
      if (tx.state() != Tx::State::kReady) return tx.error().message();
      if (tx.Find(key) == nullptr) tx.SetString(key, value, Expiry::None());
      if (i % 1000 == 0) (void)server.engine().log().CommitAndWait(tx.barrier());
    }
    return server.engine().log().CommitAndWait(server.engine().log().joined_seq())
               ? std::string()
               : std::string("the log has failed");
  });
}

// DEBUG OBJECT key: answered by a Tx of its own, outside the key finder.
void DebugObject(const Args& args, Session& session, Reply& reply) {
  const KeyRef ref(session.db(), args[2]);
  Tx tx(session.server().keyspace(), {&ref, 1}, session.server().clock().WallMs(),
        {.read_blocking = true, .touch = false});
  if (tx.state() != Tx::State::kReady) return reply.Error("IOERR " + tx.error().message());
  const Object* object = tx.Peek(args[2]);
  if (object == nullptr) return reply.Error(kErrNoSuchKey);
  const char* encoding = object->encoding == Encoding::kInt      ? "int"
                         : object->encoding == Encoding::kEmbstr ? "embstr"
                                                                 : "raw";
  char text[256];
  std::snprintf(text, sizeof(text),
                "Value at:%p refcount:1 encoding:%s serializedlength:%u lru:%u "
                "lru_seconds_idle:%lld",
                static_cast<const void*>(object), encoding, object->value_size, object->access,
                static_cast<long long>(tx.now_ms() / 1000 - object->access));
  reply.Simple(text);
}

// The examples of every RESP3 type that clients' own tests ask for.
void Protocol(std::string_view type, Reply& reply) {
  if (IsWord(type, "STRING")) return reply.Bulk("Hello World");
  if (IsWord(type, "INTEGER")) return reply.Integer(12345);
  if (IsWord(type, "DOUBLE")) return reply.Double(3.141);
  if (IsWord(type, "NULL")) return reply.Null();
  if (IsWord(type, "TRUE")) return reply.Bool(true);
  if (IsWord(type, "FALSE")) return reply.Bool(false);
  if (IsWord(type, "BIGNUM")) {
    return reply.BigNumber("1234567999999999999999999999999999999");
  }
  if (IsWord(type, "VERBATIM")) return reply.Verbatim("txt", "This is a verbatim\nstring");
  if (IsWord(type, "ARRAY") || IsWord(type, "SET")) {
    IsWord(type, "SET") ? reply.Set(3) : reply.Array(3);
    for (int i = 0; i < 3; ++i) reply.Integer(i);
    return;
  }
  if (IsWord(type, "MAP")) {
    reply.Map(3);
    for (int i = 0; i < 3; ++i) {
      reply.Integer(i);
      reply.Bool(i == 1);
    }
    return;
  }
  reply.Error(
      "ERR Wrong protocol type name. Please use one of the following: "
      "string|integer|double|null|array|set|map|attrib|push|verbatim|true|false");
}

}  // namespace

void Debug(const Args& args, Session& session, Reply& reply) {
  Server& server = session.server();
  const std::string_view what = args[1];
  if (IsWord(what, "SLEEP") && args.size() == 3) return Sleep(args, reply);
  if (IsWord(what, "OBJECT") && args.size() == 3) return DebugObject(args, session, reply);
  if (IsWord(what, "POPULATE") && args.size() >= 3) return Populate(args, session, reply);
  if (IsWord(what, "PROTOCOL") && args.size() == 3) return Protocol(args[2], reply);
  if (IsWord(what, "ERROR") && args.size() == 3) return reply.Error(args[2]);
  if (IsWord(what, "JMAP")) return reply.Ok();
  if (IsWord(what, "LOG") && args.size() == 3) {
    Log(LogLevel::kWarning, "DEBUG LOG: " + std::string(args[2]));
    return reply.Ok();
  }
  if (IsWord(what, "SET-ACTIVE-EXPIRE") && args.size() == 3) {
    server.engine().SetActiveExpire(args[2] != "0");
    return reply.Ok();
  }
  if (IsWord(what, "STRINGMATCH-LEN") && args.size() == 4) {
    return reply.Integer(GlobMatch(args[3], args[2]));
  }
  if (IsWord(what, "DEMOTE-ALL") || IsWord(what, "RELOAD") || IsWord(what, "LOADAOF")) {
    return RunAndReport(session, [&server] { return DemoteAll(server); });
  }
  if (IsWord(what, "VERIFY-STORE")) {
    return RunAndReport(session, [&server] { return VerifyStore(server); });
  }
  reply.Error("ERR unknown subcommand or wrong number of arguments for '" +
              std::string(what.substr(0, 128)) + "'. Try DEBUG HELP.");
}

}  // namespace hearth
