// A full resync from a Redis. Tested by tests/src/replication/redis_follower_test.cc and
// tests/replication/from_redis_test.py.
#include <algorithm>
#include <cstring>
#include <sstream>
#include <utility>
#include <vector>

#include "src/commands/groups.h"
#include "src/import/rdb_loader.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/replication/redis_follower.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr size_t kMarkSize = 40;
constexpr int64_t kAliveUs = 1'000'000;
constexpr size_t kHeldCodeBytesMax = 64 << 20;

bool HasKeys(Server& server) {
  for (uint32_t db = 0; db < DbCount(); ++db) {
    if (server.engine().log().KeyCount(db) > 0) return true;
  }
  return false;
}

}  // namespace

// What comes behind +FULLRESYNC: the bytes of the file, and no more when its size is known.
class RedisFollower::FileSource {
 public:
  FileSource(LinkSocket& socket, ReplicaLink& link) : socket_(socket), link_(link) {}

  // Reads the file's announcement. False: error().
  bool Begin() {
    const int64_t timeout_ms = link_.settings().timeout_ms;
    std::optional<std::string> line;
    do {
      line = socket_.ReadLine(timeout_ms);
      if (line) link_.NoteIo();
    } while (line && line->empty());  // the primary is alive, the file not ready
    if (!line) return Fail(socket_.error());
    if (line->starts_with("$EOF:") && line->size() == 5 + kMarkSize) {
      mark_ = line->substr(5);
      left_ = UINT64_MAX;
      return true;
    }
    const auto size = line->starts_with('$') ? ParseInt64(line->substr(1)) : std::nullopt;
    if (!size || *size < 0) return Fail("no file came, but: " + line->substr(0, 200));
    left_ = static_cast<uint64_t>(*size);
    link_.sync().total_bytes = left_;
    return true;
  }

  // As RdbFileReader::Read.
  size_t Read(std::span<char> into) {
    constexpr int64_t kWaitMs = 500;
    into = into.first(std::min<uint64_t>(into.size(), left_));
    while (!into.empty() && !link_.dropped()) {
      if (!SayAlive()) return 0;
      const IoResult result = socket_.Read(into, kWaitMs);
      if (result.size > 0) {
        link_.NoteIo();
        link_.received_bytes() += result.size;
        link_.sync().read_bytes += result.size;
        link_.sync().last_io_us = LinkNowUs();
        if (mark_.empty()) left_ -= result.size;
        return result.size;
      }
      if (result.status == IoStatus::kEof || result.status == IoStatus::kError) {
        (void)Fail(socket_.error());
        return 0;
      }
      if (LinkNowUs() - link_.last_io_us() > link_.settings().timeout_ms * 1000) {
        (void)Fail("timeout within the file");
        return 0;
      }
    }
    if (link_.dropped()) (void)Fail("closed");
    return 0;
  }

  // A line end once a second: else the primary may take a long load for a dead replica.
  bool SayAlive() {
    const int64_t now_us = LinkNowUs();
    if (now_us - alive_us_ < kAliveUs) return true;
    alive_us_ = now_us;
    return socket_.Write("\n", link_.settings().timeout_ms) || Fail(socket_.error());
  }

  // The file was read whole, and `rest` behind it: takes the mark from it, or the rest of the size.
  bool End(std::string* rest) {
    if (mark_.empty()) return (left_ == 0 && rest->empty()) || Fail("the file has another size");
    while (rest->size() < kMarkSize) {
      char bytes[kMarkSize];
      const size_t size = Read({bytes, kMarkSize - rest->size()});
      if (size == 0) return false;
      rest->append(bytes, size);
    }
    if (!rest->starts_with(mark_)) return Fail("the file does not end with its mark");
    rest->erase(0, kMarkSize);
    return true;
  }

  const std::string& error() const { return error_; }

 private:
  bool Fail(std::string why) {
    if (error_.empty()) error_ = std::move(why);
    return false;
  }

  LinkSocket& socket_;
  ReplicaLink& link_;
  std::string mark_;  // empty: the size is known
  uint64_t left_ = 0;
  int64_t alive_us_ = 0;
  std::string error_;
};

