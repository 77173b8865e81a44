#pragma once

// InfoWriter: what the sections of INFO share; each section is a function that appends its lines.
//
// Thread: any worker.

#include <cstdint>
#include <string>

namespace hearth {

class Server;

// Appends a line with "\r\n".
[[gnu::format(printf, 2, 3)]] void InfoLine(std::string* out, const char* format, ...);

// "name_human:1.50M"-like texts.
std::string HumanBytes(uint64_t bytes);

// info_storage.cc: what is kept, where, and how safely.
void MemorySection(Server& server, std::string* out);
void PersistenceSection(Server& server, std::string* out);
void TieringSection(Server& server, std::string* out);
void RocksDbSection(Server& server, std::string* out);
void KeyspaceSection(Server& server, std::string* out);

// info_commands.cc: what commands did.
void CommandStatsSection(Server& server, std::string* out);
void ErrorStatsSection(Server& server, std::string* out);
void LatencyStatsSection(Server& server, std::string* out);

}  // namespace hearth
