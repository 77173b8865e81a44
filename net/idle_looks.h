#pragma once

// IdleLooks: how often a worker that has run out of work looks for more before it sleeps.
//
// Falling asleep and being woken costs more than serving a client, in a virtual machine several
// times as much, and a client that waits for each reply sends the next request within that time.
// So looking is worth it while it finds something. Each time that it does not, the worker looks
// half as often, down to never; a sleep that turns out short has it look again. Beside clients
// that are not in a hurry, and without any, the worker sleeps.
//
// Thread:   one at a time; SetEnabled from any.
// Limits:   kLooksMax looks; the processor is offered to others between two.

#include <atomic>
#include <chrono>

namespace hearth {

class IdleLooks {
 public:
  static constexpr int kLooksMax = 128;  // about 100 us
  // While a turn serves several clients the next ones are near.
  static constexpr int kLooksBesideSeveral = 6;
  static constexpr std::chrono::microseconds kShortSleep{150};

  void SetEnabled(bool enabled) { enabled_.store(enabled, std::memory_order_relaxed); }
  bool is_enabled() const { return enabled_.load(std::memory_order_relaxed); }
  void NoteTurn(bool served_several) { served_several_ = served_several; }

  int count() const {
    if (served_several_) return kLooksBesideSeveral;
    return is_enabled() ? looks_ : 0;
  }
  // Whether it matters how long the sleep takes.
  bool measures_sleep() const { return !served_several_ && looks_ == 0; }

  void NoteFound() {
    if (!served_several_) looks_ = kLooksMax;
  }
  void NoteNothing() {
    if (!served_several_) looks_ /= 2;
  }
  void NoteSlept(std::chrono::nanoseconds slept) {
    if (slept < kShortSleep) looks_ = kLooksMax;
  }

 private:
  int looks_ = 0;
  bool served_several_ = false;
  std::atomic<bool> enabled_{true};
};

}  // namespace hearth