// False: the link has failed.
bool RedisFollower::TakeFullResync(LinkSocket& socket, ReplicaLink& link, const std::string& line) {
  std::istringstream words(line);
  std::string verb, id;
  uint64_t offset = 0;
  if (!(words >> verb >> id >> offset)) {
    link.Fail("PSYNC: " + line);
    return false;
  }
  ForgetPlace();
  link.SetState(LinkState::kSync);
  link.sync().total_bytes = link.sync().read_bytes = 0;
  Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: full resync from the Redis, its id " + id +
                             ", offset " + std::to_string(offset));
  FileSource source(socket, link);
  if (!source.Begin() || !Load(source, link)) {
    if (!source.error().empty()) link.Fail("full resync: " + source.error());
    return false;
  }
  if (id.size() == History::kIdSize) {
    CommitLog& log = server_.engine().log();
    if (!log.CommitAndWait(log.SetStreamPlace({id, offset, 0}))) {
      link.Fail("full resync: the store refuses writes");
      return false;
    }
  }
  primary_id_ = id;
  applied_ = offset;
  applied_db_ = 0;
  shown_received_ = shown_applied_ = offset;
  return true;
}

// False: the link has failed, or the source has.
bool RedisFollower::Load(FileSource& source, ReplicaLink& link) {
  const int64_t began_us = LinkNowUs();
  dropped_old_ = false;
  is_unfit_ = false;
  last_unknown_ = std::exchange(unknown_, {});
  StreamClient client(server_, &link);
  // Also what has expired meanwhile: the stream may hold its DEL, or a PERSIST that came in time.
  RdbLoader loader(server_, client, /*drops_expired=*/false);
  RdbFileReader reader([&source](std::span<char> into) { return source.Read(into); },
                       static_cast<size_t>(server_.config().Int("proto-max-bulk-len")));
  std::string error;
  const bool loaded = LoadEntries(reader, loader, &error);
  std::string rest(reader.rest());
  if (!loaded || !source.End(&rest)) {
    if (!source.error().empty()) return false;  // the reader only saw that nothing more came
    // A damaged byte may look like a type that is not known; hardly twice in the same place.
    if (is_unfit_ || (!unknown_.empty() && unknown_ == last_unknown_)) {
      link.FailForGood("full resync: " + error);
    } else {
      link.Fail("full resync: " + error);
    }
    return false;
  }
  if (!loader.Commit()) {
    link.Fail("full resync: the store refuses writes");
    return false;
  }
  if (std::string failure = server_.replication().EndLoad(); !failure.empty()) {
    link.Fail("full resync: " + failure);
    return false;
  }
  scanner_->Append(rest);
  Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: the Redis' data are loaded, in " +
                             std::to_string((LinkNowUs() - began_us) / 1000) + " ms");
  return true;
}

// Libraries and scripts come before the keys, or without any: they alone do not make an empty
// primary one that has data. As many as no primary has without keys count as data.
bool RedisFollower::LoadEntries(RdbFileReader& reader, RdbLoader& loader, std::string* error) {
  std::vector<RdbEntry> held;
  size_t held_bytes = 0;
  for (;;) {
    RdbEntry entry;
    if (const Status status = reader.Next(&entry); !status.ok()) {
      *error = "RDB: " + status.message();
      if (!entry.key.empty()) *error += ", at key '" + entry.key.substr(0, 64) + "'";
      if (status.code() == Status::Code::kInvalid) unknown_ = *error;
      return false;
    }
    if (entry.kind == RdbEntry::Kind::kAux && entry.key != "lua") continue;
    const bool is_end = entry.kind == RdbEntry::Kind::kEnd;
    is_unfit_ = entry.kind == RdbEntry::Kind::kKey && entry.db >= DbCount();
    if (is_unfit_) {
      *error = loader.Load(entry);
      return false;
    }
    if (!dropped_old_) {
      const bool is_code = !is_end && entry.kind != RdbEntry::Kind::kKey;
      if (is_code && (held_bytes += sizeof(entry) + entry.text.size()) <= kHeldCodeBytesMax) {
        held.push_back(std::move(entry));
        continue;
      }
      if (is_end && !accept_empty_ && HasKeys(server_)) {
        *error =
            "the primary has no data, and this server has: if that is right, set "
            "replica-accept-empty-primary to yes and send REPLICAOF again";
        is_unfit_ = true;
        return false;
      }
      *error = DropAll();
      for (const RdbEntry& code : held) {
        if (error->empty()) *error = loader.Load(code);
      }
      held.clear();
    }
    if (error->empty()) *error = loader.Load(entry);
    if (!error->empty() || is_end) return error->empty();
  }
}

// What there was goes, once it is sure that something comes.
std::string RedisFollower::DropAll() {
  if (std::string failure =
          server_.replication().BeginLoad("The data are being replaced by those of a Redis.\n");
      !failure.empty())
    return failure;
  dropped_old_ = true;
  return server_.replication().DropData();
}

void RedisFollower::Finish() {
  primary_id_.clear();
  if (!server_.replication().is_loading()) return;
  Log(LogLevel::kWarning, "The full resync was not completed: what was loaded is dropped");
  (void)server_.replication().DropLoaded();
}

}  // namespace hearth
