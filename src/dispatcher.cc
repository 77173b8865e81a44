// Tested by tests/src/dispatcher_test.cc.
#include "src/dispatcher.h"

#include "engine/random.h"
#include "engine/shard_lease.h"
#include "net/worker.h"
#include "src/commands/generic.h"
#include "src/commands/groups.h"
#include "src/commands/transaction.h"
#include "src/crash_report.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/key_finder.h"
#include "src/numbers.h"
#include "src/replication/replication.h"
#include "src/replication/stream_client.h"
#include "src/scripting/script_runner.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr int kEvictionsACommandMax = 64;
constexpr uint64_t kShardHoldMaxUs = 100;  // from one command of a batch to the next
constexpr size_t kUnknownArgsBytesMax = 128;
constexpr size_t kShownNameBytesMax = 64;

// What a browser sends that was tricked into talking to this port.
bool IsCrossProtocol(std::string_view name) {
  return IsWord(name, "POST") || IsWord(name, "HOST:");
}

// A command's name, in capitals, in what may be shown of it.
std::string ShownName(const Args& args, const CommandTable::Found& found) {
  std::string name(found.command != nullptr ? found.command->name : args[0]);
  if (found.container != nullptr) name += "|" + std::string(args[1]);
  name.resize(std::min(name.size(), kShownNameBytesMax));
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    c = c == '|' ? ' ' : std::isgraph(byte) ? static_cast<char>(std::toupper(byte)) : '?';
  }
  return name;
}

bool HasDeliveries(Server& server, Worker& worker) {
  return server.pubsub().HasDeliveries(worker) || server.tracking().HasDeliveries(worker) ||
         server.monitors().HasDeliveries(worker);
}

}  // namespace

Dispatcher::Dispatcher(Server& server)
    : server_(server),
      command_stream_(server.replication().command_stream()),
      stats_(server.commands().all().size()),
      scripts_(std::make_unique<ScriptRunner>(server, *this)) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::ResetStats() {
  for (CommandStats& stats : stats_) stats.Reset();
  counters_.commands = counters_.net_in = counters_.net_out = 0;
}

void Dispatcher::CountTraffic(Session& session) {
  const Connection& connection = session.connection();
  Bump(counters_.net_in, connection.total_in_bytes() - session.counted_in_bytes_);
  Bump(counters_.net_out, connection.total_out_bytes() - session.counted_out_bytes_);
  session.counted_in_bytes_ = connection.total_in_bytes();
  session.counted_out_bytes_ = connection.total_out_bytes();
}

void Dispatcher::NoteWrites(const Tx& tx) {
  turn_barrier_ = std::max(turn_barrier_, tx.barrier());
  Bump(counters_.changes, tx.counted_changes());
}

size_t Dispatcher::Run(Session& session, const RequestBatch& batch) {
  CountTraffic(session);
  Plan(session, batch);
  now_ms_ = server_.clock().WallMs();
  started_us_ = static_cast<uint64_t>(server_.clock().MonotonicUs());
  ShardLease lease;
  uint64_t leased_us = started_us_;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (!lease.is_held()) leased_us = started_us_;
    const bool keeps = i + 1 < batch.size() && SharesLocks(session, plan_[i], plan_[i + 1]);
    lease.set_wanted(keeps);
    const bool done = session.applies_stream() ? RunOneOfStream(session, batch[i], plan_[i])
                                               : RunOne(session, batch[i], plan_[i]);
    lease.set_wanted(false);
    if (!keeps || started_us_ - leased_us > kShardHoldMaxUs) lease.Release();
    if (server_.blocked_clients().has_ready()) [[unlikely]] {
      lease.Release();
      ServeBlocked();
    }
    if (HasDeliveries(server_, session.connection().worker())) [[unlikely]] {
      lease.Release();  // a client that is too far behind is closed
      server_.DeliverHere(session.connection().worker());
    }
    if (!done) return i;
    if (session.answers_later_ || session.connection().is_closing()) return i + 1;
  }
  return batch.size();
}

