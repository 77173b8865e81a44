#pragma once

// FileList: the files of a shared checkpoint as a kFiles frame carries them.
//
//   list = "checkpoint " id "\n" ( "file " size " " xxh3:hex " " name "\n" )*
//
// Thread: pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/full_sync.h"

namespace hearth {

struct FileList {
  std::string checkpoint_id;
  std::vector<SyncFile> files;
};

std::string EncodeFileList(const std::string& checkpoint_id, const std::vector<SyncFile>& files);
// nullopt: it is no list, or has more than kSyncFilesMax files.
std::optional<FileList> ParseFileList(std::string_view text);

}  // namespace hearth
