// Tested by tests/src/commands/scan_test.cc.
#include "src/redis_text.h"

#include <cctype>

#include "src/numbers.h"

namespace hearth {
namespace {

char Fold(char c, bool nocase) {
  return nocase ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : c;
}

// Matches one pattern element at *p against a byte; moves *p behind the element.
bool MatchOne(std::string_view pattern, size_t* p, char byte, bool nocase) {
  const char kind = pattern[(*p)++];
  if (kind == '?') return true;
  if (kind == '\\' && *p < pattern.size()) {
    return Fold(pattern[(*p)++], nocase) == Fold(byte, nocase);
  }
  if (kind != '[') return Fold(kind, nocase) == Fold(byte, nocase);
  const bool negated = *p < pattern.size() && pattern[*p] == '^';
  if (negated) ++*p;
  bool found = false;
  byte = Fold(byte, nocase);
  while (*p < pattern.size() && pattern[*p] != ']') {
    if (pattern[*p] == '\\' && *p + 1 < pattern.size()) {
      found |= Fold(pattern[*p + 1], nocase) == byte;
      *p += 2;
    } else if (*p + 2 < pattern.size() && pattern[*p + 1] == '-') {
      auto low = static_cast<unsigned char>(Fold(pattern[*p], nocase));
      auto high = static_cast<unsigned char>(Fold(pattern[*p + 2], nocase));
      if (low > high) std::swap(low, high);
      const auto value = static_cast<unsigned char>(byte);
      found |= low <= value && value <= high;
      *p += 3;
    } else {
      found |= Fold(pattern[(*p)++], nocase) == byte;
    }
  }
  if (*p < pattern.size()) ++*p;  // the closing bracket
  return found != negated;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = Fold(c, true);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Reads a quoted word from *at (behind the opening quote). False when it does not end well.
bool ReadQuoted(std::string_view line, char quote, size_t* at, std::string* word) {
  static constexpr std::string_view kNames = "nrtba";
  static constexpr std::string_view kBytes = "\n\r\t\b\a";
  for (; *at < line.size(); ++*at) {
    const char c = line[*at];
    const char next = *at + 1 < line.size() ? line[*at + 1] : '\0';
    if (c == quote) {
      ++*at;
      return *at == line.size() || std::isspace(static_cast<unsigned char>(line[*at]));
    }
    if (quote == '"' && c == '\\' && next == 'x' && *at + 3 < line.size() &&
        HexDigit(line[*at + 2]) >= 0 && HexDigit(line[*at + 3]) >= 0) {
      word->push_back(static_cast<char>(HexDigit(line[*at + 2]) * 16 + HexDigit(line[*at + 3])));
      *at += 3;
    } else if (quote == '"' && c == '\\' && next != '\0') {
      const size_t name = kNames.find(next);
      word->push_back(name == std::string_view::npos ? next : kBytes[name]);
      ++*at;
    } else if (quote == '\'' && c == '\\' && next == '\'') {
      word->push_back('\'');
      ++*at;
    } else {
      word->push_back(c);
    }
  }
  return false;
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view text, bool nocase) {
  size_t p = 0, t = 0;
  size_t star = std::string_view::npos, star_text = 0;  // where the last * may take one more byte
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      continue;
    }
    if (p < pattern.size() && MatchOne(pattern, &p, text[t], nocase)) {
      ++t;
      continue;
    }
    if (star == std::string_view::npos) return false;
    p = star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<std::vector<std::string>> SplitWords(std::string_view line) {
  std::vector<std::string> words;
  size_t at = 0;
  while (true) {
    while (at < line.size() && std::isspace(static_cast<unsigned char>(line[at]))) ++at;
    if (at == line.size()) return words;
    std::string word;
    while (at < line.size() && !std::isspace(static_cast<unsigned char>(line[at]))) {
      const char c = line[at++];
      if (c == '"' || c == '\'') {
        if (!ReadQuoted(line, c, &at, &word)) return std::nullopt;
        break;
      }
      word.push_back(c);
    }
    words.push_back(std::move(word));
  }
}

std::string QuoteWord(std::string_view word) {
  bool plain = !word.empty();
  for (const char c : word) {
    plain &= std::isgraph(static_cast<unsigned char>(c)) && c != '"' && c != '\'' && c != '\\';
  }
  if (plain && word[0] != '#') return std::string(word);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (std::isprint(byte)) {
      quoted.push_back(c);
    } else {
      quoted += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return quoted + "\"";
}

void AppendQuoted(std::string_view text, std::string* out) {
  static constexpr char kDigits[] = "0123456789abcdef";
  static constexpr std::string_view kEscaped = "\n\r\t\a\b\"\\", kLetters = "nrtab\"\\";
  *out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const size_t at = kEscaped.find(c); at != std::string_view::npos) {
      *out += {'\\', kLetters[at]};
    } else if (byte >= ' ' && byte <= '~') {
      *out += c;
    } else {
      *out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  *out += '"';
}

std::string JoinWords(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::optional<int64_t> ParseMemory(std::string_view text) {
  size_t digits = 0;
  while (digits < text.size() && (std::isdigit(static_cast<unsigned char>(text[digits])) ||
                                  (digits == 0 && text[0] == '-'))) {
    ++digits;
  }
  // As in Redis, a unit alone, or nothing, is 0.
  const auto number = digits == 0 ? std::optional<int64_t>(0) : ParseInt64(text.substr(0, digits));
  if (!number) return std::nullopt;
  const std::string unit = ToLower(text.substr(digits));
  static constexpr struct {
    std::string_view name;
    int64_t bytes;
  } kUnits[] = {{"", 1},          {"b", 1},        {"k", 1000},          {"kb", 1 << 10},
                {"m", 1'000'000}, {"mb", 1 << 20}, {"g", 1'000'000'000}, {"gb", 1 << 30}};
  for (const auto& known : kUnits) {
    int64_t bytes;
    if (unit == known.name && !__builtin_mul_overflow(*number, known.bytes, &bytes)) return bytes;
  }
  return std::nullopt;
}

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = Fold(c, true);
  return lower;
}

}  // namespace hearth
