// The full resync of a GroupFollower. Tested by tests/src/replication/replication_test.cc.
#include <algorithm>
#include <deque>
#include <sstream>

#include "src/log.h"
#include "src/replication/file_list.h"
#include "src/replication/group_follower.h"

namespace hearth {
namespace {

constexpr int64_t kProgressLogUs = 5'000'000;
constexpr size_t kRangesAtOnce = 64;

// A server's ids, and what each is valid up to.
std::vector<Lineage::Ancestor> IdsOf(const History& history, const Lineage& lineage,
                                     uint64_t last_seq) {
  std::vector<Lineage::Ancestor> ids = lineage.ancestors;
  if (!history.id2.empty()) ids.push_back({history.id2, history.id2_seq});
  ids.push_back({history.id, last_seq});
  return ids;
}

}  // namespace

// What +FULLRESYNC tells of the primary.
struct GroupFollower::FullOffer {
  History history;
  Lineage lineage;
  uint64_t last_seq = 0;
  bool is_empty = false;
  bool is_of_replica = false;  // that is in step with a primary of its own

  static std::optional<FullOffer> Parse(const std::string& line) {
    std::istringstream words(line);
    std::string name;
    FullOffer offer;
    int empty = 0;
    if (!(words >> name >> offer.history.id >> offer.last_seq >> offer.history.id2 >>
          offer.history.id2_seq >> empty)) {
      return std::nullopt;
    }
    if (offer.history.id2 == "-") offer.history.id2.clear();
    Lineage::Ancestor ancestor;
    while (words >> ancestor.id >> ancestor.last_seq) {
      if (offer.lineage.ancestors.size() == Lineage::kAncestorsMax) return std::nullopt;
      offer.lineage.ancestors.push_back(ancestor);
    }
    offer.is_empty = empty != 0;
    offer.is_of_replica = ancestor.id == "replica";
    return offer;
  }
};

void GroupFollower::Resync(LinkSocket& socket, ReplicaLink& link, const std::string& line) {
  const auto offer = FullOffer::Parse(line);
  if (!offer) return link.Fail("an answer to PSYNC that makes no sense: " + line);
  const uint64_t common = CommonSeq(*offer);
  if (!MayResync(*offer, common, link)) return;
  link.SetState(LinkState::kSync);
  Log(LogLevel::kNotice,
      "Full resync from master: " + offer->history.id + ":" + std::to_string(offer->last_seq));
  KeepDiverged(common);

  FullSyncTarget target(engine_.options().store.dir);
  const bool fetched = Fetch(socket, link, target);
  if (!fetched) {
    if (link.state() == LinkState::kSync) link.Fail(socket.error());
    return;
  }
  // The primary is asked again behind the exchange; its slot keeps what follows the checkpoint.
  socket.Close();
  host_.OnExchange();
  const Status status = engine_.SwitchToIncoming();
  host_.OnExchange();
  if (!status.ok()) {
    const std::string why = "taking over the primary's data failed: " + status.message();
    return status.code() == Status::Code::kInvalid ? link.FailForGood(why) : link.Fail(why);
  }
  link.sync().total_bytes = 0;
  Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: Finished with success, at sequence " +
                             std::to_string(engine_.log().committed_seq()));
  link.RetryAtOnce();
}

uint64_t GroupFollower::CommonSeq(const FullOffer& offer) {
  const CommitLog& log = engine_.log();
  return Lineage::LastInCommon(IdsOf(log.history(), log.ReadLineage(), log.committed_seq()),
                               IdsOf(offer.history, offer.lineage, offer.last_seq));
}

