#pragma once

// Dispatcher: runs the requests of one worker's connections; every gate stands here, in order.
//
// A batch is taken in two passes: the first finds rows and keys and prefetches what memory holds
// of them, the second runs the commands. A command whose keys must be read from the disk parks
// its connection: nothing of it has happened yet, and it is run again when the keys are there.
//
// Thread:   its worker.
// Lifetime: as long as its worker.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/tx.h"
#include "net/connection_handler.h"
#include "src/command_stats.h"
#include "src/command_table.h"
#include "src/session.h"

namespace hearth {

class CommandStream;
class ScriptRunner;

// A worker's own counters: written by it alone, read by INFO.
struct WorkerCounters {
  std::atomic<uint64_t> commands{0};
  std::atomic<uint64_t> changes{0};             // as INFO's rdb_changes_since_last_save counts
  std::atomic<uint64_t> net_in{0}, net_out{0};  // bytes
  std::atomic<uint64_t> script_memory{0};       // bytes of its interpreter
  // As of the last look at all connections, once a second.
  std::atomic<uint64_t> client_memory{0}, replica_memory{0};  // bytes of connections
  std::atomic<uint64_t> input_buffer_max{0}, output_buffer_max{0};
};

// After this many loads in a row a command reads the disk while it holds its keys: progress is
// certain however fast memory forgets.
inline constexpr uint32_t kParksMax = 3;

// Keys of later commands of a batch that are read beside those that the first waits for.
inline constexpr size_t kLoadAheadMax = 64;

class Dispatcher {
 public:
  explicit Dispatcher(Server& server);
  ~Dispatcher();

  // Runs requests in order; returns how many are done (see ConnectionHandler::OnRequests).
  size_t Run(Session& session, const RequestBatch& batch);

  // Answers requests while a script of this worker runs for too long: BUSY, but for those that may
  // end it.
  size_t RunWhileBusy(Session& session, const RequestBatch& batch);

  // Serves the clients that wait for keys that were written; for those of this turn Run does it.
  void ServeBlocked();

  // FLUSHALL has run, maybe in vain; its Tx is open.
  void NoteFlushAll(const Tx& tx, const Reply& reply, uint64_t errors_before);

  // A command that only reads has read keys for the client: they are remembered when it tracks, and
  // the command has written no error since there were `errors_before`. Also for commands within
  // EXEC and scripts. Requires: the Tx that read the keys is open.
  void RememberKeys(Session& session, const Command& command, std::span<const KeyRef> keys,
                    uint64_t errors_before);

  // Evicts what is over the limit, for about budget_us at most: when nobody writes.
  void EvictExcess(int64_t budget_us);

  // What the replies of this turn wait for; taken at the turn's end.
  uint64_t TakeBarrier() {
    const uint64_t barrier = turn_barrier_;
    turn_barrier_ = 0;
    return barrier;
  }

  // EXEC: runs what the session has queued, as one transaction; may leave the session parked.
  // Requires: within MULTI.
  void Exec(Session& session);
  // Goes on behind a command of an EXEC that has answered later. A turn of its own.
  void ContinueExec(Session& session);
  // The scripts of this worker.
  ScriptRunner& scripts() { return *scripts_; }
  // WATCH; may leave the session parked.
  void Watch(Session& session, const Args& keys);

  // The wait of a command that blocked has ended: what its run could not tell is counted. The slow
  // log has those that were served: they did something.
  void NoteUnblocked(Session& session, const Command& command, const Args& args, bool served,
                     bool failed);

  // What a Tx of a session command wrote: the turn's end commits and counts it.
  void NoteWrites(const Tx& tx);

  const CommandStats& stats(uint32_t index) const { return stats_[index]; }
  WorkerCounters& counters() { return counters_; }
  void ResetStats();
  // Adds what the connection has read and sent since the last call. Its worker's thread.
  void CountTraffic(Session& session);

 private:
  friend class ScriptRun;
  friend class ScriptRunner;

  struct Planned {
    CommandTable::Found found;
    uint32_t first_key = 0, key_count = 0;
    uint32_t first_member = 0, member_count = 0;  // to fetch ahead, of the commands behind it too
    bool keys_fit = true;
  };

