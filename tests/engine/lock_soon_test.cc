#include "engine/lock_soon.h"

#include <gtest/gtest.h>

#include <semaphore>
#include <thread>

namespace hearth {
namespace {

TEST(LockSoonTest, AFreeMutexIsLocked) {
  std::mutex mutex;
  bool was_asked = false;
  ASSERT_TRUE(LockSoon(mutex, [&was_asked] { return was_asked = true; }));
  EXPECT_FALSE(was_asked);
  mutex.unlock();
}

TEST(LockSoonTest, AHeldOneIsWaitedForAWhileOnly) {
  std::mutex mutex;
  std::lock_guard held(mutex);
  int asked_count = 0;
  std::thread([&] {
    EXPECT_FALSE(LockSoon(mutex, [&asked_count] { return ++asked_count < 0; }));
  }).join();
  EXPECT_GT(asked_count, 1);
}

TEST(LockSoonTest, NobodyWaitsOnWhoGivesUp) {
  std::mutex mutex;
  std::lock_guard held(mutex);
  int asked_count = 0;
  std::thread([&] {
    EXPECT_FALSE(LockSoon(mutex, [&asked_count] { return ++asked_count == 2; }));
  }).join();
  EXPECT_EQ(asked_count, 2);
}

TEST(LockSoonTest, WhoWaitsGetsItOnceItIsFree) {
  std::mutex mutex;
  std::binary_semaphore held(0), wanted(0), released(0);
  std::thread holder([&] {
    mutex.lock();
    held.release();
    wanted.acquire();
    mutex.unlock();
    released.release();
  });
  held.acquire();
  int asked_count = 0;
  EXPECT_TRUE(LockSoon(mutex, [&] {
    if (++asked_count > 1) return true;
    wanted.release();
    released.acquire();
    return false;
  }));
  EXPECT_EQ(asked_count, 1);
  mutex.unlock();
  holder.join();
}

}  // namespace
}  // namespace hearth
