#pragma once

// BITFIELD and BITFIELD_RO; their rows stand in bitmap_table.cc.

#include "src/command.h"

namespace hearth {

void BitField(const Args& args, Tx& tx, Reply& reply);
void BitFieldRo(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
