// Tested by tests/oracle/migrate_test.py.
//
// MIGRATE: keys move to another server by RESTORE there, and are deleted here once it has said OK.
#include "src/commands/migrate.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "src/commands/generic.h"
#include "src/commands/groups.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/replication/link_socket.h"
#include "src/stored_value.h"

namespace hearth {
namespace {

constexpr size_t kFirstOption = 6;
constexpr int64_t kUsualTimeoutMs = 1000;

struct MigrateOptions {
  bool copy = false, replace = false;
  std::string_view user, password;  // no password: no AUTH
  size_t first_key = 3, key_count = 1;
};

// False after an error reply.
bool ReadOptions(const Args& args, MigrateOptions* options, Reply& reply) {
  for (size_t i = kFirstOption; i < args.size(); ++i) {
    const size_t left = args.size() - i - 1;
    if (IsWord(args[i], "COPY")) {
      options->copy = true;
    } else if (IsWord(args[i], "REPLACE")) {
      options->replace = true;
    } else if (IsWord(args[i], "AUTH") && left >= 1) {
      options->password = args[++i];
    } else if (IsWord(args[i], "AUTH2") && left >= 2) {
      options->user = args[++i];
      options->password = args[++i];
    } else if (IsWord(args[i], "KEYS")) {
      if (!args[3].empty()) {
        reply.Error(
            "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string");
        return false;
      }
      options->first_key = i + 1;
      options->key_count = left;
      return true;
    } else {
      reply.Error(kErrSyntax);
      return false;
    }
  }
  return true;
}

// The connection to the target; what fails is an error reply.
class Target {
 public:
  Target(const Args& args, int64_t timeout_ms) : timeout_ms_(timeout_ms) {
    host_ = args[1];
    port_ = args[2];
  }

  bool Connect() {
    const auto port = ParseInt64(port_);
    return port && *port > 0 && *port < 65536 &&
           socket_.Connect(host_, static_cast<int>(*port), timeout_ms_, nullptr);
  }
  bool Send(std::initializer_list<std::string_view> words) {
    return socket_.WriteCommand({words.begin(), words.size()}, timeout_ms_);
  }
  std::optional<std::string> Receive() { return socket_.ReadLine(timeout_ms_); }

 private:
  std::string host_, port_;
  int64_t timeout_ms_;
  Wakeup wakeup_;  // nobody wakes it
  LinkSocket socket_{wakeup_};
};

constexpr std::string_view kErrConnecting = "IOERR error or timeout connecting to the client";
constexpr std::string_view kErrWriting = "IOERR error or timeout writing to target instance";
constexpr std::string_view kErrReading = "IOERR error or timeout reading to target instance";

bool SendRestore(Target& target, std::string_view key, bool replace, Tx& tx) {
  const Object& object = *tx.Peek(key);
  const int64_t ttl_ms =
      object.has_expiry() ? std::max<int64_t>(1, object.expire_at_ms() - tx.now_ms()) : 0;
  const std::string ttl = std::to_string(ttl_ms);
  const std::string payload = DumpPayloadOf(tx, key, object);
  return replace ? target.Send({"RESTORE", key, ttl, payload, "REPLACE"})
                 : target.Send({"RESTORE", key, ttl, payload});
}

}  // namespace

void FindMigrateKeys(const Command& command, const Args& args, std::vector<KeyPlace>* places) {
  size_t first = 3, end = 4;
  if (args.size() > 3 && args[3].empty()) {
    for (size_t i = kFirstOption; i < args.size(); ++i) {
      if (IsWord(args[i], "KEYS")) {
        first = i + 1;
        end = args.size();
        break;
      }
      if (IsWord(args[i], "AUTH")) i += 1;
      if (IsWord(args[i], "AUTH2")) i += 2;
    }
  }
  const KeySpec& spec = command.key_specs[first == 3 ? 0 : 1];
  for (size_t i = first; i < std::min(end, args.size()); ++i) {
    places->push_back({static_cast<uint32_t>(i), &spec});
  }
}

// MIGRATE host port key|"" destination-db timeout [COPY] [REPLACE] [AUTH password |
//   AUTH2 user password] [KEYS key ...] -> OK or NOKEY
void Migrate(const Args& args, Tx& tx, Reply& reply) {
  MigrateOptions options;
  if (!ReadOptions(args, &options, reply)) return;
  const auto timeout = ReadInteger(args[5], reply);
  if (!timeout) return;
  const auto db = ReadInteger(args[4], reply);
  if (!db) return;
  const int64_t timeout_ms = *timeout <= 0 ? kUsualTimeoutMs : *timeout;

  std::vector<std::string_view> keys;
  for (const std::string_view key : args.subspan(options.first_key, options.key_count)) {
    const bool is_there = tx.Peek(key) != nullptr;
    tx.NoteLook(key, is_there);
    if (is_there) keys.push_back(key);
  }
  if (keys.empty()) return reply.Simple("NOKEY");

  Target target(args, timeout_ms);
  if (!target.Connect()) return reply.Error(kErrConnecting);
  const bool has_password = !options.password.empty();
  bool sent = true;
  if (has_password) {
    sent = options.user.empty() ? target.Send({"AUTH", options.password})
                                : target.Send({"AUTH", options.user, options.password});
  }
  const std::string db_text = std::to_string(*db);
  sent = sent && target.Send({"SELECT", db_text});
  for (const std::string_view key : keys) {
    sent = sent && SendRestore(target, key, options.replace, tx);
  }
  if (!sent) return reply.Error(kErrWriting);

  std::string refusal;
  const auto receive = [&]() -> std::optional<bool> {
    const auto line = target.Receive();
    if (!line) return std::nullopt;
    if (line->starts_with("-") && refusal.empty()) refusal = line->substr(1);
    return !line->starts_with("-");
  };
  for (int i = has_password ? 2 : 1; i > 0; --i) {
    if (!receive()) return reply.Error(kErrReading);
  }
  const bool may_restore = refusal.empty();
  for (const std::string_view key : keys) {
    const auto restored = receive();
    if (!restored) return reply.Error(kErrReading);
    if (!*restored || !may_restore || options.copy) continue;
    tx.Delete(key);
    PassOnAs({"DEL", key});
    tx.Notify(EventClass::kGeneric, "del", key);
  }
  if (!refusal.empty()) return reply.Error("ERR Target instance replied with error: " + refusal);
  reply.Ok();
}

}  // namespace hearth
