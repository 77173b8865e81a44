#include "src/commands/groups.h"

namespace hearth {

std::span<const Command> SortCommands() {
  return {};
}

}  // namespace hearth
