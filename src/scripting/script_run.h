#pragma once

// ScriptRun: one script or function while it runs: what its calls of redis.call do, and how it
// ends.
//
// A run stands in one Tx that holds every shard: its writes are one piece of one group, it sees
// them, and nobody sees a state in between. A key that no argument named and that memory does not
// hold is a reason to give up before anything has happened (needs_keys), to load it and to run
// again; behind the first effect it is read from the disk at once.
//
// Thread:   its worker.
// Lifetime: one call.
// Errors:   of the script: written to the reply, in Redis' words. A failed read of the store ends
//           the script, whatever it catches.

#include <atomic>
#include <cstdint>
#include <lua5.1/lua.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/output_buffer.h"
#include "src/command_table.h"
#include "src/scripting/interpreter.h"
#include "src/scripting/shebang.h"

namespace hearth {

class Dispatcher;
class Scripting;
class Server;
class Session;

// What runs need again and again, kept by their worker.
struct ScriptBuffers {
  OutputBuffer output;
  Reply reply{&output};
  std::string joined;  // a reply that stands in more than one chunk
  std::vector<std::string_view> args;
  std::vector<KeyRef> keys;
  std::vector<char> numbers;  // texts of arguments that are numbers
};

class ScriptRun {
 public:
  struct What {
    std::string_view name;   // the SHA1 of a script, or the function's
    Args call;               // EVAL or FCALL and its like, whole
    uint32_t flags = 0;      // ScriptFlag
    bool read_only = false;  // by its command, then also by its flags
    bool is_function = false;
    bool no_memory = false;  // commands that may need memory are refused
    bool may_retry = false;  // else: keys are read from the disk at once
  };

  ScriptRun(Server& server, Dispatcher& dispatcher, Session& session, Tx& tx,
            Interpreter& interpreter, ScriptBuffers& buffers, const What& what);
  ~ScriptRun();
  ScriptRun(const ScriptRun&) = delete;
  ScriptRun& operator=(const ScriptRun&) = delete;

  // Runs the function of the registry and writes its reply, unless needs_keys() afterwards.
  void Run(int function_ref, const Args& keys, const Args& arguments, Reply& reply);

  // Keys to be loaded before another run; nothing of this one has happened.
  bool needs_keys() const { return end_ == End::kNeedsKeys; }
  struct MissingKey {
    uint32_t db;
    std::string key;
    bool head_only;
  };
  const std::vector<MissingKey>& missing() const { return missing_; }

  // -- For the redis library. They return as lua_CFunctions do.
  int Call(lua_State* lua, bool raise);
  int MayRun(lua_State* lua);
  void set_protocol(int protocol) { protocol_ = protocol; }
  // Something was done that can't be undone (a line of the log, a message).
  void NoteEffect() { has_effects_ = true; }

  // -- For the hook: whether the run is over, whatever the script catches; raises the error then.
  bool is_ending() const { return end_ != End::kNone; }
  void RaiseEnd(lua_State* lua);
  // Now and then, while Lua runs: tells others of a script that takes long, and ends it when it was
  // killed.
  void OnHook(lua_State* lua);

 private:
  enum class End : uint8_t { kNone, kNeedsKeys, kReadFailed, kKilled };

  static int RunProtected(lua_State* lua);
  static int OnError(lua_State* lua);
  void BeginLong();
  bool EndLong();
  bool BeginWrite(lua_State* lua);
  void EndKilled(lua_State* lua);
  void ServeOthers();
  void PushArguments(const Args& args, bool as_global, const char* name);
  void WriteError(Reply& reply);
  void WriteResult(Reply& reply);
  bool CollectArgs(lua_State* lua);
  int Fail(lua_State* lua, std::string_view text, bool raise);
  // Why the command may not run; empty: it may.
  std::string Refusal(const CommandTable::Found& found, const Args& args);
  bool HoldKeys(lua_State* lua, const Command& command, const Args& args);
  void Execute(const Command& command, const Args& args);
  void ExecuteSession(const Command& command, const Args& args);
  // written: by the command; its errors come on top of errors_before.
  void FinishCall(const CommandTable::Found& found, const Args& args, const Reply& written,
                  uint64_t errors_before);
  std::string_view TakeReply();

  Server& server_;
  Dispatcher& dispatcher_;
  Session& session_;
  Tx& tx_;
  Interpreter& interpreter_;
  ScriptBuffers& buffers_;
  What what_;
  const uint32_t db_before_;
  const std::span<const KeyRef> keys_before_;
  uint64_t started_us_;
  uint64_t call_started_us_;
  int protocol_ = 2;
  End end_ = End::kNone;
  bool wrote_ = false;
  bool has_effects_ = false;
  bool is_long_ = false;
  std::string end_error_;
  std::vector<MissingKey> missing_;
  // For RunProtected.
  int function_ref_ = 0;
  const Args* run_keys_ = nullptr;
  const Args* run_arguments_ = nullptr;
  Reply* run_reply_ = nullptr;
};

}  // namespace hearth
