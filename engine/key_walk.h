#pragma once

// KeyWalk: pages of live keys in position order, for SCAN, KEYS and RANDOMKEY.
//
// A page joins the resident keys with the store's head rows; a key that is present throughout is
// returned exactly once, whatever is demoted, loaded or restarted in between. What has expired is
// told apart: it is for the caller to delete it, or not.
//
// Thread: any. Takes shard locks one at a time, never across a disk read; must not be called by a
//         thread that holds a Tx, unless that has locked every shard (ShardLocks::kHeld).
// Errors: a failed disk read is a Status and no page: never a short one.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/object.h"
#include "engine/status.h"

namespace hearth {

class Keyspace;
class Tx;

struct KeyInfo {
  std::string key;
  ObjectType type;
};

struct KeyPage {
  std::vector<KeyInfo> keys;     // unexpired, ascending by position
  std::vector<KeyInfo> expired;  // likewise: still there, but their time has come
  uint64_t next = 0;             // the next page's first position, a cursor's; 0 = the walk is done
  uint64_t barrier = 0;          // what a reply that shows these keys must wait for
};

// Whether every key of the database is resident, so that ReadKeyPage does not touch the disk;
// nullopt when it would have to wait for a Tx that takes long.
std::optional<bool> IsWhollyResident(Keyspace& keyspace, uint32_t db);

// A random key's look tells no more expired keys than this.
inline constexpr size_t kExpiredKeysMax = 10'000;

// How the locks of shards are taken: kGiveWay ends with Busy rather than wait for a Tx that takes
// long; under kHeld the caller holds all of them.
enum class ShardLocks : uint8_t { kTake, kGiveWay, kHeld };

// Keys with position >= from, at least count_min unless the database ends, expired ones included.
// May read the disk unless IsWhollyResident: then call it on a reader thread.
Status ReadKeyPage(Keyspace& keyspace, uint32_t db, uint64_t from, size_t count_min, int64_t now_ms,
                   KeyPage* page, ShardLocks locks = ShardLocks::kTake);

// A live key near a random position. *found is false when the database is empty. Adds the expired
// keys that were met on the way, up to kExpiredKeysMax.
Status ReadRandomKey(Keyspace& keyspace, uint32_t db, uint64_t random, int64_t now_ms,
                     std::string* key, bool* found, std::vector<KeyInfo>* expired,
                     ShardLocks locks = ShardLocks::kTake);

// Deletes what a walk found expired, where a reader that meets it may (Tx::may_expire). Reads from
// the disk what is not resident. tx: one that holds every shard; null: each key gets one of its
// own. Returns what a reply that shows the keys gone must wait for.
uint64_t DeleteExpired(Keyspace& keyspace, uint32_t db, const std::vector<KeyInfo>& expired,
                       int64_t now_ms, Tx* tx);

}  // namespace hearth
