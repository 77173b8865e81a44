#pragma once

// RdbFileReader: reads an RDB file as it comes, one entry at a time: what a Redis primary sends for
// a full resync.
//
//   file   = head, entry*, 0xff, CRC64 of all before u64le (0: none)
//   head   = "REDIS" version:4 digits | "VALKEY" version:3 digits
//   entry  = { 0xfd seconds i32le | 0xfc ms i64le | 0xf8 idle seconds length | 0xf9 frequency u8 }
//            type u8, key string, value
//          | 0xfe db length | 0xfb keys length, expiring length | 0xfa name string, value string
//          | 0xf5 function library string | 0xf4 slot length, keys length, expiring length
//          | 0xf7 module's (refused) | 0xf6 function of a pre-release (refused)
//
// Values are cut out of the stream here and decoded by ReadRdbValue (rdb_value.h).
//
// Thread:   one at a time.
// Lifetime: an entry's views die with the next Next().
// Errors:   Corruption: not such a file, or it does not match its checksum, or an entry is too big;
//           Invalid: what no file of that kind can be read for (modules, versions, types that are
//           not known). After one the reader is of no more use.
// Limits:   holds one entry of at most entry_bytes_max, in memory that grows with what has come,
//           and kRdbReadBytes.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/status.h"

namespace hearth {

inline constexpr int kRdbFileVersionMax = 12;
inline constexpr size_t kRdbReadBytes = 64 * 1024;

struct RdbEntry {
  enum class Kind : uint8_t { kKey, kFunction, kAux, kEnd };
  Kind kind = Kind::kEnd;
  uint64_t db = 0;
  std::string key;                   // kAux: the field's name
  uint8_t type = 0;                  // kKey: of the value, for ReadRdbValue
  std::string_view value;            // kKey: encoded
  std::string text;                  // kFunction: the library's code; kAux: the field's value
  int64_t expire_at_ms = -1;         // -1: does not expire
  std::optional<int64_t> idle_s;     // of the last use, >= 0
  std::optional<int64_t> frequency;  // 0 to 255
};

class RdbFileReader {
 public:
  // read fills at least one byte of the span and returns how many; 0: nothing more comes.
  using Read = std::function<size_t(std::span<char>)>;
  RdbFileReader(Read read, size_t entry_bytes_max)
      : read_(std::move(read)), entry_bytes_max_(entry_bytes_max) {}

  // The next entry; kEnd once, when the file is whole and its checksum right.
  Status Next(RdbEntry* entry);
  // What was read behind the file's end.
  std::string_view rest() const { return std::string_view(buffer_).substr(at_, end_ - at_); }
  int version() const { return version_; }

 private:
  bool Need(size_t size);
  bool Skip(uint64_t size);
  bool Byte(uint8_t* value);
  bool Fixed(size_t size, uint64_t* value);
  bool Length(uint64_t* value, bool* is_encoding = nullptr);
  bool SkipString();
  bool String(std::string* value);
  bool SkipMany(uint64_t count, bool (RdbFileReader::*skip)());
  bool SkipLength();
  bool SkipPair();
  bool SkipTextDouble();
  bool SkipTextScored();
  bool SkipBinaryScored();
  bool SkipExpiringField();
  bool SkipFieldOfValkey();
  bool SkipNode();
  bool SkipCounted(bool (RdbFileReader::*skip)());
  bool SkipStream(uint8_t type);
  bool SkipGroup(uint8_t type);
  bool SkipValue(uint8_t type);
  bool ReadHeader();
  bool ReadEnd();
  bool ReadKey(uint8_t type, RdbEntry* entry);
  // True: the entry is whole; false: an error, or go on with another opcode.
  bool ReadOpcode(uint8_t opcode, RdbEntry* entry, bool* is_whole);
  bool Fail(Status status);
  bool Damaged(const char* what) { return Fail(Status::Corruption(what)); }
  void EndEntry();

  const Read read_;
  const size_t entry_bytes_max_;
  std::string buffer_;
  size_t begin_ = 0, at_ = 0, end_ = 0;  // of the entry; of what is not taken; of what was read
  uint64_t crc_ = 0;                     // of everything before begin_
  uint64_t db_ = 0;
  int version_ = 0;
  Status status_;
};

}  // namespace hearth
