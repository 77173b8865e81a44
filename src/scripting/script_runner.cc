// Tested by tests/src/scripting/script_test.cc.
#include "src/scripting/script_runner.h"

#include <algorithm>

#include "src/commands/function.h"
#include "src/commands/groups.h"
#include "src/commands/script.h"
#include "src/dispatcher.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/replication/replication.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

constexpr std::string_view kErrNoScript = "NOSCRIPT No matching script. Please use EVAL.";
constexpr std::string_view kErrNoFunction = "ERR Function not found";
constexpr size_t kFirstKey = 3;  // of the arguments

}  // namespace

ScriptRunner::ScriptRunner(Server& server, Dispatcher& dispatcher)
    : server_(server), dispatcher_(dispatcher) {}

ScriptRunner::~ScriptRunner() = default;

void ScriptRunner::NoteMemory() {
  dispatcher_.counters_.script_memory = interpreter_ ? interpreter_->memory().used_bytes() : 0;
}

// What SCRIPT FLUSH made void goes with the interpreter that holds it.
const ScriptRunner::Compiled* ScriptRunner::FindCompiled(std::string_view sha) {
  const uint64_t generation = server_.scripting().generation();
  if (!interpreter_ || generation != generation_ || compiled_.size() >= kCompiledMax) {
    generation_ = generation;
    compiled_.clear();
    interpreter_ = std::make_unique<Interpreter>(/*for_functions=*/false);
  }
  const auto found = compiled_.find(sha);
  return found == compiled_.end() ? nullptr : &found->second;
}

const ScriptRunner::Compiled* ScriptRunner::Compile(const std::string& sha, std::string_view body,
                                                    bool loaded, std::string* error) {
  Shebang shebang;
  if (!ParseScriptShebang(body, &shebang, error)) return nullptr;
  LuaMemory& memory = interpreter_->memory();
  memory.set_limit(std::max(server_.scripting().memory_max(), memory.used_bytes()));
  std::string lua_error;
  const int ref = interpreter_->Load(body.substr(shebang.size), "@user_script", &lua_error);
  if (ref == LUA_NOREF) {
    *error = "ERR Error compiling script (new function): " + lua_error;
    return nullptr;
  }
  server_.scripting().Add(sha, body, loaded);
  return &compiled_.insert_or_assign(sha, Compiled{ref, shebang.flags}).first->second;
}

const ScriptRunner::Compiled* ScriptRunner::FindScript(const Args& args, bool by_sha,
                                                       std::string* error) {
  if (by_sha) {
    sha_.assign(args[1]);
    if (const Compiled* const found = FindCompiled(sha_)) return found;
    for (char& c : sha_) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  } else {
    sha_ = Sha1Hex(args[1]);
  }
  if (const Compiled* const found = FindCompiled(sha_)) {
    if (!by_sha) server_.scripting().Add(sha_, args[1], /*loaded=*/false);
    return found;
  }
  if (!by_sha) return Compile(sha_, args[1], /*loaded=*/false, error);
  const Scripting::Body body = server_.scripting().Find(sha_);
  if (body) return Compile(sha_, *body, /*loaded=*/false, error);
  *error = kErrNoScript;
  return nullptr;
}

void ScriptRunner::LoadScript(std::string_view body, Reply& reply) {
  const std::string sha = Sha1Hex(body);
  std::string error;
  if (FindCompiled(sha) != nullptr) {
    server_.scripting().Add(sha, body, /*loaded=*/true);
  } else if (Compile(sha, body, /*loaded=*/true, &error) == nullptr) {
    NoteMemory();
    return reply.Error(error);
  }
  NoteMemory();
  reply.Bulk(sha);
}

