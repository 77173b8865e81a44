#pragma once

// OutputBuffer: an append-only queue of bytes on their way to a socket.
//
// Bytes have logical offsets that never restart: the first byte ever appended is at 0, the next
// to be sent at begin_offset(), the next to be appended at end_offset(). Chunks of kBlockBytes
// come from the thread's block pool; a piece larger than that gets a chunk of its own size. An
// empty buffer holds no chunk.
//
// Thread:   one at a time, the connection's worker.
// Lifetime: pointers from Reserve() die with the next call; what Peek() shows, with Consume() or
//           TruncateTo().
// Limits:   none of its own; Connection bounds what may pile up.

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "net/block_pool.h"

namespace hearth {

// Bytes in memory of malloc. May be made and filled by any thread.
class OwnedBytes {
 public:
  OwnedBytes() = default;
  // Throws std::bad_alloc.
  explicit OwnedBytes(size_t size);
  char* data() const { return data_.get(); }
  size_t size() const { return size_; }
  char* release() { return data_.release(); }

 private:
  struct Free {
    void operator()(char* data) const { std::free(data); }
  };
  std::unique_ptr<char, Free> data_;
  size_t size_ = 0;
};

class OutputBuffer {
 public:
  OutputBuffer() = default;
  ~OutputBuffer() { Clear(); }
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;

  // Room for `size` contiguous bytes; what was written there counts once Commit() tells how many.
  char* Reserve(size_t size) {
    if (static_cast<size_t>(limit_ - write_) < size) [[unlikely]]
      AddChunk(size);
    return write_;
  }
  void Commit(size_t size) { write_ += size; }

  void Append(std::string_view bytes) {
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    Commit(bytes.size());
  }

  // Appends big ones without a copy: their memory becomes a chunk.
  void Adopt(OwnedBytes bytes);

  uint64_t begin_offset() const { return begin_offset_; }
  uint64_t end_offset() const { return tail_offset_ + static_cast<uint64_t>(write_ - tail_); }
  size_t size_bytes() const { return static_cast<size_t>(end_offset() - begin_offset_); }
  bool empty() const { return end_offset() == begin_offset_; }

  // What the chunks occupy, sent and free parts included.
  size_t memory_bytes() const { return memory_bytes_; }

  // Fills up to `pieces_max` pieces with the oldest bytes below `up_to_offset`; returns how many.
  size_t Peek(iovec* pieces, size_t pieces_max, uint64_t up_to_offset) const;

  // Drops the oldest `size` bytes. Requires: size <= size_bytes().
  void Consume(size_t size);

  // Appends all that is not sent to another buffer, and drops it here.
  void MoveTo(OutputBuffer* to);

  // Drops everything at and after `offset`. Requires: begin_offset() <= offset <= end_offset().
  void TruncateTo(uint64_t offset);

  // Drops everything; the offsets go on.
  void Clear();

 private:
  struct Chunk {
    char* data;
    size_t capacity;
    uint64_t offset;  // of data[0]
  };

  void AddChunk(size_t size);
  void AddChunk(char* data, size_t capacity);
  void FreeChunk(const Chunk& chunk);
  void UseTail(uint64_t end_offset);

  std::vector<Chunk> chunks_;  // from first_ on; those before are gone
  size_t first_ = 0;
  char* tail_ = nullptr;   // data of the last chunk
  char* write_ = nullptr;  // in the last chunk
  char* limit_ = nullptr;
  uint64_t tail_offset_ = 0;
  uint64_t begin_offset_ = 0;
  size_t memory_bytes_ = 0;
};

}  // namespace hearth
