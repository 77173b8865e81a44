// Tested through tests/net/output_buffer_test.cc and tests/net/request_parser_test.cc.
#include "net/block_pool.h"

#include <cstdlib>
#include <new>

namespace hearth {
namespace {

struct Stock {
  char* blocks[kPooledBlocksMax];
  size_t count = 0;

  ~Stock() {
    while (count > 0) std::free(blocks[--count]);
  }
};

thread_local Stock stock;

}  // namespace

char* TakeBlock() {
  if (stock.count > 0) return stock.blocks[--stock.count];
  void* block = std::malloc(kBlockBytes);
  if (block == nullptr) throw std::bad_alloc();
  return static_cast<char*>(block);
}

void GiveBlock(char* block) {
  if (stock.count < kPooledBlocksMax) {
    stock.blocks[stock.count++] = block;
  } else {
    std::free(block);
  }
}

}  // namespace hearth