// An empty primary is more likely one that lost its data than one that is meant to be followed. So
// is one that was followed, and suddenly knows nothing of what is here and has less: a client may
// have written to it before this server saw it empty. A replica may be sent to other data.
bool GroupFollower::MayResync(const FullOffer& offer, uint64_t common, ReplicaLink& link) {
  if (accept_empty_) return true;
  const bool has_less = mark_.followed && offer.last_seq < engine_.log().committed_seq();
  const bool is_lost = common == 0 && !offer.is_of_replica && (has_less || mark_.refused);
  if (!offer.is_empty && !is_lost) return true;
  uint64_t keys = 0;
  for (uint32_t db = 0; db < engine_.options().db_count; ++db) keys += engine_.log().KeyCount(db);
  if (keys == 0) return true;
  Mark(link, /*refused=*/true);
  const std::string here = ", this replica holds " + std::to_string(keys) +
                           " keys: it keeps them and goes on serving. If the primary is right, ";
  link.Fail(offer.is_empty ? "the primary is empty and has no history" + here +
                                 "set replica-accept-empty-primary to yes and send REPLICAOF again"
                           : "the primary has lost its data, or is another one: it has nothing in "
                             "common with what was followed" +
                                 here + "send REPLICAOF again",
            LinkState::kRefused);
  return false;
}

// What this server has and the primary has not is written down before it is given up.
void GroupFollower::KeepDiverged(uint64_t common) {
  const uint64_t own_seq = engine_.log().committed_seq();
  if (common == 0 || common >= own_seq) return;
  std::string path;
  uint64_t group_count = 0;
  const Status status =
      engine_.WriteDiverged(common, engine_.options().store.dir, &path, &group_count);
  const std::string what = "This server has " + std::to_string(own_seq - common) +
                           " sequences behind " + std::to_string(common) +
                           " that its primary does not have";
  if (!status.ok()) {
    Log(LogLevel::kWarning, what + "; they can't be written down: " + status.message());
  } else if (!path.empty()) {
    Log(LogLevel::kWarning, what + ": " + std::to_string(group_count) + " groups, written to " +
                                path + " before the full resync");
  }
}

// Runs work on another thread while the link is kept alive.
Status GroupFollower::Meanwhile(LinkSocket& socket, ReplicaLink& link,
                                const std::function<Status()>& work) {
  Status status;
  std::atomic<bool> done{false};
  std::thread thread([&] {
    status = work();
    done = true;
    link.wakeup().Wake();
  });
  while (!done) {
    link.wakeup().Sleep(kProgressLogUs / 10'000);
    if (!done && !SendAck(socket, link)) break;  // what runs is worth ending all the same
    if (link.wakeup().stopped()) break;
  }
  thread.join();
  return status;
}

bool GroupFollower::NextFrame(LinkSocket& socket, ReplicaLink& link, Frame* frame) {
  for (;;) {
    switch (reader_->Next(frame)) {
      case FrameReader::Result::kFrame:
        if (frame->type != FrameType::kHeartbeat) return true;
        primary_seq_ = frame->first;
        continue;
      case FrameReader::Result::kDamaged:
        link.Fail(reader_->error());
        return false;
      case FrameReader::Result::kNeedMore:
        break;
    }
    if (link.dropped()) {
      link.Fail("closed by CLIENT KILL");
      return false;
    }
    if (!SendAck(socket, link)) return false;
    const IoResult result = socket.Read(reader_->Prepare(kChunkSize), 500);
    if (result.status == IoStatus::kEof || result.status == IoStatus::kError) return false;
    if (result.size > 0) {
      link.NoteIo();
      link.sync().last_io_us = LinkNowUs();
      link.received_bytes() += result.size;
      reader_->Commit(result.size);
    } else if (LinkNowUs() - link.last_io_us() > link.settings().timeout_ms * 1000) {
      link.Fail(
          "Timeout receiving bulk data from MASTER... If the problem persists try to set "
          "the 'repl-timeout' parameter in redis.conf to a larger value.");
      return false;
    }
  }
}

bool GroupFollower::Fetch(LinkSocket& socket, ReplicaLink& link, FullSyncTarget& target) {
  std::string held = target.checkpoint_id();
  if (held.empty()) held = "-";
  const std::string_view words[] = {"REPLCONF", "files", held};
  if (!socket.WriteCommand(words, link.settings().timeout_ms)) return false;
  Frame frame;
  do {
    if (!NextFrame(socket, link, &frame)) return false;
  } while (frame.type != FrameType::kFiles && frame.type != FrameType::kRefusal);
  if (frame.type == FrameType::kRefusal) {
    link.Fail("the primary has no files to give: " + frame.payload);
    return false;
  }
  auto list = ParseFileList(frame.payload);
  if (!list) {
    link.Fail("a list of files that makes no sense");
    return false;
  }
  files_ = std::move(list->files);
  Status status =
      Meanwhile(socket, link, [&] { return target.Begin(list->checkpoint_id, files_); });
  if (!status.ok()) {
    link.Fail("preparing the full resync failed: " + status.message());
    return false;
  }
  ReplicaLink::SyncProgress& progress = link.sync();
  progress.total_bytes = target.total_bytes();
  progress.read_bytes = target.total_bytes() - target.missing_bytes();
  progress.last_io_us = LinkNowUs();
  Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: receiving " +
                             std::to_string(target.missing_bytes()) + " bytes of " +
                             std::to_string(target.total_bytes()) + " in " +
                             std::to_string(files_.size()) + " files from master");
  constexpr int kTriesMax = 3;  // a file that is found bad at the end is fetched again
  for (int i = 0; i < kTriesMax; ++i) {
    if (!FetchChunks(socket, link, target)) return false;
    status = Meanwhile(socket, link, [&] { return target.Finish(); });
    if (status.ok() || !status.IsCorruption()) break;
  }
  if (!status.ok()) link.Fail("the files of the full resync are not whole: " + status.message());
  return status.ok() && !link.dropped();
}

