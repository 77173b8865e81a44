#pragma once

// ExactBuffer: bytes in an allocation that is as large as they are, for objects that count every
// byte: the owner keeps address and size.
//
// Thread: the owner's.

#include <cstddef>
#include <string_view>

namespace hearth {

// Replaces remove_size bytes at offset by others. bytes: of malloc, or null; size: before; insert
// may not point into them. Returns where they are now; those of no bytes stay allocated.
char* SpliceExact(char* bytes, size_t size, size_t offset, size_t remove_size,
                  std::string_view insert);

// What the allocator gave; 0 for null.
size_t AllocatedSize(const void* bytes);

}  // namespace hearth
