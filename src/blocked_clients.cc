// Tested by tests/src/blocked_clients_test.cc.
#include "src/blocked_clients.h"

#include <chrono>
#include <utility>

#include "engine/check.h"
#include "net/worker.h"
#include "src/acl/check.h"
#include "src/effects.h"
#include "src/replication/replication.h"
#include "src/server.h"

namespace hearth {
namespace {

// After so many loads in a row the waiter's keys are read while they are held.
constexpr uint32_t kLoadsMax = 3;

constexpr std::string_view kErrUnblocked = "UNBLOCKED client unblocked via CLIENT UNBLOCK";

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string BytesOf(const OutputBuffer& buffer) {
  std::string bytes;
  bytes.reserve(buffer.size_bytes());
  constexpr size_t kPieces = 64;
  iovec pieces[kPieces];
  OutputBuffer& rest = const_cast<OutputBuffer&>(buffer);
  while (!rest.empty()) {
    const size_t count = rest.Peek(pieces, kPieces, rest.end_offset());
    size_t size = 0;
    for (size_t i = 0; i < count; ++i) {
      bytes.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
      size += pieces[i].iov_len;
    }
    rest.Consume(size);
  }
  return bytes;
}

}  // namespace

struct BlockedClients::Waiter {
  uint64_t ticket = 0;  // ascends in the order of waiting
  uint64_t client_id = 0;
  Worker* worker = nullptr;
  std::weak_ptr<Connection> connection;
  std::function<void(std::function<void(Reply&)>)> answer;

  const Command* command = nullptr;
  uint32_t db = 0;
  int protocol = 2;
  bool touch = true;
  bool remembers_keys = false;   // of what it reads (Tracking)
  AclUserPtr user;               // who may run the command,
  uint64_t user_generation = 0;  // as of these users; guarded by the serving
  std::vector<std::string> arg_bytes;
  std::vector<std::string_view> args;
  std::vector<std::string> key_bytes;
  std::vector<KeyRef> keys;
  BlockRequest request;

  // Guarded by the registry's lock.
  int64_t deadline_us = 0;  // 0 = none
  bool ended = false;
  bool serving = false;
  std::optional<End> end_after_serving;

