// Tested by tests/src/scripting/script_test.cc.
#include "src/scripting/script_run.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "net/worker.h"
#include "src/commands/generic.h"
#include "src/dispatcher.h"
#include "src/effects.h"
#include "src/errors.h"
#include "src/key_finder.h"
#include "src/log.h"
#include "src/numbers.h"
#include "src/replication/replication.h"
#include "src/scripting/lua_reply.h"
#include "src/scripting/permission.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {

ScriptRun::ScriptRun(Server& server, Dispatcher& dispatcher, Session& session, Tx& tx,
                     Interpreter& interpreter, ScriptBuffers& buffers, const What& what)
    : server_(server),
      dispatcher_(dispatcher),
      session_(session),
      tx_(tx),
      interpreter_(interpreter),
      buffers_(buffers),
      what_(what),
      db_before_(session.db()),
      keys_before_(tx.keys()),
      started_us_(static_cast<uint64_t>(server.clock().MonotonicUs())),
      call_started_us_(started_us_) {
  interpreter_.set_run(this);
  interpreter_.memory().set_limit(
      std::max(server.scripting().memory_max(), interpreter_.memory().used_bytes()));
}

void ScriptRun::BeginLong() {
  is_long_ = true;
  Scripting::Running running;
  running.is_function = what_.is_function;
  running.name = what_.name;
  running.started_us = static_cast<int64_t>(started_us_);
  if (what_.is_function) running.command = ShownWords(what_.call);
  server_.scripting().BeginLong(std::move(running), wrote_);
  server_.keyspace().SetLongHold(true);
}

// False: the script was killed.
bool ScriptRun::EndLong() {
  is_long_ = false;
  server_.keyspace().SetLongHold(false);
  return server_.scripting().EndLong();
}

// Who kills a script and its first write come one after the other: false when the kill came first.
bool ScriptRun::BeginWrite(lua_State* lua) {
  if (is_long_ && !wrote_ && !server_.scripting().TryBeginWrite()) {
    EndKilled(lua);
    return false;
  }
  wrote_ = true;
  return true;
}

