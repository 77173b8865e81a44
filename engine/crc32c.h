#pragma once

// Crc32c: the checksum of RocksDB's logs (Castagnoli, reflected polynomial 0x82f63b78), by the
// processor's instruction where it has one.
//
// Debian's RocksDB is built without that instruction and spends a tenth of a writer's time on the
// checksums of its log. Its own function, rocksdb::crc32c::Extend, is reached through the dynamic
// linker, which prefers a definition in the program: crc32c.cc has one.
//
// Thread: any; pure.

#include <cstdint>
#include <string_view>

namespace hearth {

// The checksum of bytes, going on from crc (0 at first).
uint32_t Crc32c(uint32_t crc, std::string_view bytes);

// The same without the instruction.
uint32_t Crc32cByTable(uint32_t crc, std::string_view bytes);

}  // namespace hearth
