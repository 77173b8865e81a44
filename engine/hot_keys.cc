// Tested by tests/engine/hot_keys_test.cc.
#include "engine/hot_keys.h"

#include <xxhash.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "engine/codec.h"
#include "engine/keyspace.h"
#include "engine/watermark.h"

namespace hearth {
namespace {

constexpr std::string_view kHeader = "hearth-hot 1\n";
constexpr uint64_t kFileBytesMax = kHotKeysMax * 8 + (64 << 10);
constexpr size_t kKeysAStep = 512;
// Keys are written in so many classes of heat.
constexpr size_t kClassCount = 4;

struct Candidate {
  uint64_t position;
  uint32_t score;
  uint32_t db_id;
};

bool IsHotter(const Candidate& a, const Candidate& b) {
  return a.score > b.score;
}

uint32_t ScoreOf(const Object& object, EvictionClock clock) {
  const uint32_t use = clock == EvictionClock::kLfu ? object.access & 0xff : object.access >> 1;
  return (object.hot > 0 ? uint32_t{1} << 31 : 0) | use;
}

// Keeps the count_max hottest.
void Cut(std::vector<Candidate>* candidates, size_t count_max) {
  if (candidates->size() <= count_max) return;
  std::nth_element(candidates->begin(), candidates->begin() + static_cast<long>(count_max),
                   candidates->end(), IsHotter);
  candidates->resize(count_max);
}

// Looks at about that share of one database's keys in one shard.
void Collect(Keyspace& keyspace, Shard& shard, uint32_t db, double share, size_t count_max,
             std::vector<Candidate>* candidates) {
  uint64_t from = 0;
  std::vector<Table::Placed> page;
  while (from != Table::kWalkEnd) {
    page.clear();
    std::lock_guard lock(shard.mutex);
    const Table* table = shard.dbs[db].table.get();
    if (table == nullptr) return;
    const uint32_t db_id = keyspace.log().DbId(db);
    const EvictionClock clock = keyspace.eviction_clock();
    const uint64_t next = table->Walk(from, kKeysAStep, &page);
    for (const auto& [position, object] : page) {
      const uint32_t score = object->tombstone() ? 0 : ScoreOf(*object, clock);
      if (score > 0) candidates->push_back({position, score, db_id});
    }
    if (candidates->size() > 2 * count_max) Cut(candidates, count_max);
    if (next == Table::kWalkEnd || page.empty()) return;
    const double skip = static_cast<double>(next - page.front().position) * (1 / share - 1);
    from = skip < static_cast<double>(Table::kWalkEnd - next) ? next + static_cast<uint64_t>(skip)
                                                              : Table::kWalkEnd;
  }
}

}  // namespace

size_t HotKeys::size() const {
  size_t sum = 0;
  for (const Group& group : groups) sum += group.positions.size();
  return sum;
}

HotKeys CollectHotKeys(Keyspace& keyspace, size_t count_max) {
  const size_t resident = std::max<size_t>(keyspace.ResidentCount(), 1);
  const double share =
      std::min(1.0, static_cast<double>(kHotVisitsMax) / static_cast<double>(resident));
  std::vector<Candidate> candidates;
  for (uint32_t index = 0; index < keyspace.shard_count(); ++index) {
    Shard& shard = keyspace.shard(index);
    for (uint32_t db = 0; db < keyspace.db_count(); ++db) {
      Collect(keyspace, shard, db, share, count_max, &candidates);
    }
  }
  Cut(&candidates, count_max);
  std::sort(candidates.begin(), candidates.end(), IsHotter);
  HotKeys hot;
  const size_t class_size = candidates.size() / kClassCount + 1;
  for (size_t from = 0; from < candidates.size(); from += class_size) {
    std::map<uint32_t, std::vector<uint64_t>> by_db;
    const size_t to = std::min(from + class_size, candidates.size());
    for (size_t i = from; i < to; ++i) {
      by_db[candidates[i].db_id].push_back(candidates[i].position);
    }
    for (auto& [db_id, positions] : by_db) {
      std::sort(positions.begin(), positions.end());  // one pass over the store's files
      hot.groups.push_back({db_id, std::move(positions)});
    }
  }
  return hot;
}

Status WriteHotKeys(rocksdb::FileSystem* file_system, const std::string& dir, const HotKeys& hot) {
  std::string text(kHeader);
  for (const HotKeys::Group& group : hot.groups) {
    AppendVarint(&text, group.db_id);
    AppendVarint(&text, group.positions.size());
    for (const uint64_t position : group.positions) AppendFixed64(&text, position);
  }
  AppendFixed64(&text, XXH3_64bits(text.data(), text.size()));
  return WriteFileAtomically(file_system, dir, kHotKeysName, text);
}

Status ReadHotKeys(rocksdb::FileSystem* file_system, const std::string& dir, HotKeys* hot) {
  const std::string path = dir + "/" + kHotKeysName;
  const Status damaged = Status::Corruption(path + " is damaged");
  uint64_t file_size = 0;
  if (file_system->GetFileSize(path, {}, &file_size, nullptr).ok() && file_size > kFileBytesMax) {
    return damaged;
  }
  std::string contents;
  if (Status status = ReadWholeFile(file_system, path, &contents); !status.ok()) return status;
  std::string_view text = contents;
  if (!text.starts_with(kHeader) || text.size() < kHeader.size() + sizeof(uint64_t)) return damaged;
  std::string_view end = text.substr(text.size() - sizeof(uint64_t));
  text.remove_suffix(sizeof(uint64_t));
  uint64_t checksum = 0;
  (void)ReadFixed64(&end, &checksum);
  if (checksum != XXH3_64bits(text.data(), text.size())) return damaged;
  text.remove_prefix(kHeader.size());
  HotKeys read;
  while (!text.empty()) {
    uint64_t db_id, count;
    if (!ReadVarint(&text, &db_id) || !ReadVarint(&text, &count)) return damaged;
    if (count > text.size() / sizeof(uint64_t)) return damaged;
    HotKeys::Group group{static_cast<uint32_t>(db_id), std::vector<uint64_t>(count)};
    for (uint64_t& position : group.positions) (void)ReadFixed64(&text, &position);
    read.groups.push_back(std::move(group));
  }
  *hot = std::move(read);
  return Status::Ok();
}

}  // namespace hearth
