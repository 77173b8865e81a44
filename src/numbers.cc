// Tested by tests/src/numbers_test.cc.
#include "src/numbers.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace hearth {
namespace {

// The longest value that INCRBYFLOAT writes has 4953 digits; it must be readable again.
constexpr size_t kNumberTextMax = 5 * 1024;

// Runs a strtod-like function over a text that must be a number as a whole.
template <typename Number, typename Parse>
std::optional<Number> ParseWhole(std::string_view text, Parse parse) {
  if (text.empty() || text.size() >= kNumberTextMax) return std::nullopt;
  if (std::isspace(static_cast<unsigned char>(text[0]))) return std::nullopt;
  char buffer[kNumberTextMax];
  text.copy(buffer, text.size());
  buffer[text.size()] = '\0';
  char* end = nullptr;
  errno = 0;
  const Number value = parse(buffer, &end);
  if (end != buffer + text.size() || std::isnan(value)) return std::nullopt;
  const bool out_of_range = errno == ERANGE && (value == 0 || value == HUGE_VALL ||
                                                value == -HUGE_VALL || std::isinf(value));
  return out_of_range ? std::nullopt : std::optional<Number>(value);
}

}  // namespace

std::optional<int64_t> ParseInt64(std::string_view text) {
  if (text.empty() || text.size() > 20) return std::nullopt;
  const std::string_view digits = text[0] == '-' ? text.substr(1) : text;
  if (digits.empty() || digits[0] < '0' || digits[0] > '9') return std::nullopt;
  if (digits[0] == '0' && text.size() > 1) return std::nullopt;
  int64_t value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  return ParseWhole<long double>(
      text, [](const char* from, char** end) { return std::strtold(from, end); });
}

std::optional<double> ParseDouble(std::string_view text) {
  // Most numbers are plain; what may be something else (a plus sign, hexadecimal digits, a value
  // out of range) takes the long way.
  double plain;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, plain);
  if (error == std::errc() && stop == end && std::isfinite(plain)) return plain;
  return ParseWhole<double>(text,
                            [](const char* from, char** end) { return std::strtod(from, end); });
}

std::string FormatLongDouble(long double value) {
  char buffer[kNumberTextMax];
  const int size = std::snprintf(buffer, sizeof(buffer), "%.17Lf", value);
  std::string text(buffer, static_cast<size_t>(size));
  if (text.find('.') != std::string::npos) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

bool IsWord(std::string_view text, std::string_view upper_word) {
  if (text.size() != upper_word.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'a' && c <= 'z' ? c - 32 : c) != upper_word[i]) return false;
  }
  return true;
}

}  // namespace hearth
