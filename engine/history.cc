// Tested by tests/engine/history_test.cc.
#include "engine/history.h"

#include <random>

namespace hearth {

std::string NewReplicationId() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::string id;
  for (int i = 0; i < 40; ++i) id.push_back(kDigits[random() & 15]);
  return id;
}

}  // namespace hearth
