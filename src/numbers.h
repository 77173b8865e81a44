#pragma once

// Numbers: the decimal texts that commands take and give, exactly as Redis reads and prints them.
//
// Thread: any; pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth {

// A 64-bit signed decimal: no spaces, no plus sign, no leading zeros, no "-0".
std::optional<int64_t> ParseInt64(std::string_view text);

// A floating-point decimal, exponents, "inf" and hexadecimal included; no spaces, never NaN.
std::optional<long double> ParseLongDouble(std::string_view text);
std::optional<double> ParseDouble(std::string_view text);

// Plain decimal notation with up to 17 digits behind the point, trailing zeros cut: what
// INCRBYFLOAT stores and answers.
std::string FormatLongDouble(long double value);

// Case-insensitive equality with an upper-case ASCII word.
bool IsWord(std::string_view text, std::string_view upper_word);

}  // namespace hearth
