#pragma once

// HotKeys: where the hottest resident keys stand, remembered over a restart in a small file beside
// the store.
//
//   file     = "hearth-hot 1\n" group* checksum
//   group    = db id:varint count:varint position:u64le[count]    the hottest group first
//   checksum = XXH3-64 of all before it: u64le
//
// Only positions are kept (8 bytes a key): at the next start the warm-up reads the keys that stand
// there. The file is a hint: missing, damaged or old, it costs nothing but the order of the
// warm-up.
//
// Thread: any without a Tx; shard locks are taken one at a time, for some hundred keys.
// Errors: a damaged file is Corruption, a missing one NotFound.
// Limits: kHotKeysMax keys, 8 MB; of more than kHotVisitsMax resident keys only a part is looked
// at.

#include <rocksdb/file_system.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/status.h"

namespace hearth {

class Keyspace;

inline constexpr size_t kHotKeysMax = 1'000'000;
inline constexpr size_t kHotVisitsMax = 8'000'000;
inline constexpr char kHotKeysName[] = "hearth.hot";

struct HotKeys {
  struct Group {
    uint32_t db_id;
    std::vector<uint64_t> positions;  // ascending
  };
  std::vector<Group> groups;  // the hottest first

  size_t size() const;
};

// The count_max hottest: those in use since the demotion's hand passed, by their last use (or use
// count under an LFU policy). Keys that nobody used since they were warmed are left out.
HotKeys CollectHotKeys(Keyspace& keyspace, size_t count_max = kHotKeysMax);

Status WriteHotKeys(rocksdb::FileSystem* file_system, const std::string& dir, const HotKeys& hot);
Status ReadHotKeys(rocksdb::FileSystem* file_system, const std::string& dir, HotKeys* hot);

}  // namespace hearth
