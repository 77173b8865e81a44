// Tested by tests/src/replication/frame_test.cc.
#include "src/replication/file_list.h"

#include "src/numbers.h"

namespace hearth {

std::string EncodeFileList(const std::string& checkpoint_id, const std::vector<SyncFile>& files) {
  std::string text = "checkpoint " + checkpoint_id + "\n";
  for (const SyncFile& file : files) {
    text +=
        "file " + std::to_string(file.size_bytes) + " " + file.checksum + " " + file.name + "\n";
  }
  return text;
}

std::optional<FileList> ParseFileList(std::string_view text) {
  FileList list;
  constexpr std::string_view kHead = "checkpoint ", kFile = "file ";
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (list.checkpoint_id.empty()) {
      if (!line.starts_with(kHead)) return std::nullopt;
      list.checkpoint_id = line.substr(kHead.size());
      if (list.checkpoint_id.empty()) return std::nullopt;
      continue;
    }
    if (!line.starts_with(kFile) || list.files.size() >= kSyncFilesMax) return std::nullopt;
    line.remove_prefix(kFile.size());
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto size = ParseInt64(line.substr(0, space));
    line.remove_prefix(space + 1);
    const size_t name_at = line.find(' ');
    if (!size || *size < 0 || name_at == std::string_view::npos) return std::nullopt;
    list.files.push_back({std::string(line.substr(name_at + 1)), static_cast<uint64_t>(*size),
                          std::string(line.substr(0, name_at))});
  }
  if (list.checkpoint_id.empty()) return std::nullopt;
  return list;
}

}  // namespace hearth