void ScriptRun::EndKilled(lua_State* lua) {
  end_ = End::kKilled;
  end_error_ = "ERR Script killed by user with SCRIPT KILL...";
  // From now on every line ends it, whatever it catches.
  lua_sethook(lua, Interpreter::Hook, LUA_MASKLINE | LUA_MASKCOUNT, 1);
  lua_sethook(interpreter_.lua(), Interpreter::Hook, LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

// Other connections of this worker are answered from within the script.
void ScriptRun::ServeOthers() {
  if (Worker* const worker = Worker::Current()) worker->RunNested();
}

void ScriptRun::OnHook(lua_State* lua) {
  if (is_ending()) RaiseEnd(lua);
  Scripting& scripting = server_.scripting();
  if (scripting.stop_requested() && wrote_) {
    // As after kill -9: what the script wrote so far is in no log.
    Log(LogLevel::kWarning, "Ending within a script that has written, as it was asked for.");
    std::_Exit(0);
  }
  const auto now_us = static_cast<uint64_t>(server_.clock().MonotonicUs());
  call_started_us_ = now_us;  // the script's own work is none of the next command's
  const auto took_ms = static_cast<int64_t>((now_us - started_us_) / 1000);
  if (took_ms < kLongMs) return;
  if (!is_long_) BeginLong();
  tx_.LetGoOfLog();
  const int64_t busy_after_ms = scripting.busy_after_ms();
  if (busy_after_ms > 0 && took_ms >= busy_after_ms) {
    if (!scripting.is_busy()) {
      Log(LogLevel::kWarning, "Slow script detected: still in execution after " +
                                  std::to_string(took_ms) +
                                  " milliseconds. You can try killing the script using the " +
                                  (what_.is_function ? "FUNCTION KILL" : "SCRIPT KILL") +
                                  " command. Script name is: " + std::string(what_.name) + ".");
      scripting.SetBusy();
    }
    ServeOthers();
    call_started_us_ = static_cast<uint64_t>(server_.clock().MonotonicUs());
  }
  if (wrote_ || (!scripting.kill_requested() && !scripting.stop_requested())) return;
  EndKilled(lua);
  RaiseEnd(lua);
}

ScriptRun::~ScriptRun() {
  if (is_long_) [[unlikely]]
    (void)EndLong();
  interpreter_.set_run(nullptr);
  session_.set_db(db_before_);
  tx_.RestoreKeys(keys_before_);
}

void ScriptRun::Run(int function_ref, const Args& keys, const Args& arguments, Reply& reply) {
  function_ref_ = function_ref;
  run_keys_ = &keys;
  run_arguments_ = &arguments;
  run_reply_ = &reply;
  lua_State* const lua = interpreter_.lua();
  buffers_.output.Clear();
  if (lua_cpcall(lua, RunProtected, this) != 0 && !needs_keys()) WriteError(reply);
  lua_settop(lua, 0);
  if (end_ == End::kKilled) interpreter_.ResetHook();
  // An allocation that fails collects nothing: what a script left would stand in the next one's
  // way.
  const LuaMemory& memory = interpreter_.memory();
  if (memory.used_bytes() > memory.bytes_max() / 2) lua_gc(lua, LUA_GCCOLLECT, 0);
}

int ScriptRun::RunProtected(lua_State* lua) {
  ScriptRun& run = *static_cast<ScriptRun*>(lua_touserdata(lua, 1));
  lua_settop(lua, 0);
  lua_pushcfunction(lua, OnError);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, run.function_ref_);
  const bool as_globals = !run.what_.is_function;
  run.PushArguments(*run.run_keys_, as_globals, "KEYS");
  run.PushArguments(*run.run_arguments_, as_globals, "ARGV");
  const int status = lua_pcall(lua, as_globals ? 0 : 2, 1, 1);
  if (run.needs_keys()) return 0;
  if (status != 0 || run.is_ending()) {
    run.WriteError(*run.run_reply_);
  } else {
    run.WriteResult(*run.run_reply_);
  }
  return 0;
}

// A script finds them as globals, a function gets them as arguments.
void ScriptRun::PushArguments(const Args& args, bool as_global, const char* name) {
  lua_State* const lua = interpreter_.lua();
  lua_createtable(lua, static_cast<int>(args.size()), 0);
  for (size_t i = 0; i < args.size(); ++i) {
    lua_pushlstring(lua, args[i].data(), args[i].size());
    lua_rawseti(lua, -2, static_cast<int>(i) + 1);
  }
  if (as_global) interpreter_.SetGlobal(name);
}

// An error becomes a table that knows where it was raised.
int ScriptRun::OnError(lua_State* lua) {
  lua_settop(lua, 1);
  if (!lua_istable(lua, 1)) {
    lua_createtable(lua, 0, 3);
    lua_pushliteral(lua, "ERR ");
    const char* const text = lua_tostring(lua, 1);
    lua_pushstring(lua, text != nullptr         ? text
                        : lua_isboolean(lua, 1) ? (lua_toboolean(lua, 1) ? "true" : "false")
                                                : luaL_typename(lua, 1));
    lua_concat(lua, 2);
    lua_setfield(lua, -2, "err");
  }
  lua_Debug where;
  bool found = lua_getstack(lua, 1, &where) && lua_getinfo(lua, "Sl", &where);
  if (found && *where.what == 'C') {
    found = lua_getstack(lua, 2, &where) && lua_getinfo(lua, "Sl", &where);
  }
  if (found) {
    lua_pushstring(lua, where.source);
    lua_setfield(lua, -2, "source");
    lua_pushinteger(lua, where.currentline);
    lua_setfield(lua, -2, "line");
  }
  return 1;
}

namespace {

// A field of the table on top, as text; empty when there is none.
std::string TextField(lua_State* lua, const char* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, -2);
  size_t size = 0;
  const char* const text = lua_tolstring(lua, -1, &size);
  std::string copy(text != nullptr ? text : "", size);
  lua_pop(lua, 1);
  return copy;
}

// As of any command, but of a client that nobody knows.
void NoteSlowCall(Server& server, const Command& command, const Args& args, uint64_t took_us) {
  const int64_t now_s = server.clock().WallMs() / 1000;
  if (server.slow_log().Wants(took_us) && !(command.flags & kCmdSkipSlowlog)) {
    server.slow_log().Add(now_s, took_us, args, "?:0", "");
  }
  if (server.latency_monitor().Wants(took_us)) {
    server.latency_monitor().Add(command.flags & kCmdFast ? "fast-command" : "command", now_s,
                                 took_us / 1000);
  }
}

// Of XREAD and XREADGROUP; what else may wait answers at once in a script.
bool HasBlockOption(const Command& command, const Args& args) {
  if (command.name != "xread" && command.name != "xreadgroup") return false;
  for (size_t i = 1; i < args.size() && !IsWord(args[i], "STREAMS"); ++i) {
    if (IsWord(args[i], "BLOCK")) return true;
    if (IsWord(args[i], "COUNT")) i += 1;
    if (IsWord(args[i], "GROUP")) i += 2;
  }
  return false;
}

// Whether a script may call it at all. Once DEBUG has lifted the refusal of what is not for
// scripts, they may call what runs on keys, which does not wait there, and DEBUG PROTOCOL, which
// only answers; what remains would change the session, the scripts or the server beneath them.
bool IsForScripts(const Command& command, const Args& args, bool lifts_denial) {
  if (lifts_denial && (command.flags & kCmdNoscript)) {
    return command.session == nullptr ||
           (command.name == "debug" && args.size() == 3 && IsWord(args[1], "PROTOCOL"));
  }
  return !(command.flags & kCmdNoscript) &&
         (command.flags & (kCmdOutsideTx | kCmdInScripts)) != kCmdOutsideTx;
}

}  // namespace

