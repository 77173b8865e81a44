#pragma once

// FCALL and FUNCTION.
//
// Thread: the session's worker.

#include "src/command.h"

namespace hearth {

void Fcall(const Args& args, Session& session, Reply& reply);
void FcallRo(const Args& args, Session& session, Reply& reply);
void FunctionLoad(const Args& args, Session& session, Reply& reply);
void FunctionDelete(const Args& args, Session& session, Reply& reply);
void FunctionFlush(const Args& args, Session& session, Reply& reply);
void FunctionList(const Args& args, Session& session, Reply& reply);
void FunctionDump(const Args& args, Session& session, Reply& reply);
void FunctionRestore(const Args& args, Session& session, Reply& reply);
void FunctionStats(const Args& args, Session& session, Reply& reply);
void FunctionKill(const Args& args, Session& session, Reply& reply);
void FunctionHelp(const Args& args, Session& session, Reply& reply);

}  // namespace hearth