void Dispatcher::ServeBlocked() {
  const BlockedClients::Served served = server_.blocked_clients().Serve();
  turn_barrier_ = std::max(turn_barrier_, served.barrier);
  Bump(counters_.changes, served.changes);
}

// What it writes is committed with the place in the stream behind it.
bool Dispatcher::RunOneOfStream(Session& session, const Args& args, const Planned& plan) {
  StreamPlaces* places = session.stream_places();
  if (places == nullptr) return RunOne(session, args, plan);
  if (places->is_refused()) {
    session.connection().reply().Error("ERR the stream has ended");
    session.connection().CountReply();
    return true;
  }
  const std::optional<StreamPlace> place = places->Front();
  const StreamScope scope(place ? &*place : nullptr);
  const bool done = RunOne(session, args, plan);
  if (done) places->Pop();
  return done;
}

bool Dispatcher::RunOne(Session& session, const Args& args, const Planned& plan) {
  const RunningCommand running(args, session.id());
  Reply& reply = session.connection().reply();
  errors_before_ = reply.error_count();
  bool wait = false;
  // Also of what is refused: CLIENT LIST and ACL LOG tell of it.
  if (plan.found.command != nullptr) session.last_command = plan.found.command->name;
  const bool passed = session.in_transaction() || IsExec(plan.found.command)
                          ? PassGatesInMulti(session, args, plan.found, &wait)
                          : PassGates(session, args, plan.found, &wait);
  if (session.is_held() && !wait) [[unlikely]]
    server_.pause_gate().LetGo(session);
  if (passed) {
    const Command& command = *plan.found.command;
    if (session.in_transaction() && !(command.flags & kCmdNotQueued)) {
      Queue(session, args, plan.found);
    } else if (command.session == nullptr ? !RunData(session, args, plan)
                                          : !RunSession(session, args, command)) {
      return false;
    } else {
      Finish(session, args, plan.found);
    }
  } else if (wait) {
    return false;
  } else {
    if (reply.error_count() != errors_before_) NoteError(session, args, plan.found);
    if (plan.found.command != nullptr) Bump(stats_[plan.found.index].rejected);
  }
  if (session.tracking() != nullptr) [[unlikely]]
    EndCaching(session, plan.found);
  if (session.reply_mode_ == ReplyMode::kSkipNext && !std::exchange(session.skip_is_new_, false)) {
    session.SetReplyMode(ReplyMode::kOn);
  } else if (!session.answers_later_ && !reply.muted()) {
    session.connection().CountReply();
  }
  return true;
}

// CLIENT CACHING holds for the next command, or for the next transaction.
void Dispatcher::EndCaching(Session& session, const CommandTable::Found& found) {
  const bool is_client = found.command != nullptr && found.command->name.starts_with("client|");
  if (!session.in_transaction() && !is_client) session.tracking()->caching_given = false;
}

// Redis shows a command behind its run, EXEC behind what it ran, a script (kCmdSkipMonitor) before
// what it calls; never one of administration.
void Dispatcher::FeedMonitors(Session& session, const Args& args, const Command& command) {
  if (command.flags & kCmdAdmin) return;
  const Connection& connection = session.connection();
  const std::string source = connection.is_unix() ? "unix:" + server_.config().Text("unixsocket")
                                                  : connection.peer_address();
  server_.monitors().Feed(session.db(), source, args);
}

bool Dispatcher::RunSession(Session& session, const Args& args, const Command& command) {
  // Once, although a script that waits for keys is run again.
  if ((command.flags & kCmdSkipMonitor) && session.park_count_ == 0 && server_.monitors().any())
      [[unlikely]] {
    FeedMonitors(session, args, command);
  }
  command.session(args, session, session.connection().reply());
  return !std::exchange(session.parked_, false);
}

