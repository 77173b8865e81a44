#pragma once

// The functions of the hash commands; their rows stand in hash_table.cc.

#include "src/command.h"

namespace hearth {

// The key's hash, or nullptr in *object when it is absent. False after a WRONGTYPE reply.
bool FindHash(std::string_view key, Tx& tx, Reply& reply, const Object** object);

// hash.cc
void HDel(const Args& args, Tx& tx, Reply& reply);
void HExists(const Args& args, Tx& tx, Reply& reply);
void HGet(const Args& args, Tx& tx, Reply& reply);
void HGetAll(const Args& args, Tx& tx, Reply& reply);
void HKeys(const Args& args, Tx& tx, Reply& reply);
void HLen(const Args& args, Tx& tx, Reply& reply);
void HMGet(const Args& args, Tx& tx, Reply& reply);
void HMSet(const Args& args, Tx& tx, Reply& reply);
void HScan(const Args& args, Tx& tx, Reply& reply);
void HSet(const Args& args, Tx& tx, Reply& reply);
void HSetNx(const Args& args, Tx& tx, Reply& reply);
void HStrLen(const Args& args, Tx& tx, Reply& reply);
void HVals(const Args& args, Tx& tx, Reply& reply);

// hash_number.cc
void HIncrBy(const Args& args, Tx& tx, Reply& reply);
void HIncrByFloat(const Args& args, Tx& tx, Reply& reply);

// hash_random.cc
void HRandField(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
