#pragma once

// ScriptRunner: how a worker runs EVAL and FCALL and their like: finds what to run, checks what
// its flags ask for, holds all keys, runs it.
//
// Thread:   its worker's.
// Lifetime: its dispatcher's.
// Limits:   kCompiledMax compiled scripts are kept.

#include <lua5.1/lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "src/command.h"
#include "src/scripting/script_run.h"

namespace hearth {

inline constexpr size_t kCompiledMax = 1000;

class ScriptRunner {
 public:
  ScriptRunner(Server& server, Dispatcher& dispatcher);
  ~ScriptRunner();

  // EVAL body numkeys key... arg...; with by_sha EVALSHA. May leave the session parked.
  void Eval(const Args& args, Session& session, bool by_sha, bool read_only, Reply& reply);
  // FCALL name numkeys key... arg...
  void CallFunction(const Args& args, Session& session, bool read_only, Reply& reply);
  // SCRIPT LOAD: the SHA1 of a body that compiles, or the error.
  void LoadScript(std::string_view body, Reply& reply);
  // Parks the session, whose command is to be run again: a script on another worker takes long.
  void WaitForScript(Session& session);
  // What the gates go by: the flags of a call of EVAL or FCALL and their like follow from what the
  // script or function declares, as far as that is known. Holds no locks. Requires: its arity fits.
  uint32_t GateFlags(const Command& command, const Args& args);

 private:
  struct Compiled {
    int ref = 0;
    uint32_t flags = 0;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Job {
    Interpreter* interpreter;
    int function_ref;
    ScriptRun::What what;
    Args keys, arguments;
  };

  const Compiled* FindCompiled(std::string_view sha);
  const Compiled* Compile(const std::string& sha, std::string_view body, bool loaded,
                          std::string* error);
  const Compiled* FindScript(const Args& args, bool by_sha, std::string* error);
  bool ReadKeys(const Args& args, Job* job, Reply& reply);
  bool FindFunction(Job* job, Reply& reply);
  std::optional<uint32_t> DeclaredFlags(const Command& command, const Args& args);
  bool PassFlags(const Session& session, Job* job, Reply& reply);
  void Run(Session& session, Job job, Reply& reply);
  void RunInTx(Session& session, Tx& tx, Job job, Reply& reply);
  void NoteMemory();

  Server& server_;
  Dispatcher& dispatcher_;
  ScriptBuffers buffers_;
  std::unique_ptr<Interpreter> interpreter_;  // made with the first script
  uint64_t generation_ = 0;
  std::unordered_map<std::string, Compiled, Hash, std::equal_to<>> compiled_;
  std::string sha_;  // of the script that runs
  std::vector<KeyRef> keys_;
};

}  // namespace hearth
