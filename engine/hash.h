#pragma once

#include <memory>

#include "engine/collection.h"

namespace hearth {

std::unique_ptr<Collection> MakeHashCollection(uint64_t object_id);

}  // namespace hearth
