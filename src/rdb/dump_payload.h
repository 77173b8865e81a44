#pragma once

// DumpPayload: what DUMP answers and RESTORE takes: a value with its version and checksum.
//
//   payload = type u8, value, version u16 little-endian, CRC64 of all before u64 little-endian
//
// Thread: any; pure functions.

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/status.h"
#include "src/rdb/rdb_value.h"

namespace hearth {

// What RESTORE answers for a payload that VerifyDumpPayload refuses, and for one that verifies but
// holds no value.
inline constexpr std::string_view kErrDumpPayload =
    "ERR DUMP payload version or checksum are wrong";
inline constexpr std::string_view kErrDumpData = "ERR Bad data format";

// The version of what MakeDumpPayload writes (but for hashes with field expiry) and the newest
// that is read, but for kRdbVersionOfValkey.
inline constexpr uint16_t kRdbVersionWritten = 10;
inline constexpr uint16_t kRdbVersionMax = 12;

// The payload of a value. Requires: as WriteRdbValue.
std::string MakeDumpPayload(const RdbValue& value, const RdbEncodingLimits& limits = {});

// Whether a payload is whole and of a version that can be read; says nothing of the value in it.
bool VerifyDumpPayload(std::string_view payload);

// The value of a payload. Errors: Invalid when VerifyDumpPayload is false (kErrDumpPayload), else
// Corruption, with what is wrong as message (kErrDumpData).
Status ReadDumpPayload(std::string_view payload, RdbValue* value);

}  // namespace hearth
