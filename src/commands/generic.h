#pragma once

// The functions of the commands for keys of any type and for whole databases; their rows stand in
// generic_table.cc.

#include "src/command.h"

namespace hearth {

// generic.cc
void Copy(const Args& args, Tx& tx, Reply& reply);
bool CopyKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys);
void Del(const Args& args, Tx& tx, Reply& reply);
void Exists(const Args& args, Tx& tx, Reply& reply);
void Move(const Args& args, Tx& tx, Reply& reply);
bool MoveKeys(const Args& args, uint32_t session_db, std::vector<KeyRef>* keys);
void Rename(const Args& args, Tx& tx, Reply& reply);
void RenameNx(const Args& args, Tx& tx, Reply& reply);
void Touch(const Args& args, Tx& tx, Reply& reply);
void Type(const Args& args, Tx& tx, Reply& reply);
std::string_view TypeName(ObjectType type);

// dump.cc
// What DUMP answers. Requires: object is the key's, live.
std::string DumpPayloadOf(Tx& tx, std::string_view key, const Object& object);
void Dump(const Args& args, Tx& tx, Reply& reply);
void Restore(const Args& args, Tx& tx, Reply& reply);

// object_info.cc
void ObjectEncoding(const Args& args, Tx& tx, Reply& reply);
void ObjectFreq(const Args& args, Tx& tx, Reply& reply);
void ObjectHelp(const Args& args, Tx& tx, Reply& reply);
void ObjectIdleTime(const Args& args, Tx& tx, Reply& reply);
void ObjectRefCount(const Args& args, Tx& tx, Reply& reply);

// database.cc
void FlushAll(const Args& args, Tx& tx, Reply& reply);
void FlushDb(const Args& args, Tx& tx, Reply& reply);
void SwapDb(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
