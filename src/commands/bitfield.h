#pragma once

// BITFIELD and BITFIELD_RO; their rows stand in bitmap_table.cc.

#include "src/command.h"

namespace hearth {

void BitField(const Args& args, Tx& tx, Reply& reply);
void BitFieldRo(const Args& args, Tx& tx, Reply& reply);
// A call that only gets does not write.
void FindBitFieldKey(const Command& command, const Args& args, std::vector<KeyPlace>* places);

}  // namespace hearth
