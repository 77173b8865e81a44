#pragma once

// LockSoon: for a mutex that is mostly held for less time than a sleep costs, be it for a row of
// the log or for a script.
//
// Who sleeps has to be woken by the holder, and both pay for it. So the lock is tried for a short
// while first, and then the processor is offered to others, of which the holder may be one.
//
// Thread: any that does not hold the mutex.

#include <sched.h>

#include <mutex>

namespace hearth {

// False: the mutex is not locked; gives_up() said so, or it is held for longer than that.
template <typename GivesUp>
bool LockSoon(std::mutex& mutex, GivesUp gives_up) {
  constexpr int kSpins = 50;
  constexpr int kYields = 100;
  if (mutex.try_lock()) [[likely]]
    return true;
  for (int i = 0; i < kSpins; ++i) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
    if (mutex.try_lock()) return true;
  }
  for (int i = 0; i < kYields && !gives_up(); ++i) {
    sched_yield();
    if (mutex.try_lock()) return true;
  }
  return false;
}

}  // namespace hearth
