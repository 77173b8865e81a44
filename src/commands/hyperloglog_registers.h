#pragma once

// HyperLogLog: the approximate count of distinct elements, kept as a string in Redis' own format.
//
// An element's hash picks one of 16384 registers and a rank; a register keeps the greatest rank
// that it saw, and the histogram of all registers gives the count within 0.81 % (standard error).
//
//   string  = header body                                     the header has 16 bytes
//   header  = "HYLL" encoding unused(3) count(8)              encoding: 0 dense, 1 sparse
//   count   = the last answer, little-endian; the top bit of its last byte says that it is old
//   dense   = 16384 registers of 6 bits, the first in the lowest bits of the first byte
//   sparse  = run ...                                         runs cover exactly 16384 registers
//   run     = 00nnnnnn            n + 1 registers of 0
//           | 01nnnnnn nnnnnnnn   n + 1 registers of 0
//           | 1vvvvvnn            n + 1 registers of v + 1, up to 32
//
// Which runs stand for given registers is left open by the grammar; the functions below make the
// same ones as Redis in the same order of changes, so that strings are equal to the byte.
//
// Thread: any; pure functions.
// Errors: strings come from clients. Whatever has a valid header may be passed; a body that is
//         not what the grammar says is reported as corrupted, and nothing is read outside of it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth {

inline constexpr uint32_t kHllRegisterCount = 16384;
inline constexpr size_t kHllHeaderSize = 16;
inline constexpr size_t kHllDenseSize = kHllHeaderSize + kHllRegisterCount * 6 / 8;
inline constexpr size_t kHllCountOffset = 8;  // of the header's count
inline constexpr size_t kHllCountSize = 8;

// What an element does: the register is to be at least the rank (1 to 51).
struct HllMark {
  uint32_t index;
  uint8_t rank;
};
HllMark HllMarkOf(std::string_view element);

using HllRegisters = std::array<uint8_t, kHllRegisterCount>;

// Whether the header, and the size of a dense string, are those of a HyperLogLog.
bool IsHll(std::string_view text);
// Requires, here and below: IsHll.
bool IsDenseHll(std::string_view hll);
// A sparse one without elements, its count valid.
std::string EmptyHll();

// The header's count, unless it is old.
std::optional<uint64_t> CachedHllCount(std::string_view hll);
void StoreHllCount(std::string* hll, uint64_t count);
void MarkHllCountOld(std::string* hll);

// Requires: dense.
uint8_t DenseHllRegister(std::string_view hll, uint32_t index);
// Where the register starts, in bytes from the string's start; it may reach into the next byte.
size_t DenseHllRegisterOffset(uint32_t index);
// Gives the register the rank. bytes: the part of a dense string from its byte `first` on.
// Requires: the register lies in the part.
void SetDenseHllRegister(std::string* bytes, size_t first, HllMark mark);

enum class HllChange : uint8_t { kNone, kChanged, kCorrupted };

// Marks a sparse or dense string; a sparse one becomes dense when a rank above 32 comes or it would
// grow beyond sparse_size_max bytes. The header's count stays as it is.
HllChange MarkHll(std::string* hll, HllMark mark, size_t sparse_size_max);
// False when corrupted.
[[nodiscard]] bool MakeHllDense(std::string* hll);

// Raises the registers to those of the string. False when corrupted.
[[nodiscard]] bool MergeHll(std::string_view hll, HllRegisters* registers);
// The count that the registers tell; nullopt = corrupted.
std::optional<uint64_t> CountHll(std::string_view hll);
uint64_t CountHllRegisters(const HllRegisters& registers);
// The runs of a sparse string as text: "Z:n" and "z:n" for zeros, "v:value,n", spaces between.
std::string DescribeSparseHll(std::string_view hll);

}  // namespace hearth
