// Tested by tests/engine/engine_test.cc.
#include <algorithm>
#include <map>
#include <set>

#include "engine/collection.h"
#include "engine/keyspace.h"

namespace hearth {
namespace {

constexpr size_t kDifferenceTextBytesMax = 16 << 10;

std::string ObjectText(const Object& object, uint32_t db_id) {
  char header[kHeadValueHeaderSizeMax];
  std::string value(header, WriteHeadValueHeader(header, object));
  AppendHeadBody(object, &value);
  return RowText(HeadKey(db_id, object.position(), object.key()), value);
}

// A resident spread collection against its element rows. Requires: its shard's lock.
Status VerifyElements(Keyspace& keyspace, uint32_t db_id, const Object& object,
                      std::string* differences) {
  const Collection& collection = *object.collection();
  const uint64_t id = collection.object_id();
  std::map<std::string, std::string> rows;
  collection.Rows([&](std::string_view element, std::string_view value) {
    rows[std::string(element)] = value;
  });
  uint64_t seq;
  const Status status = keyspace.store().Scan(
      ElementKey(db_id, id, {}), ElementKey(db_id, id + 1, {}), &seq,
      [&](std::string_view row_key, std::string_view row_value) {
        ElementKeyParts key;
        std::string_view value;
        if (!ParseElementKey(row_key, &key) || !ParseElementValue(row_value, &value)) {
          *differences += "damaged row: " + RowText(row_key, row_value) + "\n";
          return true;
        }
        const auto found = rows.find(std::string(key.element));
        if (found == rows.end() || found->second != value) {
          *differences +=
              std::string(found == rows.end() ? "not in memory: " : "other in memory: ") +
              RowText(row_key, row_value) + "\n";
        }
        if (found != rows.end()) rows.erase(found);
        return differences->size() < kDifferenceTextBytesMax;
      });
  for (const auto& [element, value] : rows) {
    if (differences->size() >= kDifferenceTextBytesMax) break;
    *differences += "not stored: id=" + std::to_string(id) + " element=" + element + "\n";
  }
  return status;
}

// Element rows of a database that belong to no key.
Status VerifyOwners(Keyspace& keyspace, uint32_t db_id, const std::set<uint64_t>& owners,
                    std::string* differences) {
  uint64_t seq;
  return keyspace.store().Scan(
      ElementKey(db_id, 0, {}), ElementKey(db_id + 1, 0, {}), &seq,
      [&](std::string_view row_key, std::string_view row_value) {
        ElementKeyParts key;
        if (!ParseElementKey(row_key, &key) || !owners.contains(key.object_id)) {
          *differences += "nobody's row: " + RowText(row_key, row_value) + "\n";
        }
        return differences->size() < kDifferenceTextBytesMax;
      });
}

// One database: its resident objects against their rows, and its counts against all rows.
Status VerifyDb(Keyspace& keyspace, uint32_t db, std::string* differences) {
  const uint32_t db_id = keyspace.log().DbId(db);
  uint64_t keys = 0, expires = 0, seq = 0;
  std::set<uint64_t> owners;
  const Status status = keyspace.store().Scan(
      HeadKey(db_id, 0, {}), HeadKey(db_id + 1, 0, {}), &seq,
      [&](std::string_view row_key, std::string_view row_value) {
        HeadKeyParts key;
        HeadValueParts value;
        if (!ParseHeadKey(row_key, &key) || !ParseHeadValue(row_value, &value)) {
          *differences += "damaged row: " + RowText(row_key, row_value) + "\n";
          return true;
        }
        ++keys;
        if (value.spread) owners.insert(value.object_id);
        expires += value.expire_at_ms != kNoExpiry;
        Shard& shard = keyspace.shard(keyspace.ShardIndex(key.position));
        std::lock_guard lock(shard.mutex);
        const Shard::Db& state = shard.dbs[db];
        const Object* object = state.table ? state.table->Find(key.position, key.key) : nullptr;
        if (object == nullptr) {
          if (state.complete) *differences += "not resident: " + RowText(row_key, row_value) + "\n";
          return true;
        }
        const std::string text = ObjectText(*object, db_id);
        if (object->tombstone() || text != RowText(row_key, row_value)) {
          *differences += "memory: " + text + "\nstore:  " + RowText(row_key, row_value) + "\n";
        }
        return differences->size() < kDifferenceTextBytesMax;
      });
  if (!status.ok() || differences->size() >= kDifferenceTextBytesMax) return status;
  if (Status owned = VerifyOwners(keyspace, db_id, owners, differences); !owned.ok()) return owned;
  if (keys != keyspace.KeyCount(db) || expires != keyspace.ExpiryCount(db)) {
    *differences += "db " + std::to_string(db) + ": counted " +
                    std::to_string(keyspace.KeyCount(db)) + " keys, " +
                    std::to_string(keyspace.ExpiryCount(db)) + " expires; stored " +
                    std::to_string(keys) + ", " + std::to_string(expires) + "\n";
  }
  return Status::Ok();
}

// A resident live object that the store has no row for.
Status VerifyResident(Keyspace& keyspace, uint32_t db, std::string* differences) {
  const uint32_t db_id = keyspace.log().DbId(db);
  for (uint32_t index = 0; index < keyspace.shard_count(); ++index) {
    Shard& shard = keyspace.shard(index);
    std::lock_guard lock(shard.mutex);
    if (!shard.dbs[db].table) continue;
    std::vector<Table::Placed> objects;
    shard.dbs[db].table->WalkRange(keyspace.FirstPosition(index), keyspace.LastPosition(index),
                                   &objects);
    for (const auto& [position, object] : objects) {
      std::string row;
      const Status status =
          keyspace.store().Get(HeadKey(db_id, position, object->key()), Store::Tier::kDisk, &row);
      if (!status.ok() && !status.IsNotFound()) return status;
      if (status.IsNotFound() != object->tombstone()) {
        *differences += "only in memory: " + ObjectText(*object, db_id) + "\n";
      } else if (!object->tombstone() && object->spread() && !object->unread()) {
        if (Status elements = VerifyElements(keyspace, db_id, *object, differences);
            !elements.ok()) {
          return elements;
        }
      }
    }
  }
  return Status::Ok();
}

}  // namespace

Status Keyspace::VerifyAgainstStore(std::string* differences) {
  differences->clear();
  for (uint32_t db = 0; db < db_count_; ++db) {
    if (Status status = VerifyDb(*this, db, differences); !status.ok()) return status;
    if (Status status = VerifyResident(*this, db, differences); !status.ok()) return status;
  }
  return Status::Ok();
}

}  // namespace hearth
