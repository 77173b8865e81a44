#include "src/commands/groups.h"

namespace hearth {

std::span<const Command> StreamCommands() {
  return {};
}

}  // namespace hearth
