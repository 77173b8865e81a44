// Tested by tests/src/replication/replication_test.cc.
#include "src/replication/replicas.h"

#include <algorithm>

#include "net/worker.h"
#include "src/replication/replica_sender.h"
#include "src/session.h"

namespace hearth {

const char* ReplicaStateName(ReplicaState state) {
  switch (state) {
    case ReplicaState::kWaitFiles:
      return "wait_bgsave";
    case ReplicaState::kSendFiles:
      return "send_bulk";
    case ReplicaState::kOnline:
      return "online";
  }
  return "unknown";
}

void Replicas::Attach(std::shared_ptr<ReplicaPeer> peer) {
  std::lock_guard lock(mutex_);
  if (std::find(peers_.begin(), peers_.end(), peer) != peers_.end()) return;
  peers_.push_back(std::move(peer));
  count_ = peers_.size();
}

void Replicas::Detach(const std::shared_ptr<ReplicaPeer>& peer) {
  std::lock_guard lock(mutex_);
  std::erase(peers_, peer);
  count_ = peers_.size();
}

std::vector<std::shared_ptr<ReplicaPeer>> Replicas::List() const {
  std::lock_guard lock(mutex_);
  return peers_;
}

size_t Replicas::CountAcked(uint64_t seq) const {
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(peers_.begin(), peers_.end(), [seq](const auto& peer) {
    return peer->state == ReplicaState::kOnline && peer->acked_seq >= seq;
  }));
}

size_t Replicas::CountSynced(uint64_t seq) const {
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(peers_.begin(), peers_.end(), [seq](const auto& peer) {
    return peer->state == ReplicaState::kOnline && peer->synced_seq >= seq;
  }));
}

size_t Replicas::CountGood(int64_t max_lag_s, int64_t now_us) const {
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(peers_.begin(), peers_.end(), [&](const auto& peer) {
    return peer->state == ReplicaState::kOnline &&
           (max_lag_s == 0 || (now_us - peer->ack_us) / 1'000'000 <= max_lag_s);
  }));
}

uint32_t Replicas::WantedEvents() const {
  std::lock_guard lock(mutex_);
  uint32_t classes = 0;
  for (const auto& peer : peers_) classes |= peer->wanted_events;
  return classes;
}

size_t Replicas::Send(const ReplicaLetter& letter, uint32_t event_class) {
  size_t dropped = 0;
  std::lock_guard lock(mutex_);
  for (const auto& peer : peers_) {
    if (peer->state != ReplicaState::kOnline || peer->is_redis) continue;
    if (event_class != 0 && (peer->wanted_events & event_class) == 0) continue;
    const ReplicaInbox::Kept kept = peer->inbox.Put(letter);
    if (kept == ReplicaInbox::Kept::kDropped) ++dropped;
    if (kept != ReplicaInbox::Kept::kWake) continue;
    peer->worker->Post([alive = peer->connection] {
      const auto connection = alive.lock();
      if (!connection || connection->is_closed()) return;
      if (ReplicaSender* sender = ReplicaSender::Of(*connection)) sender->DrainInbox();
    });
  }
  return dropped;
}

void Replicas::DropLettersAbove(uint64_t seq) {
  std::lock_guard lock(mutex_);
  for (const auto& peer : peers_) peer->inbox.DropAbove(seq);
}

void Replicas::OnCommit() {
  std::lock_guard lock(mutex_);
  for (const auto& peer : peers_) {
    if (!peer->is_hungry.exchange(false)) continue;
    peer->worker->Post([alive = peer->connection] {
      const auto connection = alive.lock();
      if (!connection || connection->is_closed()) return;
      if (ReplicaSender* sender = ReplicaSender::Of(*connection)) sender->Pump();
    });
  }
}

void Replicas::ForEach(const std::function<void(Connection&)>& visit) {
  for (const auto& peer : List()) {
    peer->worker->Post([alive = peer->connection, visit] {
      const auto connection = alive.lock();
      if (connection && !connection->is_closed()) visit(*connection);
    });
  }
}

void Replicas::CloseAll(const std::string& reason) {
  CloseIf([](const ReplicaPeer&) { return true; }, reason);
}

void Replicas::CloseIf(const std::function<bool(const ReplicaPeer&)>& is_meant,
                       const std::string& reason) {
  for (const auto& peer : List()) {
    if (!is_meant(*peer)) continue;
    peer->worker->Post([alive = peer->connection, reason] {
      const auto connection = alive.lock();
      if (connection && !connection->is_closed()) connection->Close(reason);
    });
  }
}

}  // namespace hearth
