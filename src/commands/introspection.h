#pragma once

// The functions of the commands that look into the server; their rows stand in
// introspection_table.cc.

#include "src/command.h"

namespace hearth {

// command_command.cc
void CommandAll(const Args& args, Session& session, Reply& reply);
void CommandCount(const Args& args, Session& session, Reply& reply);
void CommandDocs(const Args& args, Session& session, Reply& reply);
void CommandGetKeys(const Args& args, Session& session, Reply& reply);
void CommandGetKeysAndFlags(const Args& args, Session& session, Reply& reply);
void CommandHelp(const Args& args, Session& session, Reply& reply);
void CommandInfo(const Args& args, Session& session, Reply& reply);
void CommandList(const Args& args, Session& session, Reply& reply);

// absent_features.cc
void ClusterDisabled(const Args& args, Session& session, Reply& reply);
void ModuleChange(const Args& args, Session& session, Reply& reply);
void ModuleHelp(const Args& args, Session& session, Reply& reply);
void ModuleList(const Args& args, Session& session, Reply& reply);

// memory_commands.cc
void MemoryDoctor(const Args& args, Session& session, Reply& reply);
void MemoryHelp(const Args& args, Session& session, Reply& reply);
void MemoryMallocStats(const Args& args, Session& session, Reply& reply);
void MemoryPurge(const Args& args, Session& session, Reply& reply);
void MemoryStats(const Args& args, Session& session, Reply& reply);
void MemoryUsage(const Args& args, Tx& tx, Reply& reply);

// slow_log_commands.cc
void SlowlogGet(const Args& args, Session& session, Reply& reply);
void SlowlogHelp(const Args& args, Session& session, Reply& reply);
void SlowlogLen(const Args& args, Session& session, Reply& reply);
void SlowlogReset(const Args& args, Session& session, Reply& reply);

// latency_commands.cc
void LatencyDoctor(const Args& args, Session& session, Reply& reply);
void LatencyGraph(const Args& args, Session& session, Reply& reply);
void LatencyHelp(const Args& args, Session& session, Reply& reply);
void LatencyHistogram(const Args& args, Session& session, Reply& reply);
void LatencyHistory(const Args& args, Session& session, Reply& reply);
void LatencyLatest(const Args& args, Session& session, Reply& reply);
void LatencyReset(const Args& args, Session& session, Reply& reply);

}  // namespace hearth
