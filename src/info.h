#pragma once

// Info: the text of INFO, section by section.
//
// Thread: any worker; reads counters, takes shard locks one at a time.

#include <string>
#include <string_view>
#include <vector>

namespace hearth {

class Server;

// Sections named like Redis' ("server", "keyspace"...), or default, all, everything. None =
// default.
std::string InfoText(Server& server, const std::vector<std::string>& sections);

}  // namespace hearth
