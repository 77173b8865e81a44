#include "src/commands/groups.h"

namespace hearth {

std::span<const Command> GeoCommands() {
  return {};
}

}  // namespace hearth
