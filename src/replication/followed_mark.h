#pragma once

// FollowedMark: the primary whose data a folder holds, over restarts; so that what was refused
// before a restart is refused behind it (GroupFollower).
//
//   <data-dir>/FOLLOWED = host " " port [" refused"] "\n"
//
// Thread: any, one at a time for a folder.
// Errors: a mark that can't be read is none; one that can't be written is logged.

#include <string>

namespace hearth {

class Engine;

struct FollowedMark {
  bool followed = false;  // this primary was
  bool refused = false;   // and what it offered since was refused
};

// primary: host " " port.
FollowedMark ReadFollowedMark(Engine& engine, const std::string& primary);
void WriteFollowedMark(Engine& engine, const std::string& primary, bool refused);
void RemoveFollowedMark(Engine& engine);

}  // namespace hearth
