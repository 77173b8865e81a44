// Tested by tests/net/reply_test.cc.
#include "net/reply.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace hearth {
namespace {

// Type, sign, 19 digits, CR LF.
constexpr size_t kNumberLineBytesMax = 24;
constexpr int64_t kPreparedCount = 1024;

// "<digits>\r\n" of a small number, copied as eight bytes whatever its size.
struct PreparedLine {
  char text[7];
  uint8_t size;
};
static_assert(sizeof(PreparedLine) == 8);

constexpr std::array<PreparedLine, kPreparedCount> PrepareLines() {
  std::array<PreparedLine, kPreparedCount> lines{};
  for (int number = 0; number < kPreparedCount; number++) {
    int digits = number >= 1000 ? 4 : number >= 100 ? 3 : number >= 10 ? 2 : 1;
    PreparedLine& line = lines[static_cast<size_t>(number)];
    int rest = number;
    for (int i = digits - 1; i >= 0; i--, rest /= 10) {
      line.text[i] = static_cast<char>('0' + rest % 10);
    }
    line.text[digits] = '\r';
    line.text[digits + 1] = '\n';
    line.size = static_cast<uint8_t>(digits + 2);
  }
  return lines;
}

constexpr std::array<PreparedLine, kPreparedCount> kPreparedLines = PrepareLines();

// Writes "<type><value>\r\n"; returns the end. Requires: kNumberLineBytesMax bytes of room.
inline char* PutNumberLine(char* out, char type, int64_t value) {
  *out++ = type;
  if (value >= 0 && value < kPreparedCount) [[likely]] {
    const PreparedLine& line = kPreparedLines[static_cast<size_t>(value)];
    std::memcpy(out, &line, sizeof(line));
    return out + line.size;
  }
  out = std::to_chars(out, out + kNumberLineBytesMax, value).ptr;
  *out++ = '\r';
  *out++ = '\n';
  return out;
}

inline char* PutLineEnd(char* out) {
  std::memcpy(out, "\r\n", 2);
  return out + 2;
}

// A line's text may not end the line early.
char* PutOneLine(char* out, std::string_view text) {
  return std::transform(text.begin(), text.end(), out,
                        [](char c) { return c == '\r' || c == '\n' ? ' ' : c; });
}

// A positive number by its shortest digits.
char* PutShortestDigits(double value, char* out) {
  // d[.ddd]e[+-]xx
  char buffer[kDoubleTextBytesMax];
  const char* const text = buffer;
  const char* const end =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  const char* const mark = std::find(text, end, 'e');
  int exponent = 0;
  std::from_chars(mark[1] == '+' ? mark + 2 : mark + 1, end, exponent);
  char digits[kDoubleTextBytesMax];
  digits[0] = text[0];
  const int count =
      static_cast<int>(std::copy(std::min(mark, text + 2), mark, digits + 1) - digits);
  const int behind = count - 1 - exponent;  // digits behind the point; negative = zeros before it
  if (behind <= 0 && exponent < count + 7) {
    return std::fill_n(std::copy_n(digits, count, out), -behind, '0');
  }
  if (behind > 0 && (behind < 7 || std::abs(exponent) < 4)) {
    const int before = std::max(count - behind, 0);
    if (before == 0) *out++ = '0';
    out = std::copy_n(digits, before, out);
    *out++ = '.';
    out = std::fill_n(out, std::max(behind - count, 0), '0');
    return std::copy(digits + before, digits + count, out);
  }
  out = std::copy(text, mark, out);
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  return std::to_chars(out, out + 4, std::abs(exponent)).ptr;
}

}  // namespace

void Reply::Simple(std::string_view text) {
  if (muted_) [[unlikely]]
    return;
  char* const start = out_->Reserve(text.size() + 3);
  *start = '+';
  std::memcpy(start + 1, text.data(), text.size());
  PutLineEnd(start + 1 + text.size());
  out_->Commit(text.size() + 3);
}

void Reply::Error(std::string_view text) {
  NoteError(text);
  WriteError(text);
}

void Reply::PassOnError(std::string_view text) {
  passed_on_ = true;
  WriteError(text);
}

void Reply::WriteError(std::string_view text) {
  if (muted_) return;
  char* const start = out_->Reserve(text.size() + 3);
  *start = '-';
  PutLineEnd(PutOneLine(start + 1, text));
  out_->Commit(text.size() + 3);
}

void Reply::Bulk(std::string_view value) {
  if (muted_) [[unlikely]]
    return;
  char* const start = out_->Reserve(value.size() + kNumberLineBytesMax + 2);
  char* out = PutNumberLine(start, '$', static_cast<int64_t>(value.size()));
  if (!value.empty()) std::memcpy(out, value.data(), value.size());
  out = PutLineEnd(out + value.size());
  out_->Commit(static_cast<size_t>(out - start));
}

void Reply::BulkInteger(int64_t value) {
  char digits[kNumberLineBytesMax];
  const char* end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  Bulk({digits, static_cast<size_t>(end - digits)});
}

void Reply::Map(size_t pairs) {
  if (protocol_ == 2) return WriteHeader('*', pairs * 2);
  WriteHeader('%', pairs);
}

void Reply::Double(double value) {
  char text[kDoubleTextBytesMax];
  const std::string_view digits(text, FormatDouble(value, text));
  if (protocol_ == 2) return Bulk(digits);
  Raw(",");
  Raw(digits);
  Raw("\r\n");
}

void Reply::Bool(bool value) {
  if (protocol_ == 2) return Raw(value ? ":1\r\n" : ":0\r\n");
  Raw(value ? "#t\r\n" : "#f\r\n");
}

void Reply::BigNumber(std::string_view digits) {
  if (protocol_ == 2) return Bulk(digits);
  Raw("(");
  Raw(digits);
  Raw("\r\n");
}

void Reply::Verbatim(std::string_view format, std::string_view text) {
  if (protocol_ == 2) return Bulk(text);
  WriteHeader('=', format.size() + 1 + text.size());
  Raw(format);
  Raw(":");
  Raw(text);
  Raw("\r\n");
}

void Reply::WriteNumber(char type, int64_t value) {
  if (muted_) [[unlikely]]
    return;
  char* const start = out_->Reserve(kNumberLineBytesMax);
  out_->Commit(static_cast<size_t>(PutNumberLine(start, type, value) - start));
}

void Reply::NoteError(std::string_view text) {
  error_count_++;
  error_start_size_ = static_cast<uint8_t>(std::min(text.size(), kErrorStartBytesMax));
  std::memcpy(error_start_, text.data(), error_start_size_);
}

// Redis 7.2 prints integers up to 2^62 as such, and others by their shortest digits: plainly when
// at most six of the digits stand behind the point, the exponent is below four or few zeros are to
// be added; else with an exponent.
size_t FormatDouble(double value, char* out) {
  char* const start = out;
  char* const limit = out + kDoubleTextBytesMax;
  if (std::isnan(value)) return static_cast<size_t>(PutOneLine(out, "nan") - start);
  if (std::signbit(value)) *out++ = '-';
  value = std::fabs(value);
  if (std::isinf(value)) return static_cast<size_t>(PutOneLine(out, "inf") - start);
  constexpr double kIntegerMax = 4611686018427387904.0;  // 2^62
  if (value <= kIntegerMax && value == std::floor(value)) {
    out = std::to_chars(out, limit, static_cast<int64_t>(value)).ptr;
    return static_cast<size_t>(out - start);
  }
  return static_cast<size_t>(PutShortestDigits(value, out) - start);
}

}  // namespace hearth
