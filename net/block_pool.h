#pragma once

// BlockPool: a small per-thread stock of equal blocks for socket buffers.
//
// An idle connection holds no buffer: it borrows a block when bytes arrive or leave and gives it
// back when they are gone, so the steady state allocates nothing and ten thousand idle
// connections cost nothing here.
//
// Thread:   each thread has its own stock; a block may be given back on another thread.
// Limits:   at most kPooledBlocksMax blocks wait in a stock, the rest go back to the allocator.

#include <cstddef>

namespace hearth {

inline constexpr size_t kBlockBytes = 16 * 1024;
inline constexpr size_t kPooledBlocksMax = 256;

// A block of kBlockBytes, owned by the caller.
char* TakeBlock();

// Gives back what TakeBlock() returned.
void GiveBlock(char* block);

}  // namespace hearth
