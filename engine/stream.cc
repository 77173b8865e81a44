#include "engine/stream.h"

namespace hearth {

std::unique_ptr<Collection> MakeStreamCollection(uint64_t) {
  return nullptr;
}

}  // namespace hearth
