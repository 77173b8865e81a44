#pragma once

// The functions of the string commands; their rows stand in string_table.cc.

#include "src/command.h"

namespace hearth {

// The key's string, or nullptr in *object when it is absent. False after a WRONGTYPE reply.
bool FindString(std::string_view key, Tx& tx, Reply& reply, const Object** object);

// string.cc
void Get(const Args& args, Tx& tx, Reply& reply);
void GetDel(const Args& args, Tx& tx, Reply& reply);
void GetEx(const Args& args, Tx& tx, Reply& reply);
void GetSet(const Args& args, Tx& tx, Reply& reply);
void MGet(const Args& args, Tx& tx, Reply& reply);
void MSet(const Args& args, Tx& tx, Reply& reply);
void MSetEx(const Args& args, Tx& tx, Reply& reply);
void MSetNx(const Args& args, Tx& tx, Reply& reply);
void PSetEx(const Args& args, Tx& tx, Reply& reply);
void Set(const Args& args, Tx& tx, Reply& reply);
void SetEx(const Args& args, Tx& tx, Reply& reply);
void SetNx(const Args& args, Tx& tx, Reply& reply);
// What SET does to its key hangs on GET and IFEQ among its options.
bool SetAsksForValue(const Args& args);
void FindSetKey(const Command& command, const Args& args, std::vector<KeyPlace>* places);

// counter.cc
void Decr(const Args& args, Tx& tx, Reply& reply);
void DecrBy(const Args& args, Tx& tx, Reply& reply);
void Incr(const Args& args, Tx& tx, Reply& reply);
void IncrBy(const Args& args, Tx& tx, Reply& reply);
void IncrByFloat(const Args& args, Tx& tx, Reply& reply);

// string_range.cc
void Append(const Args& args, Tx& tx, Reply& reply);
void GetRange(const Args& args, Tx& tx, Reply& reply);
void SetRange(const Args& args, Tx& tx, Reply& reply);
void StrLen(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