void Dispatcher::Finish(Session& session, const Args& args, const CommandTable::Found& found) {
  const auto now_us = static_cast<uint64_t>(server_.clock().MonotonicUs());
  const uint64_t took_us = now_us - started_us_;
  started_us_ = now_us;
  CommandStats& stats = stats_[found.index];
  stats.Record(took_us, server_.TracksLatency());
  Bump(counters_.commands);
  if (server_.monitors().any() && !(found.command->flags & kCmdSkipMonitor)) [[unlikely]]
    FeedMonitors(session, args, *found.command);
  if (session.blocked_) [[unlikely]] {
    session.blocked_run_us_ = took_us;  // shown once the wait is over
  } else if (server_.slow_log().Wants(took_us) || server_.latency_monitor().Wants(took_us))
      [[unlikely]] {
    NoteSlow(session, args, *found.command, took_us);
  }
  Reply& reply = session.connection().reply();
  const bool is_passed_on = reply.TakePassedOn();
  if (reply.error_count() != errors_before_) [[unlikely]] {
    Bump(stats.failed);
    NoteError(session, args, found);
  } else if (is_passed_on) [[unlikely]] {
    Bump(stats.failed);
  }
}

// A stream ends where a command of it is not known. What a script does not know is the same there.
void Dispatcher::NoteError(Session& session, const Args& args, const CommandTable::Found& found) {
  const Reply& reply = session.connection().reply();
  server_.CountError(reply.last_error_code());
  StreamPlaces* const places = session.stream_places();
  if (places == nullptr || !IsUnknownHere(reply.last_error_start())) return;
  if (found.command != nullptr && (found.command->flags & kCmdSkipMonitor)) return;
  const std::string name = ShownName(args, found);
  const char* const what =
      found.command == nullptr ? ", which is not known here" : " in a form that is not known here";
  places->Refuse("the primary sends " + name + what, session.transaction().run.is_active);
}

void Dispatcher::NoteUnblocked(Session& session, const Command& command, const Args& args,
                               bool served, bool failed) {
  if (served) NoteSlow(session, args, command, session.blocked_run_us_);
  if (failed) Bump(stats_[server_.commands().Resolve(args).index].failed);
}

void Dispatcher::NoteSlow(Session& session, const Args& args, const Command& command,
                          uint64_t took_us) {
  const int64_t now_s = server_.clock().WallMs() / 1000;
  if (server_.slow_log().Wants(took_us) && !(command.flags & kCmdSkipSlowlog)) {
    server_.slow_log().Add(now_s, took_us, args, session.connection().peer_address(), session.name);
  }
  if (server_.latency_monitor().Wants(took_us)) {
    server_.latency_monitor().Add(command.flags & kCmdFast ? "fast-command" : "command", now_s,
                                  took_us / 1000);
  }
}

void Dispatcher::RejectUnknown(const Args& args, const CommandTable::Found& found, Reply& reply) {
  if (found.container != nullptr) {
    std::string name(found.container->name);
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return reply.Error("ERR unknown subcommand '" +
                       std::string(args[1].substr(0, std::min<size_t>(128, args[1].find('\0')))) +
                       "'. Try " + name + " HELP.");
  }
  std::string shown;
  for (size_t i = 1; i < args.size() && shown.size() < kUnknownArgsBytesMax; ++i) {
    // As a C string prints: up to the first NUL.
    const std::string_view arg = args[i].substr(0, args[i].find('\0'));
    shown += "'" + std::string(arg.substr(0, kUnknownArgsBytesMax - shown.size())) + "' ";
  }
  reply.Error("ERR unknown command '" + std::string(args[0].substr(0, 128)) +
              "', with args beginning with: " + shown);
}

