// Tested by tests/engine/hash_test.cc.
#include "engine/exact_buffer.h"

#include <cstdlib>
#include <cstring>
#include <new>

#ifdef HEARTH_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif

namespace hearth {
namespace {

char* Resize(char* bytes, size_t size) {
  auto* resized = static_cast<char*>(std::realloc(bytes, size));
  if (resized == nullptr) throw std::bad_alloc();
  return resized;
}

}  // namespace

char* SpliceExact(char* bytes, size_t size, size_t offset, size_t remove_size,
                  std::string_view insert) {
  const size_t new_size = size - remove_size + insert.size();
  const size_t tail_size = size - offset - remove_size;
  if (new_size > size) bytes = Resize(bytes, new_size);
  if (tail_size > 0 && remove_size != insert.size()) {
    std::memmove(bytes + offset + insert.size(), bytes + offset + remove_size, tail_size);
  }
  if (!insert.empty()) std::memcpy(bytes + offset, insert.data(), insert.size());
  if (new_size < size && new_size > 0) bytes = Resize(bytes, new_size);
  return bytes;
}

size_t AllocatedSize(const void* bytes) {
  return bytes == nullptr ? 0 : malloc_usable_size(const_cast<void*>(bytes));
}

}  // namespace hearth
