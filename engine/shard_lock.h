#pragma once

// ShardLock: a shard's lock for those who must not wait long.
//
// Thread: any.

#include <mutex>

namespace hearth {

class Keyspace;

// Locks the mutex of a shard. False: who holds it takes long (Keyspace::SetLongHold).
bool LockOrGiveWay(std::mutex& mutex, const Keyspace& keyspace);

}  // namespace hearth