bool Dispatcher::PassGates(Session& session, const Args& args, const CommandTable::Found& found,
                           bool* wait) {
  Reply& reply = session.connection().reply();
  const Command* command = found.command;
  if (command == nullptr) {
    IsCrossProtocol(args[0]) ? server_.RefuseCrossProtocol(session)
                             : RejectUnknown(args, found, reply);
    return false;
  }
  const auto count = static_cast<int>(args.size());
  if ((command->arity > 0 && count != command->arity) || count < -command->arity ||
      (command->data == nullptr && command->session == nullptr && command->blocking == nullptr)) {
    reply.Error(WrongArity(command->name));
    return false;
  }
  if ((command->flags & kCmdProtected) && !server_.AllowsProtected(session)) {
    reply.Error(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to "
        "\"local\", you can run it from a local connection, otherwise you need to set "
        "this option in the configuration file, and then restart the server.");
    return false;
  }
  const bool is_restricted = !session.MayDoEverything();
  if (is_restricted && !PassAuthentication(session, *command)) return false;
  if (session.in_transaction() && (command->flags & kCmdNoMulti)) {
    reply.Error("ERR Command not allowed inside a transaction");
    return false;
  }
  if (is_restricted && !PassPermissions(session, args, found)) return false;
  if (session.has_subscribed() && !(command->flags & kCmdInSubscribed) && reply.protocol() == 2) {
    reply.Error("ERR Can't execute '" + std::string(command->name) +
                "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in "
                "this context");
    return false;
  }
  if (session.connection().worker().is_nested()) [[unlikely]]
    return PassNestedGate(session, *command, wait);
  if (server_.scripting().is_long() && !PassScriptGate(session, *command, wait)) [[unlikely]]
    return false;
  if (session.applies_stream()) [[unlikely]]
    return PassStreamGates(session, *command, wait);
  const uint32_t flags = GateFlags(session, args, *command);
  if (!PassRoleGates(flags, reply)) return false;
  if ((flags & kCmdDenyOom) && !MakeRoom()) {
    reply.Error(kErrOutOfMemory);
    return false;
  }
  if ((flags & kCmdWrite) && !PassWriteGates(reply)) return false;
  constexpr uint32_t kTouchesKeys = kCmdReadonly | kCmdWrite | kCmdMayReplicate;
  if (session.is_monitor() && (flags & kTouchesKeys)) [[unlikely]] {
    reply.Error("ERR Replica can't interact with the keyspace");
    return false;
  }
  *wait = server_.pause_gate().Waits(session, flags) ||
          ((flags & kCmdWrite) && server_.WaitsForDisk(session)) ||
          (MayPublish(flags) && server_.WaitsForMail(session));
  return !*wait;
}

// A primary's commands wait, but only a store that takes no writes refuses them.
bool Dispatcher::PassStreamGates(Session& session, const Command& command, bool* wait) {
  std::string reason;
  if ((command.flags & kCmdWrite) && !server_.engine().WritesAllowed(&reason)) {
    session.connection().reply().Error("MISCONF " + reason);
    return false;
  }
  *wait = ((command.flags & kCmdWrite) && server_.WaitsForDisk(session)) ||
          (MayPublish(command.flags) && server_.WaitsForMail(session));
  return !*wait;
}

bool Dispatcher::PassScriptGate(Session& session, const Command& command, bool* wait) {
  if (command.flags & kCmdAllowBusy) return true;
  if (server_.scripting().is_busy() && !session.applies_stream()) {
    session.connection().reply().Error(server_.scripting().BusyError());
    return false;
  }
  server_.WaitForScript(session);
  *wait = true;
  return false;
}

// Within a script of this worker: only what takes no locks, which are held below, on this thread.
bool Dispatcher::PassNestedGate(Session& session, const Command& command, bool* wait) {
  if (session.applies_stream()) {
    server_.WaitForScript(session);
    *wait = true;
    return false;
  }
  if ((command.flags & kCmdAllowBusy) && command.session != nullptr &&
      (command.key_specs.empty() || command.session == hearth::Watch)) {
    return true;
  }
  session.connection().reply().Error(server_.scripting().BusyError());
  return false;
}

size_t Dispatcher::RunWhileBusy(Session& session, const RequestBatch& batch) {
  Reply& reply = session.connection().reply();
  for (size_t i = 0; i < batch.size(); ++i) {
    const Args args = batch[i];
    const CommandTable::Found found = server_.commands().Resolve(args);
    bool wait = false;
    if (found.command != nullptr) session.last_command = found.command->name;
    const bool passed = session.in_transaction() || IsExec(found.command)
                            ? PassGatesInMulti(session, args, found, &wait)
                            : PassGates(session, args, found, &wait);
    if (!wait) server_.pause_gate().LetGo(session);
    if (passed) {
      const Command& command = *found.command;
      if (session.in_transaction() && !(command.flags & kCmdNotQueued)) {
        Queue(session, args, found);
      } else {
        command.session(args, session, reply);
      }
    } else if (wait) {
      return i;
    }
    if (!session.answers_later_ && !reply.muted()) session.connection().CountReply();
    if (session.answers_later_ || session.connection().is_closing()) return i + 1;
  }
  return batch.size();
}

