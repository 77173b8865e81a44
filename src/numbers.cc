// Tested by tests/src/numbers_test.cc.
#include "src/numbers.h"

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/check.h"

namespace hearth {

std::optional<int64_t> ParseInt64(std::string_view text) {
  const size_t first_digit = text.starts_with('-') ? 1 : 0;
  if (first_digit >= text.size()) return std::nullopt;
  if (text[first_digit] == '0' && text.size() > 1) return std::nullopt;
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  if (text.empty() || text.size() >= kLongDoubleTextBytesMax) return std::nullopt;
  if (std::isspace(static_cast<unsigned char>(text[0]))) return std::nullopt;
  char terminated[kLongDoubleTextBytesMax];
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';

  char* stop = nullptr;
  errno = 0;
  const long double value = std::strtold(terminated, &stop);
  if (stop != terminated + text.size() || std::isnan(value)) return std::nullopt;
  const bool out_of_range = errno == ERANGE && (std::isinf(value) || value == 0);
  if (out_of_range) return std::nullopt;
  return value;
}

size_t FormatLongDouble(long double value, char* out) {
  const int printed = std::snprintf(out, kLongDoubleTextBytesMax, "%.17Lf", value);
  HEARTH_CHECK(printed > 0 && printed < static_cast<int>(kLongDoubleTextBytesMax));
  size_t size = static_cast<size_t>(printed);
  while (out[size - 1] == '0') --size;
  if (out[size - 1] == '.') --size;
  if (std::string_view(out, size) == "-0") {
    out[0] = '0';
    return 1;
  }
  return size;
}

}  // namespace hearth
