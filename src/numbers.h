#pragma once

// Numbers: integers and long doubles as Redis reads them from arguments and writes them to values.
//
// Thread: any; pure functions.
// Errors: text that is not such a number is nullopt.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hearth {

// A 64-bit signed decimal in its one canonical form: no spaces, no plus sign, no leading zeros,
// no "-0" (Redis' string2ll).
std::optional<int64_t> ParseInt64(std::string_view text);

// Anything strtold reads to its end, hexadecimal and infinities included; no leading space, no
// NaN, nothing outside the range of long double (Redis' string2ld).
std::optional<long double> ParseLongDouble(std::string_view text);

// Longest text that ParseLongDouble reads and FormatLongDouble writes, in bytes.
inline constexpr size_t kLongDoubleTextBytesMax = 5 * 1024;

// Writes value with 17 digits after the point, without trailing zeros, never with an exponent
// (Redis' "human friendly" form). Returns the size in bytes.
// Requires: value is finite; room for kLongDoubleTextBytesMax.
size_t FormatLongDouble(long double value, char* out);

}  // namespace hearth
