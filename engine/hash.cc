#include "engine/hash.h"

namespace hearth {

std::unique_ptr<Collection> MakeHashCollection(uint64_t) {
  return nullptr;
}

}  // namespace hearth
