// Tested by tests/src/import/aof_manifest_test.cc.
#include "src/import/aof_manifest.h"

#include <optional>

#include "src/import/redis_files.h"
#include "src/numbers.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

constexpr size_t kLineMax = 1024;

struct FileLine {
  std::string name;
  int64_t seq = 0;
  char type = 0;
};

// An error text, or "".
std::string ParseLine(std::string_view line, FileLine* file) {
  if (line.size() > kLineMax) return "The AOF manifest file contains too long line";
  const auto words = SplitWords(line);
  if (!words || words->size() < 6 || words->size() % 2 != 0) {
    return "Invalid AOF manifest file format";
  }
  for (size_t i = 0; i < words->size(); i += 2) {
    const std::string name = ToLower((*words)[i]);
    const std::string& value = (*words)[i + 1];
    if (name == "file") {
      if (IsPath(value)) return "File can't be a path, just a filename";
      file->name = value;
    } else if (name == "seq") {
      file->seq = ParseInt64(value).value_or(0);
    } else if (name == "type") {
      file->type = value.empty() ? '\0' : value[0];
    }
  }
  if (file->name.empty() || file->seq <= 0 || file->type == 0) {
    return "Invalid AOF manifest file format";
  }
  return {};
}

}  // namespace

std::string AofManifest::Parse(std::string_view text) {
  std::optional<std::string> base;
  std::vector<std::string> increments;
  int64_t last_seq = 0;
  size_t line_number = 0;
  const auto take = [&](std::string_view line) -> std::string {
    FileLine file;
    if (std::string error = ParseLine(line, &file); !error.empty()) return error;
    switch (file.type) {
      case 'b':
        if (base) return "Found duplicate base file information";
        base = file.name;
        return {};
      case 'i':
        if (file.seq <= last_seq) return "Found a non-monotonic sequence number";
        last_seq = file.seq;
        increments.push_back(file.name);
        return {};
      case 'h':
        return {};
      default:
        return "Unknown AOF file type";
    }
  };
  while (!text.empty()) {
    ++line_number;
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('#')) continue;
    if (const std::string error = take(line); !error.empty()) {
      return "line " + std::to_string(line_number) + ", '" + std::string(line.substr(0, kLineMax)) +
             "': " + error;
    }
  }
  if (line_number == 0) return "Found an empty AOF manifest";
  files.clear();
  if (base) files.push_back(*base);
  files.insert(files.end(), increments.begin(), increments.end());
  return {};
}

}  // namespace hearth
