#pragma once

// The id of a replica: what primaries know its slot by, from whatever address it connects.
//
// Thread: any, one at a time for a folder.
// Errors: an empty id, and *status tells why it can't be kept.

#include <rocksdb/file_system.h>

#include <string>
#include <string_view>

#include "engine/status.h"

namespace hearth {

// The id that the data folder holds, or a new one, which it holds from now on. May wait for the
// disk.
std::string KeptReplicaId(rocksdb::FileSystem* file_system, const std::string& dir, Status* status);
// 40 hexadecimal digits.
bool IsReplicaId(std::string_view text);

}  // namespace hearth
