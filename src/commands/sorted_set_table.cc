#include "src/commands/groups.h"

namespace hearth {

std::span<const Command> SortedSetCommands() {
  return {};
}

}  // namespace hearth
