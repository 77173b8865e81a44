// Tested by tests/engine/tx_test.cc.
#include "engine/shard_lock.h"

#include <pthread.h>

#include <ctime>

#include "engine/keyspace.h"
#include "engine/lock_soon.h"

namespace hearth {

bool LockOrGiveWay(std::mutex& mutex, const Keyspace& keyspace) {
  constexpr long kLookEveryNs = 5'000'000;
  constexpr long kSecondNs = 1'000'000'000;
  if (LockSoon(mutex, [&keyspace] { return keyspace.long_hold(); })) [[likely]]
    return true;
  while (!keyspace.long_hold()) {
    timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += kLookEveryNs;
    if (until.tv_nsec >= kSecondNs) {
      until.tv_nsec -= kSecondNs;
      ++until.tv_sec;
    }
    if (pthread_mutex_timedlock(mutex.native_handle(), &until) == 0) return true;
  }
  return false;
}

}  // namespace hearth
