#pragma once

// HEARTH_CHECK(condition): stops the process, in every build, when the program's own logic is
// wrong. Never for a client's input, never for a disk's failure.

#include <cstdio>
#include <cstdlib>

namespace hearth {

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "hearth: check failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace hearth

#define HEARTH_CHECK(condition)                              \
  do {                                                       \
    if (!(condition)) [[unlikely]]                           \
      ::hearth::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (0)