bool ScriptRunner::ReadKeys(const Args& args, Job* job, Reply& reply) {
  const auto count = ReadInteger(args[2], reply);
  if (!count) return false;
  if (*count > static_cast<int64_t>(args.size() - kFirstKey)) {
    reply.Error("ERR Number of keys can't be greater than number of args");
    return false;
  }
  if (*count < 0) {
    reply.Error("ERR Number of keys can't be negative");
    return false;
  }
  job->keys = args.subspan(kFirstKey, static_cast<size_t>(*count));
  job->arguments = args.subspan(kFirstKey + static_cast<size_t>(*count));
  return true;
}

void ScriptRunner::Eval(const Args& args, Session& session, bool by_sha, bool read_only,
                        Reply& reply) {
  if (by_sha && args[1].size() != kShaSize) return reply.Error(kErrNoScript);
  Job job{};
  if (!ReadKeys(args, &job, reply)) return;
  std::string error;
  const Compiled* const script = FindScript(args, by_sha, &error);
  if (script == nullptr) return reply.Error(error);
  job.interpreter = interpreter_.get();
  job.function_ref = script->ref;
  job.what.name = sha_;
  job.what.call = args;
  job.what.flags = script->flags;
  job.what.read_only = read_only;
  Run(session, job, reply);
}

void ScriptRunner::CallFunction(const Args& args, Session& session, bool read_only, Reply& reply) {
  const auto count = ParseInt64(args[2]);
  const bool fits = count && *count >= 0 && *count <= static_cast<int64_t>(args.size() - kFirstKey);
  if (!fits && !server_.functions().PublishedFlags(args[1])) return reply.Error(kErrNoFunction);
  if (!count) return reply.Error("ERR Bad number of keys provided");
  Job job{};
  if (!ReadKeys(args, &job, reply)) return;
  job.what.is_function = true;
  job.what.name = args[1];
  job.what.call = args;
  job.what.read_only = read_only;
  Run(session, job, reply);
}

// Functions are the same for all workers: they are looked up while every shard is held.
bool ScriptRunner::FindFunction(Job* job, Reply& reply) {
  if (!server_.RefreshFunctions(reply)) return false;
  Functions& functions = server_.functions();
  const LibraryFunction* const function = functions.Find(job->what.name);
  if (function == nullptr) {
    reply.Error(kErrNoFunction);
    return false;
  }
  job->interpreter = &functions.interpreter();
  job->function_ref = function->ref;
  job->what.flags = function->flags;
  return true;
}

// ScriptFlags, as of now: what runs is looked up again. None: the script is not known.
std::optional<uint32_t> ScriptRunner::DeclaredFlags(const Command& command, const Args& args) {
  if (command.session == Fcall || command.session == FcallRo) {
    return server_.functions().PublishedFlags(args[1]);
  }
  Shebang shebang;
  std::string error;
  if (command.session == hearth::Eval || command.session == EvalRo) {
    if (!ParseScriptShebang(args[1], &shebang, &error)) return std::nullopt;
    return shebang.flags;
  }
  const auto compiled = compiled_.find(args[1]);
  if (compiled != compiled_.end() && generation_ == server_.scripting().generation()) {
    return compiled->second.flags;
  }
  const Scripting::Body body = server_.scripting().Find(ToLower(args[1]));
  if (body == nullptr || !ParseScriptShebang(*body, &shebang, &error)) return std::nullopt;
  return shebang.flags;
}

uint32_t ScriptRunner::GateFlags(const Command& command, const Args& args) {
  const std::optional<uint32_t> declared = DeclaredFlags(command, args);
  if (!declared || (*declared & kScriptCompat)) return command.flags;
  uint32_t flags = command.flags & ~(kCmdStale | kCmdMayReplicate);
  if (!(*declared & kScriptNoWrites)) flags |= kCmdWrite;
  if (!(*declared & (kScriptNoWrites | kScriptAllowOom))) flags |= kCmdDenyOom;
  if (*declared & kScriptAllowStale) flags |= kCmdStale;
  return flags;
}

