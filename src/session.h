#pragma once

// Session: what the server knows of one client connection, and what session commands work with.
//
// Thread:   its connection's worker.
// Lifetime: from accept to close; owned by the connection.

#include <any>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/status.h"
#include "net/connection.h"
#include "src/acl/log.h"
#include "src/acl/users.h"
#include "src/command.h"
#include "src/reply_buffer.h"
#include "src/transaction.h"

namespace hearth {

// Of one command of a primary that is followed, and of what is queued within MULTI.
inline constexpr size_t kStreamCommandBytesMax = size_t{4} << 30;

class Server;
class Dispatcher;
class Subscriber;
struct ClientTracking;
class ReplicaSender;
class StreamPlaces;

// CLIENT REPLY: what becomes of replies.
enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext };

class Session : public ConnectionHandler {
 public:
  Session(Server& server, Connection& connection);
  ~Session() override;

  size_t OnRequests(const RequestBatch& batch) override;
  void OnClose() override;
  void OnProtocolError(std::string_view error) override;
  void OnOutputSent() override;

  Server& server() { return server_; }
  Connection& connection() { return connection_; }
  uint64_t id() const { return connection_.id(); }

  uint32_t db() const { return db_; }
  void set_db(uint32_t db) { db_ = db; }

  // Runs work on a reader thread while other connections go on, then finish on this worker; the
  // session takes no further command until finish has written the reply. finish is not called
  // when the client has left meanwhile. With run_now both run at once on this thread.
  void OffThread(bool run_now, std::function<std::any()> work,
                 std::function<void(std::any& result, Reply& reply)> finish);
  // For commands that answer later by themselves: pauses now; Finish, on this worker, writes the
  // reply and goes on. Nothing happens when the client has left.
  std::function<void(std::function<void(Reply&)>)> AnswerLater();
  bool answers_later() const { return answers_later_; }
  // Whether it waits for a key (BlockedClients).
  bool blocked() const { return blocked_; }
  void set_blocked(bool blocked) { blocked_ = blocked; }

  // Whether its next command waits for the end of a pause (PauseGate).
  bool is_held() const { return is_held_; }
  void set_held(bool held) { is_held_ = held; }

  // Whether it waits in WAIT, WAITAOF (WaitingClients) or SHUTDOWN.
  void set_waits(bool waits) { waits_ = waits; }
  bool waits() const { return waits_; }
  // Null: the client has not said that it is a replica.
  ReplicaSender* replica_sender() { return replica_sender_.get(); }
  ReplicaSender& MakeReplicaSender();
  // Whether the client follows this server, or gets its files.
  bool is_replica() const;

  // What MULTI, EXEC and WATCH work on; made when it is first asked for.
  Transaction& transaction();
  // Between MULTI and the end of EXEC.
  bool in_transaction() const { return transaction_ != nullptr && transaction_->is_open(); }
  // EXEC's hold on its keys while it runs a session command; else null.
  Tx* open_tx() { return open_tx_; }
  // The client's subscriptions, and whether it has any.
  Subscriber& subscriber();
  bool has_subscribed() const { return has_subscribed_; }
  // Takes note of subscriptions that began or ended.
  void FollowSubscriptions();

  // Null: the client tracks nothing.
  ClientTracking* tracking() { return tracking_.get(); }
  void SetTracking(std::unique_ptr<ClientTracking> tracking);
  // MONITOR.
  bool is_monitor() const { return is_monitor_; }
  void BecomeMonitor();

  // Writes what is no reply: a push of `count` parts that follow as RESP in `body`, or bytes. Not
  // within EXEC's reply, but behind it. Leaves once `barrier` is released.
  void Push(size_t count, std::string_view body, uint64_t barrier);
  void PushRaw(std::string_view bytes, uint64_t barrier = 0);

  // Makes the current reply wait until the commit log has reached seq.
  void WaitForCommit(uint64_t seq) { connection_.SetBarrier(seq); }