  uint32_t load_count = 0;  // guarded by the serving
};

BlockedClients::BlockedClients(Server& server) : server_(server) {
  timer_ = std::thread([this] { TimerMain(); });
}

BlockedClients::~BlockedClients() {
  Stop();
}

void BlockedClients::Stop() {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  timer_wanted_.notify_all();
  timer_.join();
}

void BlockedClients::Block(Session& session, const Command& command, const Args& args,
                           std::span<const KeyRef> keys, BlockRequest request) {
  auto waiter = std::make_shared<Waiter>();
  Connection& connection = session.connection();
  waiter->client_id = session.id();
  waiter->worker = &connection.worker();
  waiter->connection = connection.weak_from_this();
  waiter->answer = session.AnswerLater();
  waiter->command = &command;
  waiter->db = session.db();
  waiter->protocol = connection.reply().protocol();
  waiter->touch = !session.no_touch;
  waiter->user = session.user_pointer();
  waiter->user_generation = session.user_generation();
  waiter->remembers_keys = (command.flags & kCmdReadonly) && Tracking::Wants(session);
  if (request.args.empty()) {
    waiter->arg_bytes.assign(args.begin(), args.end());
  } else {
    waiter->arg_bytes = std::move(request.args);
  }
  waiter->args.assign(waiter->arg_bytes.begin(), waiter->arg_bytes.end());
  for (const KeyRef& ref : keys) waiter->key_bytes.emplace_back(ref.key);
  for (size_t i = 0; i < keys.size(); ++i) {
    waiter->keys.emplace_back(keys[i].db, waiter->key_bytes[i], keys[i].position);
  }
  waiter->request = std::move(request);
  session.set_blocked(true);

  std::lock_guard lock(mutex_);
  waiter->ticket = next_ticket_++;
  for (const KeyRef& ref : waiter->keys) {
    KeyWaiters& waiters = keys_[{ref.db, std::string(ref.key)}];
    const bool added = waiters.by_ticket.emplace(waiter->ticket, waiter).second;
    if (added && waiter->request.wakes_when_gone) ++waiters.wake_when_gone_count;
  }
  by_client_[waiter->client_id] = waiter;
  client_count_.store(by_client_.size(), std::memory_order_relaxed);
  server_.keyspace().SetHasWaiters(true);
  if (waiter->request.timeout_ms > 0) {
    const int64_t now_us = NowUs();
    waiter->deadline_us = waiter->request.timeout_ms > (INT64_MAX - now_us) / 1000
                              ? INT64_MAX
                              : now_us + waiter->request.timeout_ms * 1000;
    by_deadline_[{waiter->deadline_us, waiter->ticket}] = waiter;
    if (by_deadline_.begin()->second == waiter) timer_wanted_.notify_one();
  }
}

void BlockedClients::Enqueue(const KeyName& name, KeyWaiters& waiters) {
  if (waiters.ready) return;
  waiters.ready = true;
  ready_.push_back(name);
  has_ready_.store(true, std::memory_order_relaxed);
}

void BlockedClients::NoteReady(std::vector<ReadyKey> keys) {
  bool any = false;
  {
    std::lock_guard lock(mutex_);
    for (ReadyKey& ready : keys) {
      if (!ready.whole_db) {
        const auto found = keys_.find({ready.db, std::move(ready.key)});
        if (found != keys_.end()) Enqueue(found->first, found->second);
        continue;
      }
      for (auto it = keys_.lower_bound({ready.db, {}});
           it != keys_.end() && it->first.first == ready.db; ++it) {
        Enqueue(it->first, it->second);
      }
    }
    any = !ready_.empty();
  }
  if (any && Worker::Current() == nullptr) {
    Worker& worker = *server_.workers()[0];
    worker.Post([this, &worker] {
      server_.DispatcherOf(worker).ServeBlocked();
      server_.DeliverHere(worker);
    });
  }
}

std::optional<BlockedClients::KeyName> BlockedClients::TakeReady() {
  std::lock_guard lock(mutex_);
  if (ready_.empty()) return std::nullopt;
  KeyName name = std::move(ready_.front());
  ready_.pop_front();
  has_ready_.store(!ready_.empty(), std::memory_order_relaxed);
  if (const auto found = keys_.find(name); found != keys_.end()) found->second.ready = false;
  return name;
}

BlockedClients::Served BlockedClients::Serve() {
  Served served;
  std::lock_guard lock(serve_mutex_);
  while (const auto name = TakeReady()) ServeKey(*name, &served);
  return served;
}

void BlockedClients::ServeKey(const KeyName& name, Served* served) {
  std::optional<Presence> seen;
  uint64_t ticket = 0;
  while (const WaiterPtr waiter = Next(name, ticket, seen)) {
    ticket = waiter->ticket;
    if (RunAgain(waiter, name, &seen, served) == Outcome::kLater) return;
  }
}

// The next waiter for whom what the key holds may be an answer; it is marked as being served.
BlockedClients::WaiterPtr BlockedClients::Next(const KeyName& name, uint64_t after_ticket,
                                               const std::optional<Presence>& seen) {
  std::lock_guard lock(mutex_);
  const auto found = keys_.find(name);
  if (found == keys_.end()) return nullptr;
  const KeyWaiters& waiters = found->second;
  if (seen && !seen->present && waiters.wake_when_gone_count == 0) return nullptr;
  for (auto it = waiters.by_ticket.upper_bound(after_ticket); it != waiters.by_ticket.end(); ++it) {
    const WaiterPtr& waiter = it->second;
    const bool fits = !seen || waiter->request.wakes_when_gone ||
                      (seen->present && seen->type == waiter->request.type);
    if (!fits) continue;
    waiter->serving = true;
    return waiter;
  }
  return nullptr;
}

BlockedClients::Outcome BlockedClients::RunAgain(const WaiterPtr& waiter, const KeyName& name,
                                                 std::optional<Presence>* seen, Served* served) {
  if (!PassPermissions(waiter)) return Outcome::kNext;
  OutputBuffer buffer;
  Reply reply(&buffer);
  reply.SetProtocol(waiter->protocol);
  bool answered = false;
  uint64_t barrier = 0;
  {
    Tx tx(server_.keyspace(), waiter->keys, server_.clock().WallMs(),
          {.write = (waiter->command->flags & kCmdWrite) != 0,
           .read_blocking = waiter->load_count >= kLoadsMax,
           .touch = waiter->touch,
           .give_way = true,
           .writer = waiter->client_id});
    tx.set_db(waiter->db);
    if (tx.state() == Tx::State::kPending) {
      ++waiter->load_count;
      server_.engine().LoadAsync(tx.missing(), {}, [this, name](const Status&) { Requeue(name); });
      Return(waiter);
      return Outcome::kLater;
    }
    if (tx.state() == Tx::State::kBusy) {
      Return(waiter);
      ServeSoon(name);
      return Outcome::kLater;
    }
    if (tx.state() != Tx::State::kReady) {  // it goes on waiting, as for a key that is not there
      Return(waiter);
      return Outcome::kLater;
    }
    waiter->load_count = 0;
    const Object* object = tx.Peek(name.first, name.second);
    const bool fits = (object != nullptr && object->type == waiter->request.type) ||
                      waiter->request.wakes_when_gone;
    if (fits && !waiter->connection.expired()) {
      BlockRequest again;
      again.is_later_run = true;
      std::optional<Effects> effects;
      CommandStream& stream = server_.replication().command_stream();
      if (stream.active()) [[unlikely]]
        effects.emplace(stream, tx).Begin();
      answered = waiter->command->blocking(waiter->args, tx, reply, &again);
      if (effects) [[unlikely]]
        effects->End(waiter->args);
      object = tx.Peek(name.first, name.second);
    }
    *seen = Presence{object != nullptr, object != nullptr ? object->type : ObjectType::kString};
    barrier = tx.barrier();
    served->barrier = std::max(served->barrier, barrier);
    served->changes += tx.counted_changes();
    // Under the locks, so that the reply goes before all news of what it shows.
    if (answered) HandOver(waiter, reply, BytesOf(buffer), barrier);
  }
  if (!answered) Return(waiter);
  return Outcome::kNext;
}

bool BlockedClients::PassPermissions(const WaiterPtr& waiter) {
  const AclUsers& users = server_.users();
  const uint64_t generation = users.generation();
  if (generation == waiter->user_generation) [[likely]]
    return true;
  const AclUserPtr user = users.Find(waiter->user->name());
  if (!user || user->identity() != waiter->user->identity()) {
    Return(waiter);  // its connection is about to be closed
    return false;
  }
  const uint32_t index = server_.commands().Resolve(waiter->args).index;
  const AclVerdict verdict = CheckAcl(*user, *waiter->command, index, waiter->args);
  if (!verdict.allowed()) {
    Refuse(waiter, user, verdict);
    return false;
  }
  waiter->user = user;
  waiter->user_generation = generation;
  return true;
}

void BlockedClients::Refuse(const WaiterPtr& waiter, const AclUserPtr& user,
                            const AclVerdict& verdict) {
  {
    std::lock_guard lock(mutex_);
    RemoveLocked(waiter);
  }
  Answer(waiter, /*served=*/false, /*failed=*/true, [waiter, user, verdict](Reply& reply) {
    const Command& command = *waiter->command;
    reply.Error("NOPERM " + AclDenialText(verdict, *user, command, waiter->args, false));
    if (const auto connection = waiter->connection.lock()) {
      static_cast<Session*>(connection->handler())
          ->NoteDenied(verdict, command, waiter->args, AclLogContext::kTopLevel);
    }
  });
}

void BlockedClients::HandOver(const WaiterPtr& waiter, const Reply& reply, std::string bytes,
                              uint64_t barrier) {
  const bool failed = reply.error_count() > 0;
  if (failed) {
    server_.CountError(reply.last_error_code());
  } else if (waiter->remembers_keys) {
    const auto worker_index = static_cast<uint32_t>(waiter->worker->index());
    server_.tracking().Remember({waiter->client_id, worker_index}, waiter->keys);
  }
  {
    std::lock_guard lock(mutex_);
    RemoveLocked(waiter);
  }
  Answer(waiter, /*served=*/true, failed, [bytes = std::move(bytes), barrier, waiter](Reply& out) {
    if (const auto connection = waiter->connection.lock()) connection->SetBarrier(barrier);
    out.Raw(bytes);
  });
}

// A load that a ready key's waiter needed is done: its turn comes again.
void BlockedClients::Requeue(const KeyName& name) {
  NoteReady({{name.first, name.second, false}});
}

// A script holds the shards: this worker goes on, and looks again; one timer does for all keys.
void BlockedClients::ServeSoon(const KeyName& name) {
  constexpr std::chrono::milliseconds kAgain{5};
  Worker* const worker = Worker::Current();
  HEARTH_CHECK(worker != nullptr);
  {
    std::lock_guard lock(mutex_);
    const bool is_timed = !ready_soon_.empty();
    ready_soon_.insert(name);
    if (is_timed) return;
  }
  worker->RunAfter(kAgain, [this, worker] {
    std::set<KeyName> names;
    {
      std::lock_guard lock(mutex_);
      names.swap(ready_soon_);
    }
    std::vector<ReadyKey> keys;
    for (const auto& [db, key] : names) keys.push_back({db, key, false});
    NoteReady(std::move(keys));
    server_.DispatcherOf(*worker).ServeBlocked();
    server_.DeliverHere(*worker);
  });
}

// The waiter was not served: it waits on, unless its time has come meanwhile.
void BlockedClients::Return(const WaiterPtr& waiter) {
  std::lock_guard lock(mutex_);
  waiter->serving = false;
  if (waiter->end_after_serving) EndLocked(waiter, *waiter->end_after_serving);
}

void BlockedClients::EndLocked(const WaiterPtr& waiter, End end) {
  if (waiter->ended) return;
  if (waiter->serving) {
    if (!waiter->end_after_serving) waiter->end_after_serving = end;
    return;
  }
  RemoveLocked(waiter);
  if (end == End::kGone) return;
  const bool failed = end != End::kTimeout;
  Answer(waiter, /*served=*/false, failed,
         [end, waiter, null_array = waiter->request.null_array](Reply& reply) {
           if (end == End::kRoleChanged) {
             reply.Error(kErrRoleChanged);
             if (const auto connection = waiter->connection.lock()) connection->CloseAfterReply();
           } else if (end == End::kUnblockedError) {
             reply.Error(kErrUnblocked);
           } else {
             null_array ? reply.NullArray() : reply.Null();
           }
         });
}

void BlockedClients::RemoveLocked(const WaiterPtr& waiter) {
  if (std::exchange(waiter->ended, true)) return;
  for (const KeyRef& ref : waiter->keys) {
    const auto found = keys_.find({ref.db, std::string(ref.key)});
    if (found == keys_.end()) continue;
    KeyWaiters& waiters = found->second;
    if (waiters.by_ticket.erase(waiter->ticket) > 0 && waiter->request.wakes_when_gone) {
      --waiters.wake_when_gone_count;
    }
    if (waiters.by_ticket.empty()) keys_.erase(found);
  }
  by_client_.erase(waiter->client_id);
  by_deadline_.erase({waiter->deadline_us, waiter->ticket});
  client_count_.store(by_client_.size(), std::memory_order_relaxed);
  if (by_client_.empty()) server_.keyspace().SetHasWaiters(false);
}

void BlockedClients::Answer(const WaiterPtr& waiter, bool served, bool failed,
                            std::function<void(Reply&)> write) {
  waiter->worker->Post([this, waiter, served, failed, write = std::move(write)] {
    waiter->answer([&](Reply& reply) {
      if (const auto connection = waiter->connection.lock()) {
        auto& session = *static_cast<Session*>(connection->handler());
        session.set_blocked(false);
        server_.DispatcherOf(*waiter->worker)
            .NoteUnblocked(session, *waiter->command, waiter->args, served, failed);
      }
      write(reply);
    });
  });
}

void BlockedClients::EndAll() {
  std::lock_guard lock(mutex_);
  const auto waiters = by_client_;
  for (const auto& [id, waiter] : waiters) EndLocked(WaiterPtr(waiter), End::kRoleChanged);
}

bool BlockedClients::Unblock(uint64_t client_id, bool with_error) {
  std::lock_guard lock(mutex_);
  const auto found = by_client_.find(client_id);
  if (found == by_client_.end()) return false;
  EndLocked(WaiterPtr(found->second), with_error ? End::kUnblockedError : End::kUnblocked);
  return true;
}

void BlockedClients::Forget(uint64_t client_id) {
  std::lock_guard lock(mutex_);
  const auto found = by_client_.find(client_id);
  if (found != by_client_.end()) EndLocked(WaiterPtr(found->second), End::kGone);
}

size_t BlockedClients::timed_count() const {
  std::lock_guard lock(mutex_);
  return by_deadline_.size();
}

size_t BlockedClients::key_count() const {
  std::lock_guard lock(mutex_);
  return keys_.size();
}

void BlockedClients::TimerMain() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (by_deadline_.empty()) {
      timer_wanted_.wait(lock);
      continue;
    }
    const auto first = by_deadline_.begin();
    const int64_t deadline_us = first->first.first, now_us = NowUs();
    if (deadline_us > now_us) {
      // Woken for an earlier deadline too; an hour at most, so that no sum overflows.
      const int64_t wait_us = std::min<int64_t>(deadline_us - now_us, 3'600'000'000);
      timer_wanted_.wait_for(lock, std::chrono::microseconds(wait_us));
      continue;
    }
    const WaiterPtr waiter = first->second;
    by_deadline_.erase(first);
    EndLocked(waiter, End::kTimeout);
  }
}

}  // namespace hearth
