// Tested by tests/src/replication/wait_test.cc.
#include "src/replication/waiting_clients.h"

#include <algorithm>
#include <utility>

#include "net/worker.h"
#include "src/replication/replica_sender.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {

bool WaitingClients::IsFulfilled(const Wish& wish) const {
  const Replicas& replicas = server_.replication().replicas();
  const size_t count = wish.synced ? replicas.CountSynced(wish.seq) : replicas.CountAcked(wish.seq);
  if (static_cast<int64_t>(count) < wish.replica_count) return false;
  return wish.local_count == 0 || server_.engine().log().synced_seq() >= wish.seq;
}

void WaitingClients::WriteReply(const Wish& wish, Reply& reply) const {
  const Replicas& replicas = server_.replication().replicas();
  if (!wish.synced) return reply.Integer(static_cast<int64_t>(replicas.CountAcked(wish.seq)));
  reply.Array(2);
  reply.Integer(server_.engine().log().synced_seq() >= wish.seq ? 1 : 0);
  reply.Integer(static_cast<int64_t>(replicas.CountSynced(wish.seq)));
}

void WaitingClients::Add(Session& session, const Wish& wish) {
  const uint64_t id = session.id();
  Worker& worker = session.connection().worker();
  uint64_t ticket;
  {
    std::lock_guard lock(mutex_);
    ticket = next_ticket_++;
    waiters_[id] = {wish, ticket, &session, session.AnswerLater(),
                    [&worker](std::function<void()> run) { worker.Post(std::move(run)); }};
    count_ = waiters_.size();
    if (wish.local_count > 0) ++disk_count_;
  }
  session.set_waits(true);
  if (wish.replica_count > 0) {
    server_.replication().replicas().ForEach([seq = wish.seq](Connection& connection) {
      if (ReplicaSender* sender = ReplicaSender::Of(connection)) sender->AskForAck(seq);
    });
  }
  if (wish.timeout_ms > 0) {
    // Beyond what the clock can tell nobody waits.
    constexpr int64_t kTimeoutMsMax = int64_t{365} * 24 * 3600 * 1000;
    const int64_t timeout_ms = std::min(wish.timeout_ms, kTimeoutMsMax);
    worker.RunAfter(std::chrono::milliseconds(timeout_ms), [this, id, ticket] {
      std::lock_guard lock(mutex_);
      const auto waiter = waiters_.find(id);
      if (waiter != waiters_.end() && waiter->second.ticket == ticket) {
        EndLocked(waiter, End::kTimeout);
      }
    });
  }
  Check();  // an acknowledgement may have come before it was listed
}

void WaitingClients::Check() {
  if (!any()) return;
  std::lock_guard lock(mutex_);
  for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
    const auto next = std::next(waiter);
    if (IsFulfilled(waiter->second.wish)) EndLocked(waiter, End::kReached);
    waiter = next;
  }
}

void WaitingClients::EndLocked(std::map<uint64_t, Waiter>::iterator waiter, End end) {
  Waiter ended = std::move(waiter->second);
  waiters_.erase(waiter);
  count_ = waiters_.size();
  if (ended.wish.local_count > 0) --disk_count_;
  auto post = std::move(ended.post);
  post([this, end, ended = std::move(ended)] {
    ended.answer([&](Reply& reply) {
      ended.session->set_waits(false);
      if (end == End::kUnblocked) {
        reply.Error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
      } else if (end == End::kRoleChanged) {
        reply.Error(kErrRoleChanged);
        ended.session->connection().CloseAfterReply();
      } else {
        WriteReply(ended.wish, reply);
      }
    });
  });
}

void WaitingClients::EndAll() {
  std::lock_guard lock(mutex_);
  while (!waiters_.empty()) EndLocked(waiters_.begin(), End::kRoleChanged);
}

bool WaitingClients::Unblock(uint64_t client_id, bool with_error) {
  std::lock_guard lock(mutex_);
  const auto waiter = waiters_.find(client_id);
  if (waiter == waiters_.end()) return false;
  EndLocked(waiter, with_error ? End::kUnblocked : End::kTimeout);
  return true;
}

void WaitingClients::Forget(uint64_t client_id) {
  std::lock_guard lock(mutex_);
  const auto waiter = waiters_.find(client_id);
  if (waiter == waiters_.end()) return;
  if (waiter->second.wish.local_count > 0) --disk_count_;
  waiters_.erase(waiter);
  count_ = waiters_.size();
}

}  // namespace hearth