// The error on top of the stack, or why the run was ended.
void ScriptRun::WriteError(Reply& reply) {
  lua_State* const lua = interpreter_.lua();
  std::string text, source, line;
  bool counted = false;
  if (lua_istable(lua, -1)) {
    text = TextField(lua, "err");
    if (text.empty()) text = "ERR unknown error";
    source = TextField(lua, "source");
    line = TextField(lua, "line");
    lua_pushliteral(lua, "ignore_error_stats_update");
    lua_rawget(lua, -2);
    counted = lua_toboolean(lua, -1) != 0;
  } else {
    const char* const message = lua_tostring(lua, -1);
    text = "ERR " + std::string(message != nullptr ? message : "unknown error");
  }
  if (is_ending()) text = end_error_;
  text += " script: " + std::string(what_.name);
  if (!source.empty() && !line.empty()) text += ", on " + source + ":" + line;
  text += '.';
  counted ? reply.PassOnError(text) : reply.Error(text);
}

// Writing a table may fail: it goes through a buffer.
void ScriptRun::WriteResult(Reply& reply) {
  lua_State* const lua = interpreter_.lua();
  const size_t bytes_max = interpreter_.memory().bytes_max();
  if (!lua_istable(lua, -1)) {
    const char* const failure = WriteLuaValue(lua, protocol_, bytes_max, reply);
    if (failure != nullptr) reply.Error(failure);  // nothing was written
    return;
  }
  OutputBuffer whole;
  OutputBuffer* const out = reply.Redirect(&whole);
  const char* failure;
  try {
    failure = WriteLuaValue(lua, protocol_, bytes_max, reply);
  } catch (...) {
    reply.Redirect(out);
    throw;
  }
  reply.Redirect(out);
  if (failure != nullptr) return reply.Error(failure);
  whole.MoveTo(out);
}

// -- redis.call

int ScriptRun::Fail(lua_State* lua, std::string_view text, bool raise) {
  PushError(lua, text);
  if (raise) return lua_error(lua);
  return 1;
}

void ScriptRun::RaiseEnd(lua_State* lua) {
  RaiseText(lua, end_error_);
}

bool ScriptRun::CollectArgs(lua_State* lua) {
  constexpr size_t kNumberSizeMax = 48;
  const int count = lua_gettop(lua);
  buffers_.args.clear();
  buffers_.numbers.clear();
  buffers_.numbers.reserve(static_cast<size_t>(count) * kNumberSizeMax);
  for (int i = 1; i <= count; ++i) {
    const int type = lua_type(lua, i);
    if (type == LUA_TSTRING) {
      size_t size;
      const char* const bytes = lua_tolstring(lua, i, &size);
      buffers_.args.emplace_back(bytes, size);
    } else if (type == LUA_TNUMBER) {
      const size_t at = buffers_.numbers.size();
      buffers_.numbers.resize(at + kNumberSizeMax);
      char* const text = buffers_.numbers.data() + at;
      constexpr double kExactMax = 4503599627370496;  // 2^52
      const double number = lua_tonumber(lua, i);
      size_t size;
      if (std::abs(number) < kExactMax && number == std::trunc(number)) {
        size = static_cast<size_t>(
            std::to_chars(text, text + kNumberSizeMax, static_cast<int64_t>(number)).ptr - text);
      } else {
        size = FormatDouble(number, text);
      }
      buffers_.args.emplace_back(text, size);
    } else {
      return false;
    }
  }
  return true;
}