bool GroupFollower::FetchChunks(LinkSocket& socket, ReplicaLink& link, FullSyncTarget& target) {
  struct Asked {
    size_t file;
    uint64_t offset;
    uint64_t size;
  };
  std::deque<Asked> wanted, asked;
  const std::string id = target.checkpoint_id();
  int64_t logged_us = LinkNowUs();
  for (;;) {
    if (wanted.empty() && asked.empty()) {
      for (const SyncRange& range : target.Missing(kRangesAtOnce)) {
        const auto file = std::find_if(files_.begin(), files_.end(), [&](const SyncFile& file) {
          return file.name == range.name;
        });
        if (file == files_.end()) continue;
        for (uint64_t done = 0; done < range.size_bytes; done += kChunkSize) {
          wanted.push_back({static_cast<size_t>(file - files_.begin()), range.offset + done,
                            std::min<uint64_t>(kChunkSize, range.size_bytes - done)});
        }
      }
      if (wanted.empty()) return true;
    }
    while (!wanted.empty() && asked.size() < kChunksAhead) {
      const Asked& next = wanted.front();
      const std::string file = std::to_string(next.file), offset = std::to_string(next.offset),
                        size = std::to_string(next.size);
      const std::string_view words[] = {"REPLCONF", "chunk", id, file, offset, size};
      if (!socket.WriteCommand(words, link.settings().timeout_ms)) return false;
      asked.push_back(next);
      wanted.pop_front();
    }
    Frame frame;
    if (!NextFrame(socket, link, &frame)) return false;
    if (frame.type == FrameType::kRefusal) {
      link.Fail("the primary stopped giving files: " + frame.payload);
      return false;
    }
    if (frame.type != FrameType::kChunk) continue;
    const Asked expected = asked.front();
    asked.pop_front();
    if (frame.count != expected.file || frame.first != expected.offset ||
        frame.payload.size() != expected.size) {
      link.Fail("a chunk that was not asked for");
      return false;
    }
    const Status status = target.Write(files_[expected.file].name, expected.offset, frame.payload);
    if (!status.ok()) {
      link.Fail("writing a file of the full resync failed: " + status.message());
      return false;
    }
    ReplicaLink::SyncProgress& progress = link.sync();
    progress.read_bytes += expected.size;
    if (LinkNowUs() - logged_us < kProgressLogUs) continue;
    logged_us = LinkNowUs();
    Log(LogLevel::kNotice, "MASTER <-> REPLICA sync: " + std::to_string(progress.read_bytes) +
                               " of " + std::to_string(progress.total_bytes) + " bytes received");
  }
}

}  // namespace hearth
