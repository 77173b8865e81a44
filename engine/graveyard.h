#pragma once

// Graveyard: frees what takes long to free on a thread of its own.
//
// Thread:   any.
// Lifetime: of the process; what is still to be freed at its end is freed then.
// Limits:   none on what waits: it waits only for the processor.

#include <memory>

#include "engine/collection.h"

namespace hearth {

class Graveyard {
 public:
  // Small collections are freed at once.
  static void Free(std::unique_ptr<Collection> collection);
};

}  // namespace hearth
