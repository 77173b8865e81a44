#pragma once

// EVAL, FCALL, SCRIPT and FUNCTION.
//
// Thread: the session's worker.

#include "src/command.h"

namespace hearth {

void Eval(const Args& args, Session& session, Reply& reply);
void EvalSha(const Args& args, Session& session, Reply& reply);
void EvalRo(const Args& args, Session& session, Reply& reply);
void EvalShaRo(const Args& args, Session& session, Reply& reply);
void ScriptLoad(const Args& args, Session& session, Reply& reply);
void ScriptExists(const Args& args, Session& session, Reply& reply);
void ScriptFlush(const Args& args, Session& session, Reply& reply);
void ScriptKill(const Args& args, Session& session, Reply& reply);
void ScriptDebug(const Args& args, Session& session, Reply& reply);
void ScriptHelp(const Args& args, Session& session, Reply& reply);

}  // namespace hearth
