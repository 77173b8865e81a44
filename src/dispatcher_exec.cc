// The dispatcher's part in transactions: the gates inside MULTI, the queue, WATCH and EXEC.
// Tested by tests/src/transaction_test.cc.
//
// EXEC runs under one Tx that holds the keys of all queued commands and the watched ones: its rows
// are one piece of one group, and nobody sees a state in between. Only a session command that
// itself takes locks or asks other workers (kCmdOutsideTx: INFO, CLIENT LIST, CONFIG SET, DEBUG and
// their like) parts it: the Tx ends before it, and a second one runs what follows.
#include <numeric>
#include <optional>

#include "net/worker.h"
#include "src/commands/connection.h"
#include "src/commands/generic.h"
#include "src/commands/groups.h"
#include "src/commands/transaction.h"
#include "src/dispatcher.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/key_finder.h"
#include "src/replication/replication.h"
#include "src/scripting/script_runner.h"
#include "src/server.h"

namespace hearth {
namespace {

constexpr std::string_view kErrSpoiled =
    "EXECABORT Transaction discarded because of previous errors.";

// The text of an error reply, without its "-ERR ".
std::string ErrorText(const OutputBuffer& buffer) {
  iovec piece;
  if (buffer.Peek(&piece, 1, buffer.end_offset()) == 0) return {};
  std::string_view text(static_cast<const char*>(piece.iov_base), piece.iov_len);
  if (text.starts_with("-ERR ")) {
    text.remove_prefix(5);
  } else if (text.starts_with("-")) {
    text.remove_prefix(1);
  }
  return std::string(text.substr(0, text.find('\r')));
}

// A SWAPDB of the queue: what is named in a database behind it stands in another until it runs.
void FollowSwap(const Args& args, std::vector<uint32_t>* origins) {
  std::string_view error;
  const auto a = ParseDbIndex(args[1], &error), b = ParseDbIndex(args[2], &error);
  if (!a || !b) return;
  if (origins->empty()) {
    origins->resize(DbCount());
    std::iota(origins->begin(), origins->end(), 0u);
  }
  std::swap((*origins)[*a], (*origins)[*b]);
}

// Names the keys from `first` on also where they stand before the swaps, so that they are loaded
// before anything runs: a read that fails later could not be told from an absent key.
void AddOrigins(const std::vector<uint32_t>& origins, size_t first, std::vector<KeyRef>* keys) {
  for (size_t i = first, end = keys->size(); i < end; ++i) {
    const KeyRef ref = (*keys)[i];
    if (origins[ref.db] != ref.db) keys->emplace_back(origins[ref.db], ref.key, ref.position);
  }
}

// A long script holds the keys. What it changes from here on is noted; what it has changed before
// is what the client reads once it may.
void WatchUnseen(WatchedKeys& watched, Watcher& watcher, std::span<const KeyRef> keys) {
  for (const KeyRef& ref : keys) watched.Add(watcher, ref.db, ref.key, Presence::kUnknown);
}

}  // namespace

struct Dispatcher::ExecPart {
  size_t end = 0;  // of the queue; the part begins where EXEC is
  std::vector<KeyRef> keys;
  bool write = false;
  bool lock_all = false;
};

bool Dispatcher::IsExec(const Command* command) {
  return command != nullptr && command->session == hearth::Exec;
}

uint32_t Dispatcher::DeclaredFlags(const Args& args, const Command& command) {
  if (!(command.flags & kCmdSkipMonitor)) [[likely]]  // not a script
    return command.flags;
  return scripts_->GateFlags(command, args);
}

uint32_t Dispatcher::GateFlags(Session& session, const Args& args, const Command& command) {
  const uint32_t flags = DeclaredFlags(args, command);
  if (!session.in_transaction()) [[likely]]
    return flags;
  if (IsExec(&command)) {
    // It may run when all that is queued may.
    constexpr uint32_t kWhen = kCmdLoading | kCmdStale | kCmdAdmin;
    const Transaction& transaction = session.transaction();
    return (flags & ~transaction.missing_flags()) | (transaction.flags() & ~kWhen);
  }
  // A queue takes memory, whatever stands in it.
  return flags & kCmdNotQueued ? flags : flags | kCmdDenyOom;
}

bool Dispatcher::PassGatesInMulti(Session& session, const Args& args,
                                  const CommandTable::Found& found, bool* wait) {
  if (!IsExec(found.command)) {
    if (PassGates(session, args, found, wait)) return true;
    if (!*wait) session.transaction().Spoil();
    return false;
  }
  Reply& reply = session.connection().reply();
  OutputBuffer error;
  OutputBuffer* const out = reply.Redirect(&error);
  const bool passed = PassGates(session, args, found, wait);
  reply.Redirect(out);
  if (!passed && !*wait) AbortExec(session, ErrorText(error));
  return passed;
}

void Dispatcher::Queue(Session& session, const Args& args, const CommandTable::Found& found) {
  Transaction& transaction = session.transaction();
  transaction.Queue(args, found, DeclaredFlags(args, *found.command));
  Connection& connection = session.connection();
  if (transaction.memory_bytes() > connection.limits().query_buffer_max) {
    session.OnProtocolError("");
    return connection.Close("query buffer limit reached");
  }
  connection.reply().Simple("QUEUED");
}

void Dispatcher::Watch(Session& session, const Args& keys) {
  Reply& reply = session.connection().reply();
  Transaction& transaction = session.transaction();
  if (transaction.watcher().changed()) return reply.Ok();
  if (!session.load_status_.ok()) [[unlikely]] {
    reply.Error("IOERR a read of the store failed: " + session.load_status_.message());
    session.load_status_ = Status::Ok();
    session.park_count_ = 0;
    return;
  }
  std::vector<KeyRef> refs;
  for (const std::string_view key : keys) refs.emplace_back(session.db(), key).head_only = true;
  std::optional<Tx> tx;
  if (!session.connection().worker().is_nested()) {
    tx.emplace(
        server_.keyspace(), refs, now_ms_,
        TxOptions{
            .read_blocking = session.park_count_ >= kParksMax, .touch = false, .give_way = true});
  }
  if (!tx || tx->state() == Tx::State::kBusy) {
    WatchUnseen(server_.keyspace().watched_keys(), transaction.watcher(), refs);
  } else if (tx->state() == Tx::State::kPending) {
    session.parked_ = true;
    return Park(session, tx->missing());
  } else if (tx->state() != Tx::State::kReady) {
    session.park_count_ = 0;
    return reply.Error("IOERR a read of the store failed: " + tx->error().message());
  } else {
    for (const KeyRef& ref : refs) {
      const bool is_there = tx->Peek(ref.db, ref.key) != nullptr;
      server_.keyspace().watched_keys().Add(transaction.watcher(), ref.db, ref.key,
                                            is_there ? Presence::kPresent : Presence::kAbsent);
    }
    turn_barrier_ = std::max(turn_barrier_, tx->barrier());
    session.connection().SetBarrier(tx->barrier());
  }
  session.park_count_ = 0;
  if (transaction.memory_bytes() > session.connection().limits().query_buffer_max) {
    session.OnProtocolError("");
    return session.connection().Close("query buffer limit reached");
  }
  reply.Ok();
}

void Dispatcher::Exec(Session& session) {
  Reply& reply = session.connection().reply();
  Transaction& transaction = session.transaction();
  if (transaction.is_spoiled()) {
    transaction.Discard();
    return reply.Error(kErrSpoiled);
  }
  if (transaction.watcher().changed()) {
    transaction.Discard();
    return reply.NullArray();
  }
  if (!session.load_status_.ok()) [[unlikely]] {
    AbortExec(session, "IOERR a read of the store failed: " + session.load_status_.message());
    session.load_status_ = Status::Ok();
    session.park_count_ = 0;
    return;
  }
  transaction.run.next = 0;
  transaction.run.started_us = started_us_;
  RunExecParts(session);
}

void Dispatcher::ContinueExec(Session& session) {
  now_ms_ = server_.clock().WallMs();
  started_us_ = static_cast<uint64_t>(server_.clock().MonotonicUs());
  RunExecParts(session);
  if (server_.blocked_clients().has_ready()) ServeBlocked();
}

void Dispatcher::RunExecParts(Session& session) {
  Transaction& transaction = session.transaction();
  Transaction::Run& run = transaction.run;
  const uint64_t exec_started_us = run.started_us;
  for (;;) {
    const ExecPart part = PlanExecPart(session);
    if (!run.is_active || part.end > run.next) {
      Tx tx(server_.keyspace(), part.keys, now_ms_,
            {.write = part.write,
             .lock_all = part.lock_all,
             .read_blocking = run.is_active || session.park_count_ >= kParksMax,
             .give_way = !run.is_active,
             .see_expired = session.applies_stream(),
             .writer = session.id()});
      if (!run.is_active && !BeginExec(session, tx)) break;
      std::optional<Effects> effects;
      if (command_stream_.active()) [[unlikely]]
        effects.emplace(command_stream_, tx);
      RunExecPart(session, part, tx);
    }
    if (!session.answers_later_ && run.next == transaction.queue().size()) {
      EndExec(session);
      break;
    }
    if (!session.answers_later_) RunQueued(session, nullptr);
    if (session.answers_later_) {
      server_.replication().NotePartedExec(session.id());
      break;
    }
  }
  // EXEC itself is counted with all its time.
  started_us_ = exec_started_us;
}

// The commands from here to the next that runs outside, and what they need.
Dispatcher::ExecPart Dispatcher::PlanExecPart(Session& session) {
  Transaction& transaction = session.transaction();
  const std::vector<Transaction::Queued>& queue = transaction.queue();
  ExecPart part;
  uint32_t db = session.db();
  std::vector<uint32_t> origins;  // where each database's keys stand before the part; empty: there
  for (part.end = transaction.run.next; part.end < queue.size(); ++part.end) {
    const Args args(queue[part.end].args);
    const Command& command = *queue[part.end].found.command;
    if (command.flags & kCmdOutsideTx) break;
    part.write |= (command.flags & kCmdWrite) != 0;
    part.lock_all |= LocksAll(command, args);
    if (command.session == Select) {
      std::string_view error;
      db = ParseDbIndex(args[1], &error).value_or(db);
    } else if (command.session == nullptr || (command.flags & kCmdLockAll)) {
      const size_t count = part.keys.size();
      if (!CollectKeys(command, args, db, &part.keys)) {
        part.keys.erase(part.keys.begin() + static_cast<long>(count), part.keys.end());
      }
      if (!origins.empty()) AddOrigins(origins, count, &part.keys);
      if (command.data == SwapDb) FollowSwap(args, &origins);
    }
  }
  // What one command leaves unread, another may find by a new name.
  if (!std::ranges::all_of(part.keys, &KeyRef::head_only)) {
    for (KeyRef& ref : part.keys) ref.head_only = false;
  }
  if (transaction.run.is_active) return part;
  for (const auto& [key, presence] : transaction.watcher().keys()) {
    part.keys.emplace_back(key.first, key.second).head_only = true;
  }
  return part;
}

// Decides, with all keys held, whether EXEC runs. False: it has answered, or waits for keys.
bool Dispatcher::BeginExec(Session& session, Tx& tx) {
  Reply& reply = session.connection().reply();
  Transaction& transaction = session.transaction();
  if (tx.state() == Tx::State::kPending || tx.state() == Tx::State::kBusy) {
    session.parked_ = true;
    tx.state() == Tx::State::kBusy ? server_.WaitForScript(session) : Park(session, tx.missing());
    return false;
  }
  session.park_count_ = 0;
  if (tx.state() == Tx::State::kFailed) {
    AbortExec(session, "IOERR a read of the store failed: " + tx.error().message());
    return false;
  }
  if (tx.state() == Tx::State::kRefused) {
    AbortExec(session, "MISCONF Errors writing to the AOF file");
    return false;
  }
  bool changed = false;
  for (const auto& [key, presence] : transaction.watcher().keys()) {
    const bool is_gone = tx.Peek(key.first, key.second) == nullptr;  // it has expired
    // One that nobody had looked at may just have been absent. Where it would have been deleted
    // now, that tells; elsewhere it counts as gone.
    const bool was_there =
        presence == Presence::kPresent || (presence == Presence::kUnknown && !tx.may_expire());
    changed |= is_gone && was_there;
  }
  if (changed || transaction.watcher().changed()) {
    session.connection().SetBarrier(tx.barrier());
    turn_barrier_ = std::max(turn_barrier_, tx.barrier());
    transaction.Discard();
    reply.NullArray();
    return false;
  }
  transaction.Unwatch();
  transaction.run.is_active = true;
  transaction.run.muted = reply.muted();
  transaction.run.output = reply.Redirect(&transaction.run.replies);
  reply.Array(transaction.queue().size());
  return true;
}

void Dispatcher::RunExecPart(Session& session, const ExecPart& part, Tx& tx) {
  const Transaction::Run& run = session.transaction().run;
  Tx* const open = tx.state() == Tx::State::kReady ? &tx : nullptr;
  while (run.next < part.end && !session.answers_later_) RunQueued(session, open);
  if (open == nullptr) return;
  turn_barrier_ = std::max(turn_barrier_, tx.barrier());
  session.connection().SetBarrier(tx.barrier());
  Bump(counters_.changes, tx.counted_changes());
}

// Runs the next command of the queue; without a Tx when it runs outside, or no Tx could be had.
void Dispatcher::RunQueued(Session& session, Tx* tx) {
  Reply& reply = session.connection().reply();
  Transaction::Run& run = session.transaction().run;
  const Transaction::Queued& queued = session.transaction().queue()[run.next++];
  const Command& command = *queued.found.command;
  const Args args(queued.args);
  if (!PassPermissionsInExec(session, args, queued.found)) [[unlikely]]
    return;
  const uint64_t end_before = run.replies.end_offset();
  errors_before_ = reply.error_count();
  if (!PassUnnamedKeys(session, args, queued.found)) [[unlikely]] {
  } else if (command.session == nullptr) {
    RunQueuedData(session, command, args, tx);
  } else {
    session.open_tx_ = tx;
    if ((command.flags & kCmdSkipMonitor) && server_.monitors().any()) [[unlikely]]
      FeedMonitors(session, args, command);
    command.session(args, session, reply);
    session.open_tx_ = nullptr;
  }
  reply.SetMuted(run.muted);  // CLIENT REPLY begins behind EXEC, and writes nothing itself
  const bool is_silent = run.replies.end_offset() == end_before;
  if (is_silent && !session.answers_later_) reply.Null();
  Finish(session, args, queued.found);
  errors_before_ = reply.error_count();
}

void Dispatcher::RunQueuedData(Session& session, const Command& command, const Args& args, Tx* tx) {
  Reply& reply = session.connection().reply();
  // A read that failed within the Tx (of a key that no argument names) ends its use.
  if (tx == nullptr || tx->state() != Tx::State::kReady) {
    return reply.Error(server_.engine().log().accepting()
                           ? "IOERR a read of the store failed"
                           : "MISCONF Errors writing to the AOF file");
  }
  if (!session.applies_stream()) {
    // Behind a REPLICAOF of the same transaction, or a resync that began since it was queued.
    if ((command.flags & kCmdWrite) && server_.replication().is_replica()) {
      return reply.Error(server_.replication().WriteRefusal());
    }
    if (server_.replication().is_loading()) return reply.Error(kErrLoading);
  }
  tx->BeginCommand((command.flags & kCmdWrite) != 0);
  tx->set_db(session.db());
  tx->set_touch(!session.no_touch && !(command.flags & kCmdNoTouch));
  Effects* const effects = Effects::Current();
  if (effects != nullptr) [[unlikely]]
    effects->Begin();
  BlockRequest request;
  if (command.data != nullptr) {
    command.data(args, *tx, reply);
  } else if (!command.blocking(args, *tx, reply, &request)) {
    request.null_array_at_once ? reply.NullArray() : reply.Null();
  }
  if (effects != nullptr) [[unlikely]]
    effects->End(args);
  if (command.data == FlushAll) NoteFlushAll(*tx, reply, errors_before_);
  if (session.tracking() == nullptr) [[likely]]
    return;
  late_keys_.clear();
  if (!CollectKeys(command, args, session.db(), &late_keys_)) late_keys_.clear();
  RememberKeys(session, command, late_keys_, errors_before_);
}

void Dispatcher::AbortExec(Session& session, std::string_view reason) {
  session.transaction().Discard();
  session.connection().reply().Error("EXECABORT Transaction discarded because of: " +
                                     std::string(reason));
}

void Dispatcher::EndExec(Session& session) {
  Reply& reply = session.connection().reply();
  Transaction& transaction = session.transaction();
  Transaction::Run& run = transaction.run;
  reply.Redirect(run.output);
  reply.muted() ? run.replies.Clear() : run.replies.MoveTo(run.output);
  run.is_active = false;
  server_.replication().ForgetPartedExec(session.id());
  transaction.Discard();
  session.SetReplyMode(session.reply_mode_);
  session.WriteHeldPushes();
}

}  // namespace hearth
