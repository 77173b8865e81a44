#pragma once

// HEARTH_CHECK(condition): stops the process, in every build, when the program's own logic is
// wrong. Never for a client's input, never for a disk's failure.

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace hearth {

// Told which check has failed before the process ends; null: nobody is.
using CheckListener = void (*)(const char* text);
inline std::atomic<CheckListener> check_listener{nullptr};
inline void SetCheckListener(CheckListener listener) {
  check_listener = listener;
}

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  char text[1024];
  std::snprintf(text, sizeof(text), "check failed: %s at %s:%d", condition, file, line);
  std::fprintf(stderr, "hearth: %s\n", text);
  if (const CheckListener listener = check_listener) listener(text);
  std::abort();
}

}  // namespace hearth

#define HEARTH_CHECK(condition)                              \
  do {                                                       \
    if (!(condition)) [[unlikely]]                           \
      ::hearth::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (0)
