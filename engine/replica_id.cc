// Tested by tests/engine/replica_id_test.cc.
#include "engine/replica_id.h"

#include "engine/history.h"
#include "engine/watermark.h"

namespace hearth {

// file = 40 hexadecimal digits "\n"
std::string KeptReplicaId(rocksdb::FileSystem* file_system, const std::string& dir,
                          Status* status) {
  constexpr char kName[] = "REPLICA-ID";
  *status = Status::Ok();
  std::string id;
  if (ReadWholeFile(file_system, dir + "/" + kName, &id).ok() && id.ends_with('\n')) {
    id.pop_back();
    if (IsReplicaId(id)) return id;
  }
  id = NewReplicationId();
  *status = WriteFileAtomically(file_system, dir, kName, id + "\n");
  return status->ok() ? id : std::string();
}

bool IsReplicaId(std::string_view text) {
  return text.size() == History::kIdSize &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace hearth
