// Tested by tests/src/command_table_test.cc.
#include "src/command_table.h"

#include "engine/check.h"
#include "src/commands/groups.h"

namespace hearth {
namespace {

constexpr size_t kNameSizeMax = 40;
constexpr size_t kEntryCount = 1024;  // a power of two, several times the count of commands

// FNV-1a, 64 bits (Fowler, Noll, Vo).
uint64_t HashOf(std::string_view lower) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : lower) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// Writes the name in lower case; 0 when it is too long to be a command's.
size_t Lower(std::string_view name, char* to, size_t size_max) {
  if (name.size() > size_max) return 0;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    to[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return name.size();
}

}  // namespace

CommandTable::CommandTable() : entries_(kEntryCount) {
  for (const auto group : {StringCommands(), LcsCommands(), BitmapCommands(), HyperLogLogCommands(),
                           GenericCommands(), ExpireCommands(), ScanCommands(),
                           ConnectionCommands(), ServerCommands(), IntrospectionCommands()}) {
    for (const Command& command : group) {
      Add(&command);
      for (const Command& subcommand : command.subcommands) Add(&subcommand);
    }
  }
}

void CommandTable::Add(const Command* command) {
  HEARTH_CHECK(all_.size() < kEntryCount / 2);
  const uint64_t hash = HashOf(command->name);
  size_t at = hash % kEntryCount;
  while (entries_[at].command != nullptr) at = (at + 1) % kEntryCount;
  entries_[at] = {hash, command, static_cast<uint32_t>(all_.size())};
  all_.push_back(command);
}

const CommandTable::Entry* CommandTable::FindEntry(std::string_view lower) const {
  const uint64_t hash = HashOf(lower);
  for (size_t at = hash % kEntryCount; entries_[at].command != nullptr;
       at = (at + 1) % kEntryCount) {
    if (entries_[at].hash == hash && entries_[at].command->name == lower) return &entries_[at];
  }
  return nullptr;
}

CommandTable::Found CommandTable::Find(std::string_view name) const {
  char lower[2 * kNameSizeMax + 1];
  const Entry* entry = FindEntry({lower, Lower(name, lower, sizeof(lower))});
  return entry == nullptr ? Found{} : Found{entry->command, nullptr, entry->index};
}

CommandTable::Found CommandTable::Resolve(const Args& args) const {
  const Found found = Find(args[0]);
  if (found.command == nullptr || found.command->subcommands.empty() || args.size() < 2) {
    return found;
  }
  char name[2 * kNameSizeMax + 1];
  size_t size = Lower(args[0], name, kNameSizeMax);
  name[size++] = '|';
  const size_t sub_size = Lower(args[1], name + size, kNameSizeMax);
  const Entry* entry = sub_size == 0 ? nullptr : FindEntry({name, size + sub_size});
  if (entry == nullptr) return {nullptr, found.command, found.index};
  return {entry->command, nullptr, entry->index};
}

}  // namespace hearth
