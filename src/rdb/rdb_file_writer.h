#pragma once

// RdbFileWriter: writes an RDB file, entry by entry, as rdb_file_reader.h documents it.
//
// The file's version stands in front, but what needs a newer one may come late: then the writer
// stops, and its caller begins anew with kRdbVersionExpiringFields.
//
// Thread:   one at a time.
// Errors:   every call returns false once the sink has, or once needs_newer_version(): nothing is
//           written any more.
// Limits:   holds one entry, and kRdbWriteBytes of others.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "src/rdb/rdb_value.h"

namespace hearth {

// What a Redis 7.0 loads; what a Redis 7.4 loads: fields of hashes may expire.
inline constexpr int kRdbVersion = 10;
inline constexpr int kRdbVersionExpiringFields = 12;

inline constexpr size_t kRdbWriteBytes = size_t{64} << 10;
inline constexpr size_t kRdbWriteBytesMax = size_t{1} << 20;

class RdbFileWriter {
 public:
  // Takes the next bytes, kRdbWriteBytesMax at most; false: they can't be written.
  using Sink = std::function<bool(std::string_view bytes)>;
  // Requires: one of the two versions.
  RdbFileWriter(Sink sink, int version, const RdbEncodingLimits& limits);

  // In this order: fields, libraries, databases each followed by its keys, the end.
  bool Aux(std::string_view name, std::string_view text);
  bool Function(std::string_view code);
  // The counts are for whoever reads: what to make room for.
  bool SelectDb(uint64_t db, uint64_t key_count, uint64_t expiring_count);
  // expire_at_ms: -1 = never. Requires: as of WriteRdbValue.
  bool Key(std::string_view key, int64_t expire_at_ms, const RdbValue& value);
  // Writes the checksum and what is still held.
  bool Finish();

  bool good() const { return good_; }
  bool needs_newer_version() const { return needs_newer_version_; }
  // What the sink has taken.
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  void Byte(uint8_t byte) { buffer_.push_back(static_cast<char>(byte)); }
  bool EndEntry();
  bool Drain();

  const Sink sink_;
  const int version_;
  const RdbEncodingLimits limits_;
  std::string buffer_;
  uint64_t crc_ = 0;  // of what the sink has taken
  uint64_t size_bytes_ = 0;
  bool good_ = true;
  bool needs_newer_version_ = false;
};

}  // namespace hearth
