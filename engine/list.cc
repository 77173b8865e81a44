#include "engine/list.h"

namespace hearth {

std::unique_ptr<Collection> MakeListCollection(uint64_t) {
  return nullptr;
}

}  // namespace hearth
