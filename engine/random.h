#pragma once

// Random: random bits where the choice is nobody's secret (SPOP, RANDOMKEY, sampling).
//
// Thread: any; each has its own generator.

#include <cstdint>
#include <random>

namespace hearth {

inline uint64_t RandomBits() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

}  // namespace hearth
