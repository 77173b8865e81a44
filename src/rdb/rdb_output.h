#pragma once

// RdbOutput: writes the scalars that RdbInput reads (rdb_input.h has the format), as Redis does: a
// length in its shortest form, a string as an integer or compressed where that is shorter.
//
// Thread: any; pure functions.

#include <cstdint>
#include <string>
#include <string_view>

#include "src/rdb/rdb_value.h"

namespace hearth::rdb {

void AppendLength(uint64_t value, std::string* out);
void AppendString(std::string_view value, bool compress, std::string* out);
void AppendFixed64(uint64_t value, std::string* out);  // little-endian
void AppendBinaryDouble(double value, std::string* out);
void AppendRawStreamId(const RdbStreamId& id, std::string* out);
void AppendLengthStreamId(const RdbStreamId& id, std::string* out);

}  // namespace hearth::rdb
