// Tested by tests/net/request_parser_test.cc.
// The words of an inline request, as sdssplitargs of redis-server 7.0 splits them.
#include "net/request_parser.h"

namespace hearth {
namespace {

bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool EndsWord(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads a quoted part, cursor behind the opening quote; false when it does not end as it must:
// with the same quote, before a space or the line's end.
bool ReadQuoted(char quote, std::string_view line, size_t& cursor, std::string& word) {
  while (cursor < line.size()) {
    const char c = line[cursor];
    const size_t left = line.size() - cursor;
    if (quote == '"' && c == '\\' && left >= 4 && line[cursor + 1] == 'x' &&
        HexDigit(line[cursor + 2]) >= 0 && HexDigit(line[cursor + 3]) >= 0) {
      word += static_cast<char>(HexDigit(line[cursor + 2]) * 16 + HexDigit(line[cursor + 3]));
      cursor += 4;
    } else if (quote == '"' && c == '\\' && left >= 2) {
      word += Unescape(line[cursor + 1]);
      cursor += 2;
    } else if (quote == '\'' && c == '\\' && left >= 2 && line[cursor + 1] == '\'') {
      word += '\'';
      cursor += 2;
    } else if (c == quote) {
      cursor++;
      return cursor == line.size() || IsSpace(line[cursor]);
    } else {
      word += c;
      cursor++;
    }
  }
  return false;
}

}  // namespace

bool SplitInline(std::string_view line, std::vector<std::string_view>& words,
                 std::deque<std::string>& unquoted) {
  line = line.substr(0, line.find('\0'));
  size_t cursor = 0;
  while (true) {
    while (cursor < line.size() && IsSpace(line[cursor])) cursor++;
    if (cursor == line.size()) return true;

    const size_t start = cursor;
    while (cursor < line.size() && !EndsWord(line[cursor]) && line[cursor] != '"' &&
           line[cursor] != '\'') {
      cursor++;
    }
    if (cursor == line.size() || EndsWord(line[cursor])) {
      words.push_back(line.substr(start, cursor - start));
      continue;
    }
    std::string& word = unquoted.emplace_back(line.substr(start, cursor - start));
    const char quote = line[cursor++];
    if (!ReadQuoted(quote, line, cursor, word)) return false;
    words.push_back(word);
  }
}

}  // namespace hearth
