#pragma once

// RdbText: values and bytes as text, for comparing and for writing them down in tests.

#include <string>
#include <string_view>

#include "src/rdb/rdb_file_reader.h"
#include "src/rdb/rdb_value.h"

namespace hearth {

// Pairs of hexadecimal digits; spaces between them are skipped.
std::string FromHex(std::string_view hex);
std::string ToHex(std::string_view bytes);

// A value in one line: "text", [a, b], {a, b}, {a=1.5}, {f: v @expiry}, and for streams
// entries; counters; groups.
std::string Printed(const RdbValue& value);

// What ReadRdbValue makes of a value's bytes: Printed(), with what is left behind it, or the error.
std::string ReadAndPrint(uint8_t type, std::string_view bytes);

// An entry of a file, which is not its end.
std::string PrintEntry(const RdbEntry& entry);

// The same of a whole payload.
std::string ReadDumpAndPrint(std::string_view payload);

}  // namespace hearth
