#pragma once

// Crc64: the checksum of DUMP payloads and RDB files.
//
// Polynomial 0xad93d23594c935a9 (David T. Jones), reflected in and out, start 0, no final
// complement; of "123456789" it is 0xe9c6d914c4b8d9ca.
//
// Thread: any; pure function.

#include <cstdint>
#include <string_view>

namespace hearth::rdb {

// Continues a checksum (0 at the start) over the next bytes.
uint64_t Crc64(uint64_t crc, std::string_view bytes);

}  // namespace hearth::rdb
