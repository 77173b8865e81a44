// INFO replication. Tested by tests/src/replication/replication_test.cc.
#include <cinttypes>

#include "src/info_writer.h"
#include "src/replication/redis_feed.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr char kNoId[] = "0000000000000000000000000000000000000000";

}  // namespace

void Replication::WriteReplicaInfo(std::string* out) {
  const auto address = primary();
  const auto current = link();
  const int64_t now_us = LinkNowUs();
  const LinkState state = current ? current->state() : LinkState::kConnect;
  const bool up = state == LinkState::kConnected, syncs = state == LinkState::kSync;
  const uint64_t seq = server_.engine().log().committed_seq();
  const auto seconds_since = [now_us](int64_t us) { return (now_us - us) / 1'000'000; };
  InfoLine(out, "master_host:%s", address ? address->host.c_str() : "");
  InfoLine(out, "master_port:%d", address ? address->port : 0);
  InfoLine(out, "master_link_status:%s", up ? "up" : "down");
  InfoLine(out, "master_last_io_seconds_ago:%" PRId64,
           up && current->last_io_us() != 0 ? seconds_since(current->last_io_us()) : -1);
  InfoLine(out, "master_sync_in_progress:%d", syncs ? 1 : 0);
  const auto stream = stream_offsets();
  InfoLine(out, "slave_read_repl_offset:%" PRIu64, stream ? stream->received : seq);
  InfoLine(out, "slave_repl_offset:%" PRIu64, stream ? stream->applied : seq);
  InfoLine(out, "master_protocol:%s", stream ? "redis" : "hearth");
  if (stream) InfoLine(out, "master_stream_errors:%" PRIu64, stream->error_count);
  if (syncs) {
    const ReplicaLink::SyncProgress& sync = current->sync();
    const uint64_t total = sync.total_bytes, read = sync.read_bytes;
    InfoLine(out, "master_sync_total_bytes:%" PRIu64, total);
    InfoLine(out, "master_sync_read_bytes:%" PRIu64, read);
    InfoLine(out, "master_sync_left_bytes:%" PRIu64, total > read ? total - read : 0);
    InfoLine(out, "master_sync_perc:%.2f",
             total == 0 ? 0.0 : 100.0 * static_cast<double>(read) / static_cast<double>(total));
    InfoLine(out, "master_sync_last_io_seconds_ago:%" PRId64,
             sync.last_io_us != 0 ? seconds_since(sync.last_io_us) : -1);
  }
  if (!up) {
    InfoLine(
        out, "master_link_down_since_seconds:%" PRId64,
        current && current->down_since_us() != 0 ? seconds_since(current->down_since_us()) : -1);
    const std::string error = current ? current->error() : std::string();
    if (!error.empty()) InfoLine(out, "master_link_error:%s", error.substr(0, 400).c_str());
  }
  InfoLine(out, "slave_priority:%" PRId64, server_.config().Int("replica-priority"));
  InfoLine(out, "slave_read_only:%d", server_.config().Bool("replica-read-only") ? 1 : 0);
  InfoLine(out, "replica_announced:%d", server_.config().Bool("replica-announced") ? 1 : 0);
}

void Replication::WriteReplicasInfo(std::string* out) {
  const auto peers = replicas_.List();
  InfoLine(out, "connected_slaves:%zu", peers.size());
  if (min_replicas_ > 0 && max_lag_s_ > 0) {
    InfoLine(out, "min_slaves_good_slaves:%" PRId64, good_replicas_.load());
  }
  const int64_t now_us = LinkNowUs();
  for (size_t i = 0; i < peers.size(); ++i) {
    const ReplicaPeer& peer = *peers[i];
    const ReplicaState state = peer.state;
    InfoLine(out, "slave%zu:ip=%s,port=%d,state=%s,offset=%" PRIu64 ",lag=%" PRId64, i,
             peer.ip.c_str(), peer.port, ReplicaStateName(state), peer.acked_seq.load(),
             state == ReplicaState::kOnline ? (now_us - peer.ack_us) / 1'000'000 : 0);
  }
}

// What replicas of Redis follow.
void Replication::WriteStreamInfo(std::string* out) {
  const CommandStream& stream = redis_feed_->stream();
  if (!stream.active()) return;
  InfoLine(out, "repl_stream_id:%s", stream.id().c_str());
  InfoLine(out, "repl_stream_offset:%" PRIu64, stream.end_offset());
  InfoLine(out, "repl_stream_kept_bytes:%" PRIu64, stream.kept_bytes());
}

void Replication::WriteInfo(std::string* out) {
  CommitLog& log = server_.engine().log();
  ReplicationFeed& feed = server_.engine().feed();
  InfoLine(out, "role:%s", is_replica() ? "slave" : "master");
  if (is_replica()) WriteReplicaInfo(out);
  WriteReplicasInfo(out);
  const History history = log.history();
  const uint64_t seq = log.committed_seq();
  InfoLine(out, "master_failover_state:%s", FailoverStateName(failover_state_));
  InfoLine(out, "master_replid:%s", history.id.c_str());
  InfoLine(out, "master_replid2:%s", history.id2.empty() ? kNoId : history.id2.c_str());
  InfoLine(out, "master_repl_offset:%" PRIu64, seq);
  if (history.id2.empty()) {
    InfoLine(out, "second_repl_offset:-1");
  } else {
    InfoLine(out, "second_repl_offset:%" PRIu64, history.id2_seq + 1);
  }
  const bool active = feed.active();
  const uint64_t first = active ? feed.ring_seq() : 0;
  InfoLine(out, "repl_backlog_active:%d", active ? 1 : 0);
  InfoLine(out, "repl_backlog_size:%" PRIu64, server_.FeedLimitsOfConfig().ring_bytes_max);
  InfoLine(out, "repl_backlog_first_byte_offset:%" PRIu64, first);
  InfoLine(out, "repl_backlog_histlen:%" PRIu64, active && seq >= first ? seq - first + 1 : 0);
  InfoLine(out, "repl_backlog_bytes:%" PRIu64, active ? feed.ring_bytes() : 0);
  InfoLine(out, "repl_wal_retained_bytes:%" PRIu64, active ? feed.retained_bytes() : 0);
  InfoLine(out, "repl_dropped_messages:%" PRIu64, stats_.dropped_messages.load());
  InfoLine(out, "repl_dropped_events:%" PRIu64, stats_.dropped_events.load());
  WriteStreamInfo(out);
  const auto slots = feed.Slots();
  const auto peers = replicas_.List();
  for (size_t i = 0; i < slots.size(); ++i) {
    std::string address;  // of its replica, when it follows now
    for (const auto& peer : peers) {
      const std::string who = peer->ip + ":" + std::to_string(peer->port);
      if ((peer->id.empty() ? who : peer->id) == slots[i].name) address = who;
    }
    InfoLine(out,
             "repl_slot%zu:name=%s,seq=%" PRIu64 ",held_bytes=%" PRIu64 ",active=%d,replica=%s", i,
             slots[i].name.c_str(), slots[i].confirmed_seq, slots[i].held_bytes,
             address.empty() ? 0 : 1, address.c_str());
  }
}

}  // namespace hearth
