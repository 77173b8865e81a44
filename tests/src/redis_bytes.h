#pragma once

// What a Redis writes into files and streams, made by hand.

#include <initializer_list>
#include <string>
#include <string_view>

#include "src/rdb/crc64.h"
#include "src/rdb/rdb_output.h"

namespace hearth {

inline std::string RdbOf(std::string_view entries) {
  std::string file = "REDIS0010" + std::string(entries) + '\xff';
  rdb::AppendFixed64(rdb::Crc64(0, file), &file);
  return file;
}

// A key with a short string.
inline std::string RdbKey(const std::string& key, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(key.size()) + key +
         static_cast<char>(value.size()) + value;
}

// Before the entry of a key that expires.
inline std::string RdbExpiry(int64_t unix_ms) {
  std::string bytes = "\xfc";
  rdb::AppendFixed64(static_cast<uint64_t>(unix_ms), &bytes);
  return bytes;
}

// Before the entries of a database.
inline std::string RdbDatabase(char number) {
  return std::string("\xfe") + number;
}

inline std::string Wire(std::initializer_list<std::string> words) {
  std::string wire = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    wire += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return wire;
}

inline constexpr char kRdbLibrary[] =
    "#!lua name=l\\nredis.register_function{function_name='f', callback=function() return 7 end, "
    "flags={'no-writes'}}";

// As it stands behind the opcode of a library.
inline std::string RdbLibrary() {
  std::string code = kRdbLibrary;
  code.replace(code.find("\\n"), 2, "\n");
  std::string entry = "\xf5";
  rdb::AppendString(code, true, &entry);
  return entry;
}

}  // namespace hearth
