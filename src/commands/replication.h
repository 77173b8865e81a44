#pragma once

// The functions of the replication commands; their rows stand in replication_table.cc.

#include "src/command.h"

namespace hearth {

// replication.cc
void Failover(const Args& args, Session& session, Reply& reply);
void ReplicaOf(const Args& args, Session& session, Reply& reply);
void Role(const Args& args, Session& session, Reply& reply);

// replication_link.cc: what a replica's link sends.
void Psync(const Args& args, Session& session, Reply& reply);
void ReplConf(const Args& args, Session& session, Reply& reply);
void Sync(const Args& args, Session& session, Reply& reply);

// replication_wait.cc
void Wait(const Args& args, Session& session, Reply& reply);
void WaitAof(const Args& args, Session& session, Reply& reply);

}  // namespace hearth
