#include "engine/sorted_set.h"

namespace hearth {

std::unique_ptr<Collection> MakeSortedSetCollection(uint64_t) {
  return nullptr;
}

}  // namespace hearth
