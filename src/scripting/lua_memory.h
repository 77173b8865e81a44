#pragma once

// LuaMemory: what one Lua interpreter allocates, with a bound.
//
// Beyond the bound an allocation fails, which Lua turns into the error "not enough memory" of the
// script that asked.
//
// Thread:   the interpreter's.
// Lifetime: its lua_State's.
// Limits:   set_limit; what is gathered outside of it (by cjson, cmsgpack, struct, for the reply)
//           is bounded by bytes_max() each.

#include <cstddef>
#include <cstdlib>

namespace hearth {

class LuaMemory {
 public:
  void set_limit(size_t bytes_max) { bytes_max_ = bytes_max; }
  size_t used_bytes() const { return used_bytes_; }
  size_t bytes_max() const { return bytes_max_; }

  // A lua_Alloc.
  static void* Allocate(void* self, void* block, size_t old_size, size_t new_size) {
    return static_cast<LuaMemory*>(self)->Resize(block, old_size, new_size);
  }

 private:
  void* Resize(void* block, size_t old_size, size_t new_size) {
    if (block == nullptr) old_size = 0;
    if (new_size == 0) {
      std::free(block);
      used_bytes_ -= old_size;
      return nullptr;
    }
    if (new_size > old_size && new_size - old_size > bytes_max_ - used_bytes_) return nullptr;
    void* const moved = std::realloc(block, new_size);
    if (moved != nullptr) used_bytes_ += new_size - old_size;
    return moved;
  }

  size_t used_bytes_ = 0;
  size_t bytes_max_ = size_t{1} << 30;  // above used_bytes_, always
};

}  // namespace hearth
