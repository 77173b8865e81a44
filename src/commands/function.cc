// FCALL and FUNCTION. What functions are stands in src/scripting/functions.h.
// Tested by tests/src/scripting/function_test.cc.
#include "src/commands/function.h"

#include "engine/change_count.h"
#include "src/commands/groups.h"
#include "src/dispatcher.h"
#include "src/effects.h"
#include "src/numbers.h"
#include "src/rdb/crc64.h"
#include "src/rdb/dump_payload.h"
#include "src/rdb/packed_integer.h"
#include "src/rdb/rdb_input.h"
#include "src/rdb/rdb_output.h"
#include "src/redis_text.h"
#include "src/replication/replication.h"
#include "src/scripting/script_runner.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

ScriptRunner& RunnerOf(Session& session) {
  return session.server().DispatcherOf(session.connection().worker()).scripts();
}

// Runs work(functions, tx), which is what the command does, within a Tx that may be followed.
template <typename Work>
void RunInTx(const Args& args, Functions& functions, Tx& tx, Work work) {
  Effects* const effects = Effects::Current();
  if (effects != nullptr) effects->Begin();
  work(functions, tx);
  if (effects != nullptr) effects->End(args);
}

// The same while every shard is held.
template <typename Work>
void WithFunctions(const Args& args, Session& session, bool write, Reply& reply, Work work) {
  Server& server = session.server();
  if (Tx* const open = session.open_tx()) {
    if (write && !open->may_change()) return reply.Error("MISCONF Errors writing to the AOF file");
    if (server.RefreshFunctions(reply)) RunInTx(args, server.functions(), *open, work);
    return;
  }
  Tx tx(server.keyspace(), {}, server.clock().WallMs(),
        {.write = write, .lock_all = true, .give_way = true});
  if (tx.state() == Tx::State::kBusy) return RunnerOf(session).WaitForScript(session);
  if (tx.state() != Tx::State::kReady) {
    return reply.Error("MISCONF Errors writing to the AOF file");
  }
  if (!server.RefreshFunctions(reply)) return;
  std::optional<Effects> effects;
  CommandStream& stream = server.replication().command_stream();
  if (stream.active()) effects.emplace(stream, tx);
  RunInTx(args, server.functions(), tx, work);
  effects.reset();
  session.WaitForCommit(tx.barrier());
  server.DispatcherOf(session.connection().worker()).NoteWrites(tx);
}

void ReplyFlags(uint32_t flags, Reply& reply) {
  size_t count = 0;
  for (const ScriptFlagName& row : kScriptFlagNames) count += (flags & row.flag) != 0;
  reply.Set(count);
  for (const ScriptFlagName& row : kScriptFlagNames) {
    if (flags & row.flag) reply.Simple(row.name);
  }
}

void ReplyLibrary(const Library& library, bool with_code, Reply& reply) {
  reply.Map(with_code ? 4 : 3);
  reply.Bulk("library_name");
  reply.Bulk(library.name);
  reply.Bulk("engine");
  reply.Bulk("LUA");
  reply.Bulk("functions");
  reply.Array(library.functions.size());
  for (const LibraryFunction& function : library.functions) {
    reply.Map(3);
    reply.Bulk("name");
    reply.Bulk(function.name);
    reply.Bulk("description");
    function.description ? reply.Bulk(*function.description) : reply.Null();
    reply.Bulk("flags");
    ReplyFlags(function.flags, reply);
  }
  if (!with_code) return;
  reply.Bulk("library_code");
  reply.Bulk(library.code);
}

// The payload of FUNCTION DUMP: { opcode:u8 code:string } rdb-version:u16le crc64:u64le
constexpr uint8_t kRdbFunction = 245;

std::string DumpLibraries(const Functions::Libraries& libraries) {
  std::string payload;
  for (const auto& [name, library] : libraries) {
    payload += static_cast<char>(kRdbFunction);
    rdb::AppendString(library->code, /*compress=*/true, &payload);
  }
  rdb::AppendLittleEndian(kRdbVersionWritten, 2, &payload);
  rdb::AppendLittleEndian(rdb::Crc64(0, payload), 8, &payload);
  return payload;
}