// Whether a command sends messages, be it keyspace events.
bool Dispatcher::MayPublish(uint32_t flags) {
  return (flags & kCmdPubsub) || server_.keyspace().event_classes() != 0;
}

// What a replica does not do, and a primary not without its replicas.
bool Dispatcher::PassRoleGates(uint32_t flags, Reply& reply) {
  const Replication& replication = server_.replication();
  if (flags & kCmdWrite) {
    if (const std::string_view error = replication.WriteRefusal(); !error.empty()) [[unlikely]] {
      reply.Error(error);
      return false;
    }
  }
  if (!(flags & kCmdStale) && replication.RefusesStaleReads()) [[unlikely]] {
    reply.Error(kErrMasterDown);
    return false;
  }
  if (replication.is_loading() && !RunsWhileLoading(flags)) [[unlikely]] {
    reply.Error(kErrLoading);
    return false;
  }
  return true;
}

bool Dispatcher::PassWriteGates(Reply& reply) {
  std::string error;
  if (MayWrite(&error)) [[likely]]
    return true;
  reply.Error(error);
  return false;
}

bool Dispatcher::MayWrite(std::string* error) {
  if (const std::string_view refusal = server_.replication().WriteRefusal(); !refusal.empty())
      [[unlikely]] {
    *error = refusal;
    return false;
  }
  std::string reason;
  if (!server_.engine().WritesAllowed(&reason)) {
    *error = "MISCONF " + reason;
    return false;
  }
  if (server_.snapshots().StopsWrites()) {
    *error =
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist "
        "to disk. Commands that may modify the data set are disabled, because this instance is "
        "configured to report errors during writes if RDB snapshotting fails "
        "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the "
        "RDB error.";
    return false;
  }
  return true;
}

// Evicts for a command that needs memory.
bool Dispatcher::MakeRoom() {
  if (server_.replication().is_replica()) return true;  // its primary evicts
  if (server_.keyspace().paused()) [[unlikely]]
    return true;
  Residency& residency = server_.engine().residency();
  if (residency.excess_bytes() <= 0) [[likely]]
    return true;
  const ShardLease none;  // any shard may be looked at, and none is to be kept
  for (int i = 0; i < kEvictionsACommandMax && residency.excess_bytes() > 0; ++i) {
    uint32_t db;
    std::string key;
    size_t size = 0;
    if (residency.policy() == MemoryPolicy::kNoEviction ||
        !residency.PickVictim(now_ms_, RandomBits(), &db, &key, &size)) {
      return false;
    }
    KeyRef ref(db, key);
    ref.head_only = true;
    Tx tx(server_.keyspace(), {&ref, 1}, now_ms_, {.write = true, .give_way = true});
    if (tx.state() == Tx::State::kReady && tx.Delete(db, key)) {
      if (command_stream_.active()) [[unlikely]]
        Effects(command_stream_, tx)
            .Add({db, StreamWords({command_stream_.DeletionVerb(LazyDeletion::kEviction), key})});
      tx.Notify(EventClass::kEvicted, "evicted", db, key);
      residency.CountEvicted(size);
      turn_barrier_ = std::max(turn_barrier_, tx.barrier());
      Bump(server_.keyspace().shard(server_.keyspace().ShardIndex(ref.position)).counters.evicted);
    }
  }
  return true;
}

void Dispatcher::EvictExcess(int64_t budget_us) {
  const Residency& residency = server_.engine().residency();
  if (residency.excess_bytes() <= 0 || server_.keyspace().paused()) [[likely]]
    return;
  now_ms_ = server_.clock().WallMs();
  const int64_t until_us = server_.clock().MonotonicUs() + budget_us;
  while (residency.excess_bytes() > 0 && MakeRoom() && server_.clock().MonotonicUs() < until_us) {
  }
  (void)server_.engine().CommitTurn(turn_barrier_);  // no client's turn may follow
}

