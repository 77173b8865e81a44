// Tested by tests/src/connection_commands_test.cc.
#include "src/session.h"

#include <algorithm>

#include "net/worker.h"
#include "src/acl/check.h"
#include "src/client_eviction.h"
#include "src/dispatcher.h"
#include "src/log.h"
#include "src/pubsub.h"
#include "src/replication/replica_sender.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/tracking.h"

namespace hearth {
namespace {

// A subscription's entries in the subscriber and in its worker's roster.
constexpr size_t kSubscriptionBytes = 96;

}  // namespace

Session::Session(Server& server, Connection& connection)
    : server_(server), connection_(connection), users_(server.users()) {
  SetUser(users_.default_user(), users_.waives_authentication());
  server_.stats().connections_received.fetch_add(1, std::memory_order_relaxed);
}

Session::~Session() = default;

size_t Session::OnRequests(const RequestBatch& batch) {
  Dispatcher& dispatcher = server_.DispatcherOf(connection_.worker());
  if (connection_.worker().is_nested()) [[unlikely]]
    return dispatcher.RunWhileBusy(*this, batch);
  return dispatcher.Run(*this, batch);
}

Transaction& Session::transaction() {
  if (!transaction_)
    transaction_ = std::make_unique<Transaction>(server_.keyspace().watched_keys());
  return *transaction_;
}

void Session::OnClose() {
  if (connection_.close_reason().starts_with("output buffer")) {
    Log(LogLevel::kWarning,
        "Client " + Describe() +
            " scheduled to be closed ASAP for overcoming of output buffer limits.");
  }
  if (transaction_ && transaction_->run.is_active) {
    connection_.reply().Redirect(transaction_->run.output);
    server_.replication().ForgetPartedExec(id());
  }
  transaction_.reset();
  if (blocked_) server_.blocked_clients().Forget(id());
  if (waits_) server_.replication().waiting_clients().Forget(id());
  server_.pause_gate().LetGo(*this);
  replica_sender_.reset();
  if (subscriber_) server_.pubsub().Forget(*subscriber_);
  StopWatching();
  server_.client_eviction().Forget(connection_);
  server_.DispatcherOf(connection_.worker()).CountTraffic(*this);
}

ReplicaSender& Session::MakeReplicaSender() {
  if (!replica_sender_) replica_sender_ = std::make_unique<ReplicaSender>(*this);
  return *replica_sender_;
}

bool Session::is_replica() const {
  return replica_sender_ != nullptr && replica_sender_->is_attached();
}

void Session::OnOutputSent() {
  if (replica_sender_) replica_sender_->OnOutputSent();
}

Subscriber& Session::subscriber() {
  if (!subscriber_) subscriber_ = std::make_unique<Subscriber>(connection_);
  return *subscriber_;
}

// Subscribers have output limits of their own.
void Session::FollowSubscriptions() {
  const bool has_subscribed = subscriber_ && subscriber_->count() > 0;
  if (has_subscribed == has_subscribed_) return;
  has_subscribed_ = has_subscribed;
  server_.ApplyLimits(*this);
}

void Session::SetTracking(std::unique_ptr<ClientTracking> tracking) {
  tracking_ = std::move(tracking);
}

void Session::BecomeMonitor() {
  if (is_monitor_) return;
  is_monitor_ = true;
  server_.monitors().Add(*this);
  server_.ApplyLimits(*this);
}

// Ends what others do for this client unasked: tracking and monitoring.
void Session::StopWatching() {
  if (std::exchange(is_monitor_, false)) {
    server_.monitors().Remove(*this);
    server_.ApplyLimits(*this);
  }
  if (!tracking_) return;
  // A table that nobody needs any more may be large.
  if (auto table = server_.tracking().Disable(*this)) {
    server_.engine().RunOnReaders([table = std::move(table)] {});
  }
}

void Session::Push(size_t count, std::string_view body, uint64_t barrier) {
  if (HoldsPushes()) {
    const char header = connection_.reply().protocol() == 2 ? '*' : '>';
    const std::string push = header + std::to_string(count) + "\r\n" + std::string(body);
    return PushRaw(push, barrier);
  }
  connection_.SetBarrier(barrier);
  connection_.reply().PushBody(count, body);
  connection_.MarkDirty();
}

void Session::PushRaw(std::string_view bytes, uint64_t barrier) {
  connection_.SetBarrier(barrier);
  if (HoldsPushes()) {
    held_pushes_ += bytes;
    if (held_pushes_.size() > connection_.limits().query_buffer_max) {
      connection_.Close("too many messages within a transaction");
    }
    return;
  }
  Reply& reply = connection_.reply();
  reply.Unmuted([&] { reply.Raw(bytes); });
  connection_.MarkDirty();
}

// While the replies of an EXEC are gathered, maybe for longer than this turn.
bool Session::HoldsPushes() const {
  return transaction_ && transaction_->run.is_active;
}

void Session::WriteHeldPushes() {
  if (held_pushes_.empty()) return;
  PushRaw(std::exchange(held_pushes_, {}));
}

void Session::OnProtocolError(std::string_view error) {
  if (error.empty()) {  // it broke only our limit
    return Log(LogLevel::kWarning,
               "Closing client that reached max query buffer length: " + Describe());
  }
  Log(LogLevel::kVerbose, "Protocol error from client: " + std::string(error) + ". " + Describe());
}

bool Session::authenticated() const {
  return authenticated_ || users_.waives_authentication();
}

void Session::LogIn(AclUserPtr user) {
  SetUser(std::move(user), /*authenticated=*/true);
}

void Session::SetUser(AclUserPtr user, bool authenticated) {
  user_ = std::move(user);
  authenticated_ = authenticated;
  user_generation_ = 0;
  (void)RefreshUser();
  server_.ApplyLimits(*this);
}

void Session::NoteDenied(const AclVerdict& verdict, const Command& command, const Args& args,
                         AclLogContext context) {
  const bool is_command = verdict.denial == AclDenial::kCommand;
  server_.acl_log().Add({.reason = verdict.denial,
                         .context = context,
                         .object = std::string(is_command ? command.name : args[verdict.arg_index]),
                         .user_name = user_->name(),
                         .client = Describe(),
                         .created_ms = server_.clock().WallMs()});
}

void Session::NoteFailedLogIn(std::string_view user_name, std::string_view command_name) {
  server_.acl_log().Add(
      {.reason = AclDenial::kAuth,
       .context = in_transaction() ? AclLogContext::kMulti : AclLogContext::kTopLevel,
       .object = std::string(command_name),
       .user_name = std::string(user_name),
       .client = Describe(),
       .created_ms = server_.clock().WallMs()});
}

bool Session::RefreshUser() {
  const uint64_t generation = users_.generation();
  if (generation == user_generation_) return true;
  AclUserPtr found = users_.Find(user_->name());
  const bool is_gone = !found || found->identity() != user_->identity();
  if (is_gone) {
    found = users_.default_user();
    authenticated_ = false;
  }
  user_ = std::move(found);
  user_generation_ = generation;
  const bool is_authenticated = authenticated();
  open_generation_ = is_authenticated && user_->AllowsEverything() ? generation : 0;
  if (connection_.limits().authenticated != is_authenticated) server_.ApplyLimits(*this);
  return !is_gone;
}

void Session::ApplyStream(std::shared_ptr<StreamPlaces> places) {
  applies_stream_ = true;
  stream_places_ = std::move(places);
  server_.ApplyLimits(*this);
}

bool Session::FollowAclChange(const AclChange& change) {
  if (applies_stream_) return true;
  if (!RefreshUser()) return false;
  const bool is_narrowed =
      std::ranges::find(change.narrowed, user_->identity()) != change.narrowed.end();
  return !is_narrowed || MayKeepListening();
}

bool Session::MayKeepListening() {
  if (!subscriber_) return true;
  for (const NameKind kind : {NameKind::kChannel, NameKind::kPattern, NameKind::kShardChannel}) {
    for (const std::string& name : subscriber_->Names(kind)) {
      if (!MayListen(*user_, name, kind == NameKind::kPattern)) return false;
    }
  }
  return true;
}

bool Session::IsLocal() const {
  const std::string& peer = connection_.peer_address();
  return connection_.is_unix() || peer.starts_with("127.") || peer.starts_with("[::1]");
}

void Session::SetReplyMode(ReplyMode mode) {
  reply_mode_ = mode;
  connection_.reply().SetMuted(mode != ReplyMode::kOn);
}

void Session::SkipNextReply() {
  if (reply_mode_ == ReplyMode::kOff) return;
  SetReplyMode(ReplyMode::kSkipNext);
  skip_is_new_ = true;
}

void Session::Reset() {
  db_ = 0;
  name.clear();
  no_touch = no_evict = false;
  if (subscriber_) server_.pubsub().Forget(*subscriber_);
  FollowSubscriptions();
  StopWatching();
  connection_.reply().SetProtocol(2);
  SetReplyMode(ReplyMode::kOn);
  SetUser(users_.default_user(), users_.waives_authentication());
  transaction_.reset();
}

std::function<void(std::function<void(Reply&)>)> Session::AnswerLater() {
  answers_later_ = true;
  connection_.Pause();
  const bool muted = connection_.reply().muted();
  return [this, muted,
          alive = connection_.weak_from_this()](const std::function<void(Reply&)>& write) {
    const std::shared_ptr<Connection> connection = alive.lock();
    if (!connection || connection->is_closed()) return;
    answers_later_ = false;
    Reply& reply = connection->reply();
    const bool muted_now = reply.muted();
    const uint64_t errors_before = reply.error_count();
    reply.SetMuted(muted);
    write(reply);
    reply.SetMuted(muted_now || is_replica());
    if (reply.error_count() != errors_before) server_.CountError(reply.last_error_code());
    if (transaction_ && transaction_->run.is_active) {
      server_.DispatcherOf(connection->worker()).ContinueExec(*this);
      if (answers_later_) return;
    }
    if (!muted) connection->CountReply();
    connection->MarkDirty();
    connection->Resume();
  };
}

void Session::OffThread(bool run_now, std::function<std::any()> work,
                        std::function<void(std::any&, Reply&)> finish) {
  if (run_now) {
    std::any result = work();
    return finish(result, connection_.reply());
  }
  auto answer = AnswerLater();
  Worker& worker = connection_.worker();
  server_.engine().RunOnReaders([&worker, work = std::move(work), finish = std::move(finish),
                                 answer = std::move(answer)]() mutable {
    auto result = std::make_shared<std::any>(work());
    worker.Post([result, finish = std::move(finish), answer = std::move(answer)] {
      answer([&](Reply& reply) { finish(*result, reply); });
    });
  });
}

size_t Session::memory_bytes() const {
  size_t bytes = sizeof(*this) + connection_.memory_bytes() + name.capacity() +
                 library_name.capacity() + library_version.capacity() + held_pushes_.capacity();
  if (transaction_) {
    bytes += sizeof(Transaction) + transaction_->memory_bytes() +
             transaction_->run.replies.memory_bytes();
  }
  if (subscriber_) bytes += sizeof(Subscriber) + subscriber_->count() * kSubscriptionBytes;
  if (tracking_) {
    bytes += sizeof(ClientTracking) + tracking_->options.prefixes.capacity() * sizeof(std::string);
  }
  return bytes;
}

void Session::LookAtReplyBuffer() {
  reply_buffer_.Look(connection_.TakeOutputBytesPeak(), connection_.worker().NowUs(),
                     server_.reply_buffer_rules());
}

std::string Session::Describe(const Args* running) {
  Connection& c = connection_;
  LookAtReplyBuffer();
  size_t argument_bytes = 0;
  if (running != nullptr) {
    for (const std::string_view arg : *running) argument_bytes += arg.size();
  }
  const size_t output_bytes = c.output_bytes();
  const uint64_t now_us = c.worker().NowUs();
  const size_t transaction_bytes = transaction_ ? transaction_->memory_bytes() : 0;
  std::string flags;
  if (is_replica()) flags += 'S';
  if (is_monitor_) flags += 'O';
  if (has_subscribed_) flags += 'P';
  if (in_transaction()) flags += 'x';
  if (blocked_ || waits_ || is_held_) flags += 'b';
  if (tracking_) {
    flags += 't';
    if (tracking_->broken_redirect) flags += 'R';
    if (tracking_->options.bcast) flags += 'B';
  }
  if (transaction_ && transaction_->watcher().changed()) flags += 'd';
  if (c.is_unix()) flags += 'U';
  if (no_evict) flags += 'e';
  if (no_touch) flags += 'T';
  if (flags.empty()) flags = "N";
  const auto count = [this](NameKind kind) {
    return std::to_string(subscriber_ ? subscriber_->count(kind) : 0);
  };
  return "id=" + std::to_string(id()) + " addr=" + c.peer_address() +
         " laddr=" + c.local_address() + " fd=" + std::to_string(c.fd()) + " name=" + name +
         " age=" + std::to_string((now_us - c.accepted_us()) / 1'000'000) +
         " idle=" + std::to_string((now_us - c.last_interaction_us()) / 1'000'000) +
         " flags=" + flags + " db=" + std::to_string(db_) + " sub=" + count(NameKind::kChannel) +
         " psub=" + count(NameKind::kPattern) + " ssub=" + count(NameKind::kShardChannel) +
         " multi=" + (in_transaction() ? std::to_string(transaction_->queue().size()) : "-1") +
         " qbuf=" + std::to_string(c.query_buffer_bytes()) +
         " qbuf-free=" + std::to_string(c.query_buffer_free_bytes()) +
         " argv-mem=" + std::to_string(argument_bytes) +
         " multi-mem=" + std::to_string(transaction_bytes) +
         " rbs=" + std::to_string(reply_buffer_.size_bytes()) +
         " rbp=" + std::to_string(reply_buffer_.peak_bytes()) +
         " obl=0 oll=" + std::to_string((output_bytes + kBlockBytes - 1) / kBlockBytes) +
         " omem=" + std::to_string(output_bytes) + " tot-mem=" + std::to_string(memory_bytes()) +
         " events=" + (output_bytes > 0 ? "rw" : "r") + " cmd=" + std::string(last_command) +
         " user=" + user_->name() +
         " redir=" + (tracking_ ? std::to_string(tracking_->options.redirect) : "-1") +
         " resp=" + std::to_string(c.reply().protocol()) + " lib-name=" + library_name +
         " lib-ver=" + library_version;
}

}  // namespace hearth
