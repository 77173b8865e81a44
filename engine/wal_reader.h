#pragma once

// WalReader: reads the records of a RocksDB write-ahead log file without RocksDB.
//
//   file    = block*                      blocks of 32,768 bytes, the last one shorter
//   block   = fragment* padding           fewer than 7 bytes left = padding
//   fragment= crc:u32le length:u16le type:u8 bytes[length]
//   type    = 1 full | 2 first | 3 middle | 4 last
//   crc     = masked CRC-32C of type and bytes: rotate right 15, add 0xa282ead8
//   record  = seq:u64le count:u32le rows  (a WriteBatch)
//
// Source: RocksDB wiki, "Write Ahead Log File Format" and "WriteBatch". Recycled logs are never
// written here.
//
// Thread: one.
// Errors: damage ends the reading; damaged() tells, and valid_after_damage() whether a whole
//         fragment stands behind it (then it is no torn tail).

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/status.h"

namespace hearth {

class WalReader {
 public:
  // contents: the whole file, which must outlive the reader.
  explicit WalReader(std::string_view contents) : contents_(contents) {}

  struct Record {
    uint64_t seq = 0;
    uint32_t count = 0;
    std::string_view batch;  // valid until the next Read
  };
  // False at the end or at damage.
  bool Read(Record* record);
  // The same for any file in this format (the MANIFEST): the record's bytes alone.
  bool ReadBytes(std::string_view* bytes);

  bool damaged() const { return damaged_; }
  // Offset after the last whole record.
  uint64_t good_offset() const { return good_offset_; }
  // Whether a fragment with a right checksum follows the damage.
  bool valid_after_damage() const;

 private:
  bool ReadFragment(uint8_t* type, std::string_view* bytes);

  std::string_view contents_;
  uint64_t offset_ = 0;
  uint64_t good_offset_ = 0;
  bool damaged_ = false;
  std::string scratch_;
};

}  // namespace hearth