bool ReadLibraries(std::string_view payload, std::vector<std::string>* codes, std::string* error) {
  constexpr size_t kFooterSize = 10;
  *error = kErrDumpPayload;
  if (!VerifyDumpPayload(payload)) return false;
  payload.remove_suffix(kFooterSize);
  rdb::RdbInput input(payload);
  while (!input.rest().empty()) {
    uint8_t opcode;
    *error = "ERR given type is not a function";
    if (!input.Byte(&opcode) || opcode != kRdbFunction) return false;
    *error = "ERR Failed loading library code";
    if (!input.String(&codes->emplace_back())) return false;
  }
  return true;
}

void RejectArguments(const Args& args, Reply& reply) {
  reply.Error(WrongSubcommand("FUNCTION", args[1]));
}

}  // namespace

void Fcall(const Args& args, Session& session, Reply& reply) {
  RunnerOf(session).CallFunction(args, session, /*read_only=*/false, reply);
}

void FcallRo(const Args& args, Session& session, Reply& reply) {
  RunnerOf(session).CallFunction(args, session, /*read_only=*/true, reply);
}

// FUNCTION LOAD [REPLACE] code -> the library's name
void FunctionLoad(const Args& args, Session& session, Reply& reply) {
  bool replace = false;
  for (const std::string_view option : args.subspan(2, args.size() - 3)) {
    if (!IsWord(option, "REPLACE")) {
      return reply.Error("ERR Unknown option given: " + std::string(option));
    }
    replace = true;
  }
  WithFunctions(args, session, /*write=*/true, reply, [&](Functions& functions, Tx& tx) {
    std::string name, error;
    if (!functions.Load(args.back(), replace, tx, &name, &error)) return reply.Error(error);
    reply.Bulk(name);
  });
}

void FunctionDelete(const Args& args, Session& session, Reply& reply) {
  WithFunctions(args, session, /*write=*/true, reply, [&](Functions& functions, Tx& tx) {
    functions.Delete(args[2], tx) ? reply.Ok() : reply.Error("ERR Library not found");
  });
}

void FunctionFlush(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 3) return RejectArguments(args, reply);
  if (args.size() == 3 && !IsWord(args[2], "SYNC") && !IsWord(args[2], "ASYNC")) {
    return reply.Error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  WithFunctions(args, session, /*write=*/true, reply, [&](Functions& functions, Tx& tx) {
    ChangeCount changes(tx);
    changes.Is(1);
    functions.Flush(tx);
    reply.Ok();
  });
}

// FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]
void FunctionList(const Args& args, Session& session, Reply& reply) {
  bool with_code = false;
  std::optional<std::string_view> pattern;
  for (size_t i = 2; i < args.size(); ++i) {
    if (!with_code && IsWord(args[i], "WITHCODE")) {
      with_code = true;
    } else if (!pattern && IsWord(args[i], "LIBRARYNAME")) {
      if (i + 1 == args.size()) return reply.Error("ERR library name argument was not given");
      pattern = args[++i];
    } else {
      return reply.Error("ERR Unknown argument " + std::string(args[i]));
    }
  }
  WithFunctions(args, session, /*write=*/false, reply, [&](Functions& functions, Tx&) {
    std::vector<const Library*> listed;
    for (const auto& [name, library] : functions.libraries()) {
      if (!pattern || GlobMatch(*pattern, name, /*nocase=*/true)) listed.push_back(library.get());
    }
    reply.Array(listed.size());
    for (const Library* const library : listed) ReplyLibrary(*library, with_code, reply);
  });
}

void FunctionDump(const Args& args, Session& session, Reply& reply) {
  WithFunctions(args, session, /*write=*/false, reply, [&](Functions& functions, Tx&) {
    reply.Bulk(DumpLibraries(functions.libraries()));
  });
}