  // Also true while no password is asked for.
  bool authenticated() const;
  // Who the client is, as of the last RefreshUser.
  const AclUser& user() const { return *user_; }
  const AclUserPtr& user_pointer() const { return user_; }
  uint64_t user_generation() const { return user_generation_; }
  // Becomes an authenticated user.
  void LogIn(AclUserPtr user);
  // Whether the gates of authentication and permissions stand open, whatever the command: asked
  // before every command.
  bool MayDoEverything() const {
    return open_generation_ == users_.generation() || applies_stream_;
  }
  // Runs the commands of a Redis primary (replication/stream_client.h): no user's gates, nor those
  // of the role; what the primary has written is written.
  // places: of the stream's commands; null: not kept.
  void ApplyStream(std::shared_ptr<StreamPlaces> places);
  bool applies_stream() const { return applies_stream_; }
  StreamPlaces* stream_places() { return stream_places_.get(); }
  // Notes in ACL LOG that the user was refused.
  void NoteDenied(const AclVerdict& verdict, const Command& command, const Args& args,
                  AclLogContext context);
  // The same of a failed AUTH or HELLO.
  void NoteFailedLogIn(std::string_view user_name, std::string_view command_name);
  // Looks the user up again if users have changed. False: it is gone, and so must the client be.
  bool RefreshUser();
  // As RefreshUser; false also when the client listens to what its user may no longer.
  bool FollowAclChange(const AclChange& change);
  // Whether the client is on this machine.
  bool IsLocal() const;
  void SetReplyMode(ReplyMode mode);
  // CLIENT REPLY SKIP, also of a reply that is skipped itself.
  void SkipNextReply();
  // Back to the state of a new connection (RESET).
  void Reset();
  // What the client occupies: itself, its buffers, what it has queued, watches and listens to.
  // Names of channels and prefixes are not counted, as in Redis.
  size_t memory_bytes() const;
  // A line of CLIENT LIST, without its end. running: the client's own command, if it is this that
  // asks.
  std::string Describe(const Args* running = nullptr);

  // Brings the figures of CLIENT LIST's rbs and rbp up to date; now and then.
  void LookAtReplyBuffer();

  std::string name, library_name, library_version;
  bool no_touch = false;
  bool no_evict = false;
  std::string_view last_command = "NULL";  // points to a static row

 private:
  friend class Dispatcher;
  friend class ScriptRun;
  friend class ScriptRunner;

  void SetUser(AclUserPtr user, bool authenticated);
  bool MayKeepListening();
  bool HoldsPushes() const;
  void WriteHeldPushes();
  void StopWatching();

  Server& server_;
  Connection& connection_;
  const AclUsers& users_;
  AclUserPtr user_;
  uint64_t user_generation_ = 0;  // of users_, when user_ was read
  uint64_t open_generation_ = 0;  // the same, if all was allowed then; else 0
  uint32_t db_ = 0;
  bool authenticated_ = true;
  bool answers_later_ = false;
  bool blocked_ = false;
  uint64_t blocked_run_us_ = 0;  // how long the command ran that blocked
  bool has_subscribed_ = false;
  bool waits_ = false;
  bool is_held_ = false;
  bool applies_stream_ = false;
  std::shared_ptr<StreamPlaces> stream_places_;
  std::unique_ptr<ReplicaSender> replica_sender_;
  ReplyMode reply_mode_ = ReplyMode::kOn;
  bool skip_is_new_ = false;  // set by the command that runs: the one behind it is skipped
  std::unique_ptr<Transaction> transaction_;
  Tx* open_tx_ = nullptr;
  bool parked_ = false;      // told by a session command: it is to be run again
  uint32_t park_count_ = 0;  // times in a row that the next command had to load keys
  Status load_status_;       // of the last load, for the command that waits for it
  std::unique_ptr<ClientTracking> tracking_;
  bool is_monitor_ = false;
  ReplyBuffer reply_buffer_;
  std::string held_pushes_;                                // until EXEC has ended
  std::unique_ptr<Subscriber> subscriber_;                 // null: it never subscribed
  uint64_t counted_in_bytes_ = 0, counted_out_bytes_ = 0;  // see Dispatcher::CountTraffic
};

}  // namespace hearth