// What a script's flags promise and need, before it begins.
bool ScriptRunner::PassFlags(const Session& session, Job* job, Reply& reply) {
  const uint32_t flags = job->what.flags;
  const bool read_only_command = job->what.read_only;
  const bool obeys = session.applies_stream();
  if (!(flags & kScriptAllowStale) && !obeys && server_.replication().RefusesStaleReads()) {
    reply.Error(kErrMasterDown);
    return false;
  }
  job->what.read_only |= (flags & kScriptNoWrites) != 0;
  if (flags & kScriptAllowOom) job->what.no_memory = false;
  if (flags & (kScriptCompat | kScriptNoWrites)) return true;
  if (read_only_command) {
    reply.Error("ERR Can not execute a script with write flag using *_ro command.");
    return false;
  }
  if (!obeys && !dispatcher_.PassWriteGates(reply)) return false;
  if (job->what.no_memory) {
    reply.Error(
        "OOM allow-oom flag is not set on the script, can not run it when used memory > "
        "'maxmemory'");
    return false;
  }
  return true;
}

void ScriptRunner::WaitForScript(Session& session) {
  session.parked_ = true;
  server_.WaitForScript(session);
}

void ScriptRunner::Run(Session& session, Job job, Reply& reply) {
  if (Tx* const open = session.open_tx()) {
    job.what.no_memory = server_.engine().residency().excess_bytes() > 0;
    return RunInTx(session, *open, job, reply);
  }
  if (!session.load_status_.ok()) [[unlikely]] {
    reply.Error("IOERR a read of the store failed: " + session.load_status_.message());
    session.load_status_ = Status::Ok();
    session.park_count_ = 0;
    return;
  }
  job.what.no_memory = !dispatcher_.MakeRoom();
  keys_.clear();
  for (const std::string_view key : job.keys) keys_.emplace_back(session.db(), key);
  const bool read_blocking = session.park_count_ >= kParksMax;
  Tx tx(server_.keyspace(), keys_, dispatcher_.now_ms_,
        {.lock_all = true,
         .read_blocking = read_blocking,
         .give_way = true,
         .see_expired = session.applies_stream(),
         .writer = session.id()});
  switch (tx.state()) {
    case Tx::State::kReady:
      break;
    case Tx::State::kBusy:
      return WaitForScript(session);
    case Tx::State::kPending:
      session.parked_ = true;
      return dispatcher_.Park(session, tx.missing());
    default:
      session.park_count_ = 0;
      return reply.Error("IOERR a read of the store failed: " + tx.error().message());
  }
  job.what.may_retry = !read_blocking;
  std::optional<Effects> effects;
  if (dispatcher_.command_stream_.active()) [[unlikely]]
    effects.emplace(dispatcher_.command_stream_, tx);
  RunInTx(session, tx, job, reply);
  if (session.parked_) return;
  session.park_count_ = 0;
  dispatcher_.turn_barrier_ = std::max(dispatcher_.turn_barrier_, tx.barrier());
  session.connection().SetBarrier(tx.barrier());
  Bump(dispatcher_.counters_.changes, tx.counted_changes());
}

void ScriptRunner::RunInTx(Session& session, Tx& tx, Job job, Reply& reply) {
  if (tx.state() != Tx::State::kReady) return reply.Error("IOERR a read of the store failed");
  if (job.what.is_function && !FindFunction(&job, reply)) return;
  if (!PassFlags(session, &job, reply)) return;
  ScriptRun run(server_, dispatcher_, session, tx, *job.interpreter, buffers_, job.what);
  run.Run(job.function_ref, job.keys, job.arguments, reply);
  job.what.is_function ? server_.functions().NoteMemory() : NoteMemory();
  if (!run.needs_keys()) return;
  tx.DropEvents();
  std::vector<KeyRef> missing;
  for (const auto& [db, key, head_only] : run.missing()) {
    missing.emplace_back(db, key).head_only = head_only;
  }
  session.parked_ = true;
  dispatcher_.Park(session, missing);
}

}  // namespace hearth
