#pragma once

// IdleLooks: how often a worker that has run out of work looks for more before it sleeps.
//
// Falling asleep and being woken costs more than serving a client, in a virtual machine several
// times as much, and a client that waits for each reply sends the next request within that time.
// So looking is worth it while it finds something. Each time that it does not, the worker looks
// half as often, down to never; a sleep that turns out short has it look again. Beside clients
// that are not in a hurry, and without any, the worker sleeps. Where several clients come in turns
// it sleeps soon too: others may need the processor, and together they do not wait for long.
//
// Thread:   one at a time; SetEnabled from any.
// Limits:   kLooksMax looks; the processor is offered to others between two.

#include <algorithm>
#include <atomic>
#include <chrono>

namespace hearth {

class IdleLooks {
 public:
  static constexpr int kLooksMax = 128;  // about 100 us
  // While a turn serves several clients the next ones are near.
  static constexpr int kLooksBesideSeveral = 6;
  static constexpr int kTurnsOfOneMin = 32;  // as many turns in a row are one client's
  static constexpr std::chrono::microseconds kShortSleep{150};

  void SetEnabled(bool enabled) { enabled_.store(enabled, std::memory_order_relaxed); }
  bool is_enabled() const { return enabled_.load(std::memory_order_relaxed); }
  void NoteTurn(bool served_several) {
    turns_of_one_ = served_several ? 0 : std::min(turns_of_one_ + 1, kTurnsOfOneMin);
  }

  int count() const {
    if (turns_of_one_ == 0) return kLooksBesideSeveral;
    return is_enabled() && serves_one() ? looks_ : 0;
  }
  // Whether it matters how long the sleep takes.
  bool measures_sleep() const { return serves_one() && looks_ == 0; }

  void NoteFound() {
    if (serves_one()) looks_ = kLooksMax;
  }
  void NoteNothing() {
    if (serves_one()) looks_ /= 2;
  }
  void NoteSlept(std::chrono::nanoseconds slept) {
    if (slept < kShortSleep) looks_ = kLooksMax;
  }

 private:
  bool serves_one() const { return turns_of_one_ == kTurnsOfOneMin; }

  int looks_ = 0;
  int turns_of_one_ = kTurnsOfOneMin;
  std::atomic<bool> enabled_{true};
};

}  // namespace hearth