bool Dispatcher::RunData(Session& session, const Args& args, const Planned& plan) {
  Reply& reply = session.connection().reply();
  const Command& command = *plan.found.command;
  std::span<const KeyRef> keys(keys_.data() + plan.first_key, plan.key_count);
  if (session.db() != planned_db_) {
    late_keys_.clear();
    if (!CollectKeys(command, args, session.db(), &late_keys_)) late_keys_.clear();
    keys = late_keys_;
  }
  if (!session.load_status_.ok()) [[unlikely]] {
    reply.Error("IOERR a read of the store failed: " + session.load_status_.message());
    session.load_status_ = Status::Ok();
    session.park_count_ = 0;
    return true;
  }
  if (!PassUnnamedKeys(session, args, plan.found)) [[unlikely]]
    return true;
  Tx tx(server_.keyspace(), keys, now_ms_,
        {.write = (command.flags & kCmdWrite) != 0,
         .lock_all = LocksAll(command, args),
         .read_blocking = session.park_count_ >= kParksMax,
         .touch = !session.no_touch && !(command.flags & kCmdNoTouch),
         .give_way = true,
         .see_expired = session.applies_stream(),
         .writer = session.id()});
  std::optional<Effects> effects;
  tx.set_db(session.db());
  switch (tx.state()) {
    case Tx::State::kReady:
      if (command_stream_.active()) [[unlikely]]
        effects.emplace(command_stream_, tx).Begin();
      if (command.data != nullptr) {
        if (plan.member_count >= 2) FetchMembers(tx, keys[0].key, plan);
        command.data(args, tx, reply);
        if (session.tracking() != nullptr) [[unlikely]]
          RememberKeys(session, command, keys, errors_before_);
      } else if (BlockRequest request; !command.blocking(args, tx, reply, &request)) {
        server_.blocked_clients().Block(session, command, args, keys, std::move(request));
      } else if (session.tracking() != nullptr) [[unlikely]] {
        RememberKeys(session, command, keys, errors_before_);
      }
      if (effects) [[unlikely]]
        effects->End(args);
      if (command.data == FlushAll) [[unlikely]]
        NoteFlushAll(tx, reply, errors_before_);
      break;
    case Tx::State::kBusy:
      server_.WaitForScript(session);
      return false;
    case Tx::State::kPending:
      Park(session, tx.missing(), LaterKeys(session, plan));
      return false;
    case Tx::State::kFailed:
      reply.Error("IOERR a read of the store failed: " + tx.error().message());
      break;
    case Tx::State::kRefused:
      reply.Error("MISCONF Errors writing to the AOF file");
      break;
  }
  session.park_count_ = 0;
  if (tx.barrier() > turn_barrier_) turn_barrier_ = tx.barrier();
  session.connection().SetBarrier(tx.barrier());
  Bump(counters_.changes, tx.counted_changes());
  return true;
}

void Dispatcher::NoteFlushAll(const Tx& tx, const Reply& reply, uint64_t errors_before) {
  if (reply.error_count() != errors_before) return;
  server_.snapshots().ForgetChanges(tx.counted_changes());
}

void Dispatcher::RememberKeys(Session& session, const Command& command,
                              std::span<const KeyRef> keys, uint64_t errors_before) {
  if (!(command.flags & kCmdReadonly)) return;
  if (session.connection().reply().error_count() != errors_before) return;
  server_.tracking().Remember(session, keys);
}

void Dispatcher::Park(Session& session, std::span<const KeyRef> missing,
                      std::span<const KeyRef> soon) {
  ++session.park_count_;
  Worker& worker = session.connection().worker();
  server_.engine().LoadAsync(
      missing, server_.keyspace().Unknown(soon, kLoadAheadMax),
      [&worker, alive = session.connection().weak_from_this()](const Status& status) {
        worker.Post([alive, status] {
          const std::shared_ptr<Connection> connection = alive.lock();
          if (!connection || connection->is_closed()) return;
          static_cast<Session*>(connection->handler())->load_status_ = status;
          connection->Resume();
        });
      });
}

}  // namespace hearth