std::string ScriptRun::Refusal(const CommandTable::Found& found, const Args& args) {
  const Command* const command = found.command;
  if (command == nullptr) return "Unknown Redis command called from script";
  const auto count = static_cast<int>(args.size());
  if ((command->arity > 0 && count != command->arity) || count < -command->arity ||
      (command->data == nullptr && command->session == nullptr && command->blocking == nullptr)) {
    return "Wrong number of args calling Redis command from script";
  }
  if (!IsForScripts(*command, args, server_.scripting().lifts_denial())) {
    return "This Redis command is not allowed from script";
  }
  if (!(command->flags & kCmdStale) && !session_.applies_stream() &&
      server_.replication().RefusesStaleReads()) {
    return "Can not execute the command on a stale replica";
  }
  if (const AclVerdict verdict = ScriptPermission(session_, found, args); !verdict.allowed()) {
    session_.NoteDenied(verdict, *command, args, AclLogContext::kLua);
    return "-NOPERM ACL failure in script: " +
           AclDenialText(verdict, session_.user(), *command, args, false);
  }
  // So that those that only read run while writes are paused.
  if (what_.read_only && (command->flags & (kCmdWrite | kCmdMayReplicate))) {
    return "Write commands are not allowed from read-only scripts.";
  }
  std::string error;
  if (command->flags & kCmdWrite) {
    if (!session_.applies_stream() && !dispatcher_.MayWrite(&error)) return "-" + error;
    if (!tx_.may_change()) return "-MISCONF Errors writing to the AOF file";
  }
  if ((command->flags & kCmdDenyOom) && what_.no_memory && !wrote_) {
    return "-OOM command not allowed when used memory > 'maxmemory'.";
  }
  return {};
}

int ScriptRun::Call(lua_State* lua, bool raise) {
  if (is_ending()) RaiseEnd(lua);
  if (lua_gettop(lua) == 0) {
    return Fail(lua, "Please specify at least one argument for this redis lib call", raise);
  }
  if (!CollectArgs(lua)) {
    return Fail(lua, "Lua redis lib command arguments must be strings or integers", raise);
  }
  const Args args(buffers_.args);
  // One text may stand in thousands of arguments.
  size_t args_bytes = 0;
  for (const std::string_view arg : args) args_bytes += arg.size();
  if (args_bytes > session_.connection().limits().query_buffer_max) {
    return Fail(lua, "Arguments of a command exceed client-query-buffer-limit", raise);
  }
  const CommandTable::Found found = server_.commands().Resolve(args);
  if (const std::string refusal = Refusal(found, args); !refusal.empty()) {
    server_.CountError(
        refusal[0] == '-' ? std::string_view(refusal).substr(1, refusal.find(' ') - 1) : "ERR");
    if (found.command != nullptr) Bump(dispatcher_.stats_[found.index].rejected);
    return Fail(lua, refusal, raise);
  }
  const Command& command = *found.command;
  if (!HoldKeys(lua, command, args)) RaiseEnd(lua);
  if ((command.flags & kCmdWrite) && !BeginWrite(lua)) RaiseEnd(lua);
  // A session command writes through its connection.
  const Reply& written =
      command.session != nullptr ? session_.connection().reply() : buffers_.reply;
  const uint64_t errors_before = written.error_count();
  Execute(command, args);
  FinishCall(found, args, written, errors_before);
  if (tx_.state() != Tx::State::kReady) {
    end_ = End::kReadFailed;
    end_error_ = "IOERR a read of the store failed: " + tx_.error().message();
    RaiseEnd(lua);
  }
  const std::string_view resp = TakeReply();
  PushReply(lua, resp);
  buffers_.output.Clear();
  if (raise && resp[0] == '-') return lua_error(lua);
  return 1;
}

// False: the run ends.
bool ScriptRun::HoldKeys(lua_State* lua, const Command& command, const Args& args) {
  buffers_.keys.clear();
  if (command.session == nullptr && !CollectKeys(command, args, session_.db(), &buffers_.keys)) {
    buffers_.keys.clear();
  }
  const bool may_retry = what_.may_retry && !has_effects_ && tx_.change_count() == 0;
  switch (tx_.TakeKeys(buffers_.keys, /*read_blocking=*/!may_retry)) {
    case Tx::State::kReady:
      return true;
    case Tx::State::kPending:
      if (is_long_ && !EndLong()) return EndKilled(lua), false;
      end_ = End::kNeedsKeys;
      end_error_ = "ERR keys are being loaded";
      for (const KeyRef& ref : tx_.missing()) {
        missing_.push_back({ref.db, std::string(ref.key), ref.head_only});
      }
      return false;
    default:
      end_ = End::kReadFailed;
      end_error_ = "IOERR a read of the store failed: " + tx_.error().message();
      return false;
  }
}

