#pragma once

// The functions of the bitmap commands; their rows stand in bitmap_table.cc.

#include <cstdint>
#include <optional>

#include "src/command.h"

namespace hearth {

// A bit's place in a string, in bits from the start, as GETBIT, SETBIT and BITFIELD take it;
// "#n" stands for the n-th field of field_bits bits, when that is not 0. On nullopt, also for one
// that no string reaches, the error is written.
std::optional<uint64_t> ReadBitOffset(std::string_view argument, uint32_t field_bits, Reply& reply);

// bitmap.cc
void BitCount(const Args& args, Tx& tx, Reply& reply);
void BitOp(const Args& args, Tx& tx, Reply& reply);
void BitPos(const Args& args, Tx& tx, Reply& reply);
void GetBit(const Args& args, Tx& tx, Reply& reply);
void SetBit(const Args& args, Tx& tx, Reply& reply);

}  // namespace hearth
