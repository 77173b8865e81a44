#pragma once

// The functions of the server commands; their rows stand in server_table.cc.

#include "src/command.h"

namespace hearth {

// server_commands.cc
void Info(const Args& args, Session& session, Reply& reply);
void Lolwut(const Args& args, Session& session, Reply& reply);
void Time(const Args& args, Session& session, Reply& reply);

// snapshot_commands.cc
void BgRewriteAof(const Args& args, Session& session, Reply& reply);
void BgSave(const Args& args, Session& session, Reply& reply);
void LastSave(const Args& args, Session& session, Reply& reply);
void SaveSnapshot(const Args& args, Session& session, Reply& reply);
void ShutdownServer(const Args& args, Session& session, Reply& reply);

// config_commands.cc
void ConfigGet(const Args& args, Session& session, Reply& reply);
void ConfigHelp(const Args& args, Session& session, Reply& reply);
void ConfigResetStat(const Args& args, Session& session, Reply& reply);
void ConfigRewrite(const Args& args, Session& session, Reply& reply);
void ConfigSet(const Args& args, Session& session, Reply& reply);

// debug.cc
void Debug(const Args& args, Session& session, Reply& reply);
// debug_protocol.cc
void DebugProtocol(const Args& args, Session& session, Reply& reply);

}  // namespace hearth
