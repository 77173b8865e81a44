#pragma once

// RowBatch: a WriteBatch that takes a row in pieces, in RocksDB's documented format
// (write_batch.cc):
//
//   batch = sequence:u64le count:u32le { record }
//   put   = 1:u8 key-size:varint key value-size:varint value
//
// It is made from a string and never cleared by RocksDB, so that RocksDB does not assume to know
// what kinds of records are in it.
//
// Thread: one at a time.

#include <rocksdb/write_batch.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace hearth {

// Bytes of memory that an empty batch keeps.
inline constexpr size_t kSpareBatchBytesMax = 4 << 20;

class RowBatch : public rocksdb::WriteBatch {
 public:
  RowBatch() : rocksdb::WriteBatch(std::string(kHeaderSize, '\0')) {}
  explicit RowBatch(const std::string& payload) : rocksdb::WriteBatch(payload) {}

  void Reset() { rep_.assign(kHeaderSize, '\0'); }
  // Leaves an empty batch with room for as much.
  std::string TakePayload();
  void AppendPut(std::string_view key_a, std::string_view key_b, std::string_view value_a,
                 std::string_view value_b, std::string_view value_c = {});

 private:
  static constexpr size_t kHeaderSize = 12;
};

}  // namespace hearth
