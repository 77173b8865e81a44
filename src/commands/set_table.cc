#include "src/commands/groups.h"

namespace hearth {

std::span<const Command> SetCommands() {
  return {};
}

}  // namespace hearth
