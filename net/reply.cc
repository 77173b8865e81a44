// Tested by tests/net/reply_test.cc.
#include "net/reply.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
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
  const std::string_view code = text.substr(0, text.find(' '));
  error_code_size_ = static_cast<uint8_t>(std::min(code.size(), kErrorCodeBytesMax));
  std::memcpy(error_code_, code.data(), error_code_size_);
}

// Plain notation from 1e-4 up to 1e17, as printf's %.17g chooses; an exponent outside.
size_t FormatDouble(double value, char* out) {
  if (std::isnan(value)) return static_cast<size_t>(PutOneLine(out, "nan") - out);
  const double magnitude = std::fabs(value);
  const bool plain = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e17);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const char* end = std::to_chars(out, out + kDoubleTextBytesMax, value, format).ptr;
  return static_cast<size_t>(end - out);
}

}  // namespace hearth
