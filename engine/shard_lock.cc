// Tested by tests/engine/tx_test.cc.
#include "engine/shard_lock.h"

#include <pthread.h>
#include <sched.h>

#include <ctime>

#include "engine/keyspace.h"

namespace hearth {

bool LockOrGiveWay(std::mutex& mutex, const Keyspace& keyspace) {
  // Most hold their locks for less than a sleep costs them, who would have to wake the sleeper, and
  // scripts of two workers for little more: the processor is offered to others for so long.
  constexpr int kSpins = 50;
  constexpr int kYields = 100;
  constexpr long kLookEveryNs = 5'000'000;
  constexpr long kSecondNs = 1'000'000'000;
  if (mutex.try_lock()) [[likely]]
    return true;
  for (int i = 0; i < kSpins; ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
    if (mutex.try_lock()) return true;
  }
  for (int i = 0; i < kYields && !keyspace.long_hold(); ++i) {
    sched_yield();
    if (mutex.try_lock()) return true;
  }
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
