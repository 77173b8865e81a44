#pragma once

// The functions of the set commands; their rows stand in set_table.cc.

#include "src/command.h"

namespace hearth {

// The key's set, or nullptr in *object when it is absent. False after a WRONGTYPE reply.
bool FindSet(std::string_view key, Tx& tx, Reply& reply, const Object** object);

// set.cc
void SAdd(const Args& args, Tx& tx, Reply& reply);
void SCard(const Args& args, Tx& tx, Reply& reply);
void SIsMember(const Args& args, Tx& tx, Reply& reply);
void SMembers(const Args& args, Tx& tx, Reply& reply);
void SMIsMember(const Args& args, Tx& tx, Reply& reply);
void SMove(const Args& args, Tx& tx, Reply& reply);
void SRem(const Args& args, Tx& tx, Reply& reply);
void SScan(const Args& args, Tx& tx, Reply& reply);

// set_random.cc
void SPop(const Args& args, Tx& tx, Reply& reply);
void SRandMember(const Args& args, Tx& tx, Reply& reply);

// set_algebra.cc
void SDiff(const Args& args, Tx& tx, Reply& reply);
void SDiffStore(const Args& args, Tx& tx, Reply& reply);
void SInter(const Args& args, Tx& tx, Reply& reply);
void SInterCard(const Args& args, Tx& tx, Reply& reply);
void SInterStore(const Args& args, Tx& tx, Reply& reply);
void SUnion(const Args& args, Tx& tx, Reply& reply);
void SUnionStore(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
