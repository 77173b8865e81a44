#include "src/commands/groups.h"

namespace hearth {

std::span<const Command> HashCommands() {
  return {};
}

}  // namespace hearth
