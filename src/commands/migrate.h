#pragma once

// MIGRATE; its row stands in dump_table.cc.

#include "src/command.h"
#include "src/key_finder.h"

namespace hearth {

// Requires: the keys are held by the Tx, until the target has answered: at most for MIGRATE's
// timeout a write, and a reply. Commands on other keys of the same shards wait.
void Migrate(const Args& args, Tx& tx, Reply& reply);
void FindMigrateKeys(const Command& command, const Args& args, std::vector<KeyPlace>* places);

}  // namespace hearth
