// EVAL, EVALSHA and SCRIPT. How scripts run stands in src/scripting/.
// Tested by tests/src/scripting/script_test.cc.
#include "src/commands/script.h"

#include "src/commands/groups.h"
#include "src/dispatcher.h"
#include "src/numbers.h"
#include "src/scripting/script_runner.h"
#include "src/server.h"
#include "src/session.h"

namespace hearth {
namespace {

ScriptRunner& RunnerOf(Session& session) {
  return session.server().DispatcherOf(session.connection().worker()).scripts();
}

}  // namespace

void Eval(const Args& args, Session& session, Reply& reply) {
  RunnerOf(session).Eval(args, session, /*by_sha=*/false, /*read_only=*/false, reply);
}

void EvalSha(const Args& args, Session& session, Reply& reply) {
  RunnerOf(session).Eval(args, session, /*by_sha=*/true, /*read_only=*/false, reply);
}

void EvalRo(const Args& args, Session& session, Reply& reply) {
  RunnerOf(session).Eval(args, session, /*by_sha=*/false, /*read_only=*/true, reply);
}

void EvalShaRo(const Args& args, Session& session, Reply& reply) {
  RunnerOf(session).Eval(args, session, /*by_sha=*/true, /*read_only=*/true, reply);
}

void ScriptLoad(const Args& args, Session& session, Reply& reply) {
  RunnerOf(session).LoadScript(args[2], reply);
}

void ScriptExists(const Args& args, Session& session, Reply& reply) {
  reply.Array(args.size() - 2);
  for (const std::string_view sha : args.subspan(2)) {
    reply.Integer(session.server().scripting().Has(sha) ? 1 : 0);
  }
}

void ScriptFlush(const Args& args, Session& session, Reply& reply) {
  if (args.size() > 3 ||
      (args.size() == 3 && !IsWord(args[2], "SYNC") && !IsWord(args[2], "ASYNC"))) {
    return reply.Error("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  session.server().scripting().Flush();
  reply.Ok();
}

void ScriptKill(const Args&, Session& session, Reply& reply) {
  const std::string error = session.server().scripting().Kill(/*function=*/false);
  error.empty() ? reply.Ok() : reply.Error(error);
}

// There is no debugger; NO asks for none.
void ScriptDebug(const Args& args, Session&, Reply& reply) {
  if (IsWord(args[2], "NO")) return reply.Ok();
  if (IsWord(args[2], "YES") || IsWord(args[2], "SYNC")) {
    return reply.Error("ERR the Lua debugger is not supported");
  }
  reply.Error("ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

void ScriptHelp(const Args&, Session&, Reply& reply) {
  ReplyHelp("SCRIPT",
            {"DEBUG (YES|SYNC|NO)", "    Set the debug mode for subsequent scripts executed.",
             "EXISTS <sha1> [<sha1> ...]",
             "    Return information about the existence of the scripts in the script cache.",
             "FLUSH [ASYNC|SYNC]", "    Flush the Lua scripts cache. Very dangerous on replicas.",
             "    When called without the optional mode argument, the behavior is determined by "
             "the",
             "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
             "    * ASYNC: Asynchronously flush the scripts cache.",
             "    * SYNC: Synchronously flush the scripts cache.", "KILL",
             "    Kill the currently executing Lua script.", "LOAD <script>",
             "    Load a script into the scripts cache without executing it."},
            reply);
}

}  // namespace hearth
