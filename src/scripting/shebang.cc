// Tested by tests/src/scripting/script_test.cc and tests/src/scripting/function_test.cc.
#include "src/scripting/shebang.h"

#include <algorithm>
#include <span>
#include <vector>

#include "src/numbers.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

// Names with commas between them; none at all in an empty list.
bool ParseFlags(std::string_view list, uint32_t* flags, std::string* error) {
  if (list.empty()) return true;
  for (size_t begin = 0, end = 0; end != list.npos; begin = end + 1) {
    end = list.find(',', begin);
    const std::string_view name = list.substr(begin, end - begin);
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
  const auto words = SplitWords(body.substr(0, end));
  if (!words) {
    *error = "ERR Invalid engine in script shebang";
    return false;
  }
  if (words->front() != "#!lua") {
    *error = "ERR Unexpected engine in script shebang: " + words->front();
    return false;
  }
  shebang->flags = 0;
  shebang->size = end;
  for (const std::string& word : std::span(*words).subspan(1)) {
    constexpr std::string_view kFlags = "flags=";
    if (!word.starts_with(kFlags)) {
      *error = "ERR Unknown lua shebang option: " + word;
      return false;
    }
    const std::string_view flags = std::string_view(word).substr(kFlags.size());
    if (!ParseFlags(flags, &shebang->flags, error)) return false;
  }
  return true;
}

bool ParseLibraryShebang(std::string_view code, LibraryShebang* shebang, std::string* error) {
  const size_t end = code.find('\n');
  if (!code.starts_with("#!")) {
    *error = "ERR Missing library metadata";
    return false;
  }
  const auto words = end == std::string_view::npos ? std::nullopt : SplitWords(code.substr(0, end));
  if (!words) {
    *error = "ERR Invalid library metadata";
    return false;
  }
  shebang->engine = words->front().substr(2);
  shebang->size = end;
  bool has_name = false;
  for (const std::string& word : std::span(*words).subspan(1)) {
    if (!IsWord(std::string_view(word).substr(0, 5), "NAME=")) {
      *error = "ERR Invalid metadata value given: " + word;
      return false;
    }
    if (has_name) {
      *error = "ERR Invalid metadata value, name argument was given multiple times";
      return false;
    }
    has_name = true;
    shebang->name = word.substr(5);
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
