// Tested by tests/src/replication/redis_follower_test.cc and tests/src/import/redis_import_test.cc.
#include "src/import/rdb_loader.h"

#include "src/commands/groups.h"
#include "src/replication/stream_client.h"
#include "src/server.h"
#include "src/stored_value.h"

namespace hearth {
namespace {

constexpr uint64_t kCommitBytes = 4 << 20;
constexpr uint64_t kOverheadBytes = 64;  // of a key
constexpr char kRefused[] = "the store refuses writes";

}  // namespace

std::string RdbLoader::Load(const RdbEntry& entry) {
  switch (entry.kind) {
    case RdbEntry::Kind::kKey:
      return LoadKey(entry);
    case RdbEntry::Kind::kFunction:
      return client_.Run({"FUNCTION", "LOAD", entry.text}) ? std::string() : client_.error();
    case RdbEntry::Kind::kAux:
      return client_.Run({"SCRIPT", "LOAD", entry.text}) ? std::string() : client_.error();
    case RdbEntry::Kind::kEnd:
      break;
  }
  return {};
}

std::string RdbLoader::LoadKey(const RdbEntry& entry) {
  if (entry.db >= DbCount()) {
    return "the file has a database " + std::to_string(entry.db) + ", this server " +
           std::to_string(DbCount()) + " (databases)";
  }
  RdbValue value;
  std::string_view bytes = entry.value;
  const Status status = ReadRdbValue(entry.type, &bytes, &value);
  if (status.code() == Status::Code::kNotFound) return {};  // as Redis: nothing to be kept
  if (!status.ok() || !bytes.empty()) {
    return "the value of key '" + entry.key.substr(0, 64) +
           "' is damaged: " + (status.ok() ? "bytes follow it" : status.message());
  }
  const int64_t now_ms = server_.clock().WallMs();
  if (drops_expired_ && entry.expire_at_ms != -1 && entry.expire_at_ms <= now_ms) {
    ++expired_count_;
    return {};
  }
  const KeyRef ref(static_cast<uint32_t>(entry.db), entry.key);
  {
    Tx tx(server_.keyspace(), {&ref, 1}, now_ms,
          {.write = true, .read_blocking = true, .see_expired = true});
    if (tx.state() != Tx::State::kReady) return kRefused;
    if (tx.Peek(entry.key) != nullptr) return "the file has a key twice";
    WriteStoredValue(tx, entry.key, value);
    if (entry.expire_at_ms != -1 && tx.Peek(entry.key) != nullptr) {
      tx.SetExpiry(entry.key, entry.expire_at_ms);
    }
    const auto access = AccessOfUse(entry.idle_s, entry.frequency, now_ms);
    if (access && tx.Peek(entry.key) != nullptr) tx.SetAccess(entry.key, *access);
  }
  ++key_count_;
  uncommitted_bytes_ += entry.value.size() + entry.key.size() + kOverheadBytes;
  if (uncommitted_bytes_ >= kCommitBytes && !Commit()) return kRefused;
  return {};
}

bool RdbLoader::Commit() {
  uncommitted_bytes_ = 0;
  CommitLog& log = server_.engine().log();
  return log.CommitAndWait(log.joined_seq());
}

}  // namespace hearth
