#pragma once

// The functions of the list commands; their rows stand in list_table.cc.

#include <optional>

#include "engine/list.h"
#include "src/command.h"

namespace hearth {

// The key's list, or nullptr in *object when it is absent. False after a WRONGTYPE reply.
bool FindList(std::string_view key, Tx& tx, Reply& reply, const Object** object);

// LEFT or RIGHT; on nullopt the error is written.
std::optional<ListEnd> ReadListEnd(std::string_view argument, Reply& reply);

// list.cc
void LIndex(const Args& args, Tx& tx, Reply& reply);
void LInsert(const Args& args, Tx& tx, Reply& reply);
void LLen(const Args& args, Tx& tx, Reply& reply);
void LPos(const Args& args, Tx& tx, Reply& reply);
void LPush(const Args& args, Tx& tx, Reply& reply);
void LPushX(const Args& args, Tx& tx, Reply& reply);
void LRange(const Args& args, Tx& tx, Reply& reply);
void LRem(const Args& args, Tx& tx, Reply& reply);
void LSet(const Args& args, Tx& tx, Reply& reply);
void LTrim(const Args& args, Tx& tx, Reply& reply);
void RPush(const Args& args, Tx& tx, Reply& reply);
void RPushX(const Args& args, Tx& tx, Reply& reply);

// list_pop.cc
bool BLMPop(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
bool BLPop(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
bool BRPop(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
void LMPop(const Args& args, Tx& tx, Reply& reply);
void LPop(const Args& args, Tx& tx, Reply& reply);
void RPop(const Args& args, Tx& tx, Reply& reply);

// list_move.cc
bool BLMove(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
bool BRPopLPush(const Args& args, Tx& tx, Reply& reply, BlockRequest* request);
void LMove(const Args& args, Tx& tx, Reply& reply);
void RPopLPush(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