  void Plan(Session& session, const RequestBatch& batch);
  void PlanMembers(const Args& args);
  void FetchMembers(Tx& tx, std::string_view key, const Planned& plan);
  bool SharesLocks(const Session& session, const Planned& plan, const Planned& next) const;
  bool NeedSameShard(const Planned& plan, const Planned& next) const;
  // False: the connection waits; the request is to be given again.
  bool RunOne(Session& session, const Args& args, const Planned& plan);
  bool RunOneOfStream(Session& session, const Args& args, const Planned& plan);
  // Writes an error and returns false when a gate is closed. *wait: not now, but later.
  bool PassGates(Session& session, const Args& args, const CommandTable::Found& found, bool* wait);
  bool PassWriteGates(Reply& reply);
  bool PassStreamGates(Session& session, const Command& command, bool* wait);
  // The user's: see dispatcher_acl.cc. Not called for sessions that may do everything.
  bool PassAuthentication(Session& session, const Command& command);
  bool PassPermissions(Session& session, const Args& args, const CommandTable::Found& found);
  // Of a command that was queued; an error stands in its place.
  bool PassPermissionsInExec(Session& session, const Args& args, const CommandTable::Found& found);
  // Of SORT's patterns, as the command runs.
  bool PassUnnamedKeys(Session& session, const Args& args, const CommandTable::Found& found);
  // While a long script runs. As PassGates.
  bool PassScriptGate(Session& session, const Command& command, bool* wait);
  bool PassNestedGate(Session& session, const Command& command, bool* wait);
  // Whether writes are taken now; if not, *error is what to answer.
  bool MayWrite(std::string* error);
  bool PassRoleGates(uint32_t flags, Reply& reply);
  bool MayPublish(uint32_t flags);
  // As PassGates; a closed gate spoils an open transaction, and ends it for EXEC itself.
  bool PassGatesInMulti(Session& session, const Args& args, const CommandTable::Found& found,
                        bool* wait);
  static bool IsExec(const Command* command);
  // What the gates go by: of EXEC also the flags of what it runs, of a script those it declares.
  uint32_t GateFlags(Session& session, const Args& args, const Command& command);
  uint32_t DeclaredFlags(const Args& args, const Command& command);
  void Queue(Session& session, const Args& args, const CommandTable::Found& found);
  // EXEC in parts: see dispatcher_exec.cc.
  struct ExecPart;
  void RunExecParts(Session& session);
  ExecPart PlanExecPart(Session& session);
  bool BeginExec(Session& session, Tx& tx);
  void RunExecPart(Session& session, const ExecPart& part, Tx& tx);
  void RunQueued(Session& session, Tx* tx);
  void RunQueuedData(Session& session, const Command& command, const Args& args, Tx* tx);
  void AbortExec(Session& session, std::string_view reason);
  void EndExec(Session& session);
  // Evicts what is too much; false: memory stays short.
  bool MakeRoom();
  // False: as RunOne.
  bool RunSession(Session& session, const Args& args, const Command& command);
  bool RunData(Session& session, const Args& args, const Planned& plan);
  // Of the batch behind this request, as far as it is known which they are.
  std::span<const KeyRef> LaterKeys(Session& session, const Planned& plan) const;
  // Until what is missing is read; what comes soon is read beside it.
  void Park(Session& session, std::span<const KeyRef> missing, std::span<const KeyRef> soon = {});
  void Finish(Session& session, const Args& args, const CommandTable::Found& found);
  void NoteError(Session& session, const Args& args, const CommandTable::Found& found);
  void NoteSlow(Session& session, const Args& args, const Command& command, uint64_t took_us);
  static void EndCaching(Session& session, const CommandTable::Found& found);
  void FeedMonitors(Session& session, const Args& args, const Command& command);
  void RejectUnknown(const Args& args, const CommandTable::Found& found, Reply& reply);

  Server& server_;
  CommandStream& command_stream_;
  std::vector<Planned> plan_;
  std::vector<KeyRef> keys_;
  std::vector<KeyRef> late_keys_;  // of a command behind a SELECT of its batch
  std::vector<std::string_view> members_;
  size_t members_of_ = 0;  // the command of plan_ that fetches the last of them
  uint32_t planned_db_ = 0;
  int64_t now_ms_ = 0;
  uint64_t started_us_ = 0;     // of the command that runs
  uint64_t errors_before_ = 0;  // of its connection
  uint64_t turn_barrier_ = 0;
  std::vector<CommandStats> stats_;
  WorkerCounters counters_;
  std::unique_ptr<ScriptRunner> scripts_;
};

}  // namespace hearth