// FUNCTION RESTORE payload [FLUSH | APPEND | REPLACE]
void FunctionRestore(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 4) return RejectArguments(args, reply);
  Functions::Policy policy = Functions::Policy::kAppend;
  if (args.size() == 4) {
    if (IsWord(args[3], "FLUSH")) {
      policy = Functions::Policy::kFlush;
    } else if (IsWord(args[3], "REPLACE")) {
      policy = Functions::Policy::kReplace;
    } else if (!IsWord(args[3], "APPEND")) {
      return reply.Error(
          "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    }
  }
  std::vector<std::string> codes;
  std::string error;
  if (!ReadLibraries(args[2], &codes, &error)) return reply.Error(error);
  WithFunctions(args, session, /*write=*/true, reply, [&](Functions& functions, Tx& tx) {
    functions.Restore(codes, policy, tx, &error) ? reply.Ok() : reply.Error(error);
  });
}

void FunctionStats(const Args&, Session& session, Reply& reply) {
  Server& server = session.server();
  if (server.scripting().is_long() && !server.scripting().running().is_function) {
    return reply.Error(server.scripting().BusyError());
  }
  reply.Map(2);
  reply.Bulk("running_script");
  if (server.scripting().is_long()) {
    const Scripting::Running running = server.scripting().running();
    reply.Map(3);
    reply.Bulk("name");
    reply.Bulk(running.name);
    reply.Bulk("command");
    reply.Array(running.command.size());
    for (const std::string& word : running.command) reply.Bulk(word);
    reply.Bulk("duration_ms");
    reply.Integer((server.clock().MonotonicUs() - running.started_us) / 1000);
  } else {
    reply.Null();
  }
  reply.Bulk("engines");
  reply.Map(1);
  reply.Bulk("LUA");
  reply.Map(2);
  reply.Bulk("libraries_count");
  reply.Integer(static_cast<int64_t>(server.functions().library_count()));
  reply.Bulk("functions_count");
  reply.Integer(static_cast<int64_t>(server.functions().function_count()));
}

void FunctionKill(const Args&, Session& session, Reply& reply) {
  const std::string error = session.server().scripting().Kill(/*function=*/true);
  error.empty() ? reply.Ok() : reply.Error(error);
}

void FunctionHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp(
      "FUNCTION",
      {"LOAD [REPLACE] <FUNCTION CODE>",
       "    Create a new library with the given library name and code.",
       "DELETE <LIBRARY NAME>",
       "    Delete the given library.",
       "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
       "    Return general information on all the libraries:",
       "    * Library name",
       "    * The engine used to run the Library",
       "    * Library description",
       "    * Functions list",
       "    * Library code (if WITHCODE is given)",
       "    It also possible to get only function that matches a pattern using LIBRARYNAME "
       "argument.",
       "STATS",
       "    Return information about the current function running:",
       "    * Function name",
       "    * Command used to run the function",
       "    * Duration in MS that the function is running",
       "    If no function is running, return nil",
       "    In addition, returns a list of available engines.",
       "KILL",
       "    Kill the current running function.",
       "FLUSH [ASYNC|SYNC]",
       "    Delete all the libraries.",
       "    When called without the optional mode argument, the behavior is determined by the",
       "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
       "    * ASYNC: Asynchronously flush the libraries.",
       "    * SYNC: Synchronously flush the libraries.",
       "DUMP",
       "    Return a serialized payload representing the current libraries, can be restored using "
       "FUNCTION RESTORE command",
       "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
       "    Restore the libraries represented by the given payload, it is possible to give a "
       "restore policy to",
       "    control how to handle existing libraries (default APPEND):",
       "    * FLUSH: delete all existing libraries.",
       "    * APPEND: appends the restored libraries to the existing libraries. On collision, "
       "abort.",
       "    * REPLACE: appends the restored libraries to the existing libraries, On collision, "
       "replace the old",
       "      libraries with the new libraries (notice that even on this option there is a chance "
       "of failure",
       "      in case of functions name collision with another library)."},
      reply);
}

}  // namespace hearth
