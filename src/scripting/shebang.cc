// Tested by tests/src/scripting/script_test.cc and tests/src/scripting/function_test.cc.
#include "src/scripting/shebang.h"

#include <algorithm>
#include <vector>

#include "src/numbers.h"

namespace hearth {
namespace {

std::vector<std::string_view> Words(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

bool ParseFlags(std::string_view list, uint32_t* flags, std::string* error) {
  for (const std::string_view name : Words(list, ',')) {
    const uint32_t flag = ScriptFlagNamed(name);
    if (flag == 0) {
      *error = "ERR Unexpected flag in script shebang: " + std::string(name);
      return false;
    }
    *flags |= flag;
  }
  return true;
}

bool IsLibraryName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  });
}

}  // namespace

uint32_t ScriptFlagNamed(std::string_view name) {
  for (const ScriptFlagName& row : kScriptFlagNames) {
    if (row.name == name) return row.flag;
  }
  return 0;
}

bool ParseScriptShebang(std::string_view body, Shebang* shebang, std::string* error) {
  *shebang = {};
  if (!body.starts_with("#!")) return true;
  const size_t end = body.find('\n');
  if (end == std::string_view::npos) {
    *error = "ERR Invalid script shebang";
    return false;
  }
  const auto words = Words(Trimmed(body.substr(0, end)), ' ');
  if (words[0] != "#!lua") {
    *error = "ERR Unexpected engine in script shebang: " + std::string(words[0]);
    return false;
  }
  shebang->flags = 0;
  shebang->size = end;
  for (size_t i = 1; i < words.size(); ++i) {
    constexpr std::string_view kFlags = "flags=";
    if (!words[i].starts_with(kFlags)) {
      *error = "ERR Unknown lua shebang option: " + std::string(words[i]);
      return false;
    }
    if (!ParseFlags(words[i].substr(kFlags.size()), &shebang->flags, error)) return false;
  }
  return true;
}

bool ParseLibraryShebang(std::string_view code, LibraryShebang* shebang, std::string* error) {
  const size_t end = code.find('\n');
  if (!code.starts_with("#!")) {
    *error = "ERR Missing library metadata";
    return false;
  }
  if (end == std::string_view::npos) {
    *error = "ERR Invalid library metadata";
    return false;
  }
  const auto words = Words(Trimmed(code.substr(0, end)), ' ');
  shebang->engine = words[0].substr(2);
  shebang->size = end;
  bool has_name = false;
  for (size_t i = 1; i < words.size(); ++i) {
    if (!IsWord(words[i].substr(0, 5), "NAME=")) {
      *error = "ERR Invalid metadata value given: " + std::string(words[i]);
      return false;
    }
    if (has_name) {
      *error = "ERR Invalid metadata value, name argument was given multiple times";
      return false;
    }
    has_name = true;
    shebang->name = words[i].substr(5);
  }
  if (!has_name) {
    *error = "ERR Library name was not given";
    return false;
  }
  if (!IsLibraryName(shebang->name)) {
    *error =
        "ERR Library names can only contain letters, numbers, or underscores(_) and must be at "
        "least one character long";
    return false;
  }
  return true;
}

}  // namespace hearth
