#pragma once

// MIGRATE; its row stands in dump_table.cc.

#include "src/command.h"
#include "src/key_finder.h"

namespace hearth {

// Requires: the keys are held by the Tx, until the target has answered. Commands on other keys of
// the same shards wait meanwhile, as does all of redis-server, and so do this worker's other
// connections: for the target's name to be resolved (as long as the system's resolver takes: give
// an address), and then at most MIGRATE's timeout for the connection, for each command that is
// sent, and for each reply.
void Migrate(const Args& args, Tx& tx, Reply& reply);
void FindMigrateKeys(const Command& command, const Args& args, std::vector<KeyPlace>* places);

}  // namespace hearth
