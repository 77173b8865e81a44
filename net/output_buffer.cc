// Tested by tests/net/output_buffer_test.cc.
#include "net/output_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace hearth {
namespace {

// Chunk records of sent bytes are swept away in groups of this many.
constexpr size_t kDeadChunksMax = 64;

}  // namespace

OwnedBytes::OwnedBytes(size_t size) : data_(static_cast<char*>(std::malloc(size))), size_(size) {
  if (data_ == nullptr && size > 0) throw std::bad_alloc();
}

size_t OutputBuffer::Peek(iovec* pieces, size_t pieces_max, uint64_t up_to_offset) const {
  const uint64_t end = std::min(up_to_offset, end_offset());
  size_t count = 0;
  for (size_t i = first_; i < chunks_.size() && count < pieces_max; i++) {
    const Chunk& chunk = chunks_[i];
    const uint64_t chunk_end = i + 1 < chunks_.size() ? chunks_[i + 1].offset : end_offset();
    const uint64_t from = std::max(begin_offset_, chunk.offset);
    const uint64_t to = std::min(end, chunk_end);
    if (chunk.offset >= end) break;
    if (from >= to) continue;
    pieces[count++] = {chunk.data + (from - chunk.offset), static_cast<size_t>(to - from)};
  }
  return count;
}

void OutputBuffer::Consume(size_t size) {
  begin_offset_ += size;
  if (begin_offset_ == end_offset()) return Clear();
  while (first_ + 1 < chunks_.size() && chunks_[first_ + 1].offset <= begin_offset_) {
    FreeChunk(chunks_[first_++]);
  }
  if (first_ > kDeadChunksMax) {
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputBuffer::TruncateTo(uint64_t offset) {
  while (chunks_.size() > first_ && chunks_.back().offset >= offset) {
    FreeChunk(chunks_.back());
    chunks_.pop_back();
  }
  UseTail(offset);
  if (begin_offset_ == offset) Clear();
}

void OutputBuffer::Clear() {
  const uint64_t end = end_offset();
  while (first_ < chunks_.size()) FreeChunk(chunks_[first_++]);
  chunks_.clear();
  if (chunks_.capacity() > kDeadChunksMax) chunks_.shrink_to_fit();
  first_ = 0;
  begin_offset_ = end;
  UseTail(end);
}

void OutputBuffer::AddChunk(size_t size) {
  if (size <= kBlockBytes) return AddChunk(TakeBlock(), kBlockBytes);
  AddChunk(OwnedBytes(size).release(), size);
}

void OutputBuffer::AddChunk(char* data, size_t capacity) {
  const uint64_t offset = end_offset();
  memory_bytes_ += capacity;
  chunks_.push_back({data, capacity, offset});
  UseTail(offset);
}

// Small ones go where there is room: a chunk of a block's size is given to the pool.
void OutputBuffer::Adopt(OwnedBytes bytes) {
  const size_t size = bytes.size();
  if (size <= kBlockBytes) return Append({bytes.data(), size});
  AddChunk(bytes.release(), size);
  Commit(size);
}

void OutputBuffer::MoveTo(OutputBuffer* to) {
  for (size_t i = first_; i < chunks_.size(); ++i) {
    const uint64_t begin = std::max(chunks_[i].offset, begin_offset_);
    const uint64_t end = i + 1 < chunks_.size() ? chunks_[i + 1].offset : end_offset();
    to->Append({chunks_[i].data + (begin - chunks_[i].offset), end - begin});
  }
  Clear();
}

void OutputBuffer::FreeChunk(const Chunk& chunk) {
  memory_bytes_ -= chunk.capacity;
  if (chunk.capacity == kBlockBytes) {
    GiveBlock(chunk.data);
  } else {
    std::free(chunk.data);
  }
}

// Points the write position at `end_offset`, which lies in the last chunk, or nowhere.
void OutputBuffer::UseTail(uint64_t end_offset) {
  if (first_ == chunks_.size()) {
    tail_ = write_ = limit_ = nullptr;
    tail_offset_ = end_offset;
    return;
  }
  const Chunk& chunk = chunks_.back();
  tail_ = chunk.data;
  tail_offset_ = chunk.offset;
  write_ = chunk.data + (end_offset - chunk.offset);
  limit_ = chunk.data + chunk.capacity;
}

}  // namespace hearth
