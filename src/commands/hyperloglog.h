#pragma once

// The functions of the HyperLogLog commands; their rows stand in hyperloglog_table.cc.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/command.h"

namespace hearth {

// hll-sparse-max-bytes: a sparse HyperLogLog that would grow beyond it becomes dense, in bytes.
std::atomic<size_t>& HllSparseSizeMax();

void PfAdd(const Args& args, Tx& tx, Reply& reply);
void PfCount(const Args& args, Tx& tx, Reply& reply);
void PfDebug(const Args& args, Tx& tx, Reply& reply);
void PfMerge(const Args& args, Tx& tx, Reply& reply);
// The key specifications of PFMERGE want a source; without one the target is still a key.
bool PfMergeKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys);
void PfSelfTest(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