void ScriptRun::Execute(const Command& command, const Args& args) {
  Reply& reply = buffers_.reply;
  const uint64_t errors_before = reply.error_count();
  reply.SetProtocol(protocol_);
  if (command.session != nullptr) return ExecuteSession(command, args);
  tx_.BeginCommand((command.flags & kCmdWrite) != 0);
  tx_.set_db(session_.db());
  tx_.set_touch(!session_.no_touch && !(command.flags & kCmdNoTouch));
  if (command.blocking != nullptr && HasBlockOption(command, args)) {
    return reply.Error("ERR " + std::string(args[0]) +
                       " command is not allowed with BLOCK option from scripts");
  }
  Effects* const effects = Effects::Current();
  if (effects != nullptr) [[unlikely]]
    effects->Begin();
  BlockRequest request;
  if (command.data != nullptr) {
    command.data(args, tx_, reply);
  } else if (!command.blocking(args, tx_, reply, &request)) {
    request.null_array_at_once ? reply.NullArray() : reply.Null();
  }
  if (effects != nullptr) [[unlikely]]
    effects->End(args);
  if (command.data == FlushAll) dispatcher_.NoteFlushAll(tx_, reply, errors_before);
}

// Session commands may write through the connection, so its reply leads here meanwhile.
void ScriptRun::ExecuteSession(const Command& command, const Args& args) {
  NoteEffect();
  if (command.flags & kCmdOutsideTx) tx_.LetGoOfLog();
  Reply& reply = session_.connection().reply();
  const int protocol = reply.protocol();
  const bool muted = reply.muted();
  const uint64_t errors_before = reply.error_count();
  OutputBuffer* const out = reply.Redirect(&buffers_.output);
  Tx* const open_tx = std::exchange(session_.open_tx_, &tx_);
  reply.SetProtocol(protocol_);
  reply.SetMuted(false);
  command.session(args, session_, reply);
  session_.open_tx_ = open_tx;
  reply.SetProtocol(protocol);
  reply.SetMuted(muted);
  reply.Redirect(out);
  dispatcher_.errors_before_ += reply.error_count() - errors_before;
}

// Counted as other commands are.
void ScriptRun::FinishCall(const CommandTable::Found& found, const Args& args, const Reply& written,
                           uint64_t errors_before) {
  const auto now_us = static_cast<uint64_t>(server_.clock().MonotonicUs());
  const uint64_t took_us = now_us - call_started_us_;
  CommandStats& stats = dispatcher_.stats_[found.index];
  stats.Record(took_us, server_.TracksLatency());
  Bump(dispatcher_.counters_.commands);
  call_started_us_ = now_us;
  if (server_.slow_log().Wants(took_us) || server_.latency_monitor().Wants(took_us)) [[unlikely]]
    NoteSlowCall(server_, *found.command, args, took_us);
  if (server_.monitors().any()) [[unlikely]]
    server_.monitors().Feed(session_.db(), "lua", args);
  if (written.error_count() == errors_before) [[likely]] {
    if (session_.tracking() != nullptr && (found.command->flags & kCmdReadonly)) [[unlikely]]
      server_.tracking().Remember(session_, buffers_.keys);
    return;
  }
  Bump(stats.failed);
  server_.CountError(written.last_error_code());
}

std::string_view ScriptRun::TakeReply() {
  iovec pieces[2];
  OutputBuffer& output = buffers_.output;
  const size_t count = output.Peek(pieces, 2, output.end_offset());
  if (count == 1) return {static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len};
  buffers_.joined.clear();
  while (!output.empty()) {
    output.Peek(pieces, 1, output.end_offset());
    buffers_.joined.append(static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len);
    output.Consume(pieces[0].iov_len);
  }
  return buffers_.joined;
}

// redis.acl_check_cmd
int ScriptRun::MayRun(lua_State* lua) {
  if (lua_gettop(lua) == 0) {
    return Fail(lua, "Please specify at least one argument for this redis lib call", true);
  }
  if (!CollectArgs(lua)) {
    return Fail(lua, "Lua redis lib command arguments must be strings or integers", true);
  }
  const Args args(buffers_.args);
  const CommandTable::Found found = server_.commands().Resolve(args);
  if (found.command == nullptr) {
    return Fail(lua, "Invalid command passed to redis.acl_check_cmd()", true);
  }
  lua_pushboolean(lua, ScriptPermission(session_, found, args).allowed());
  return 1;
}

}  // namespace hearth
