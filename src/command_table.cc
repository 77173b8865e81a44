// Tested by tests/src/command_table_test.cc.
#include "src/command_table.h"

#include "engine/check.h"
#include "src/commands/groups.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

constexpr size_t kNameSizeMax = 40;
constexpr size_t kNewNameSizeMax = 128;  // of rename-command
constexpr size_t kEntryCount = 2048;     // a power of two, several times the count of commands

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

bool IsSubcommand(const Command& command) {
  return command.name.find('|') != std::string_view::npos;
}

}  // namespace

CommandTable::CommandTable() : entries_(kEntryCount) {
  for (const auto group : AllCommandGroups()) {
    for (const Command& command : group) {
      Add(&command);
      for (const Command& subcommand : command.subcommands) Add(&subcommand);
    }
  }
}

void CommandTable::Insert(Entries& entries, std::string_view name, const Command* command,
                          uint32_t index) {
  const uint64_t hash = HashOf(name);
  size_t at = hash % kEntryCount;
  while (entries[at].command != nullptr) at = (at + 1) % kEntryCount;
  entries[at] = {hash, name, command, index};
}

void CommandTable::Add(const Command* command) {
  HEARTH_CHECK(all_.size() < kEntryCount / 2);
  Insert(entries_, command->name, command, static_cast<uint32_t>(all_.size()));
  all_.push_back(command);
}

const CommandTable::Entry* CommandTable::FindEntry(const Entries& entries, std::string_view lower) {
  const uint64_t hash = HashOf(lower);
  for (size_t at = hash % kEntryCount; entries[at].command != nullptr;
       at = (at + 1) % kEntryCount) {
    if (entries[at].hash == hash && entries[at].name == lower) return &entries[at];
  }
  return nullptr;
}

CommandTable::Found CommandTable::FindIn(const Entries& entries, std::string_view name) {
  char lower[kNewNameSizeMax];
  const Entry* entry = FindEntry(entries, {lower, Lower(name, lower, sizeof(lower))});
  if (entry == nullptr) return {};
  const Command* const command = entry->command;
  return {command, nullptr, entry->index, command->subcommands.empty() && !IsSubcommand(*command)};
}

CommandTable::Found CommandTable::FindOriginal(std::string_view name) const {
  return FindIn(originals_.empty() ? entries_ : originals_, name);
}

CommandTable::Found CommandTable::Find(std::string_view name) const {
  const Found found = FindIn(entries_, name);
  if (originals_.empty() || found.command != nullptr) [[likely]]
    return found;
  // A subcommand, by what its container is called now.
  const size_t bar = name.find('|');
  if (bar == std::string_view::npos) return {};
  const Found container = FindIn(entries_, name.substr(0, bar));
  if (container.command == nullptr || container.command->subcommands.empty()) return {};
  return FindOriginal(std::string(container.command->name) + std::string(name.substr(bar)));
}

CommandTable::Found CommandTable::Resolve(const Args& args) const {
  return ResolveIn(entries_, args);
}

CommandTable::Found CommandTable::ResolveAny(const Args& args) const {
  const Found found = ResolveIn(entries_, args);
  const bool is_known = found.command != nullptr || found.container != nullptr;
  return is_known || originals_.empty() ? found : ResolveIn(originals_, args);
}

CommandTable::Found CommandTable::ResolveIn(const Entries& entries, const Args& args) const {
  const Found found = FindIn(entries, args[0]);
  if (found.by_name) [[likely]]
    return found;
  if (found.command == nullptr || IsSubcommand(*found.command)) return {};  // called by two names
  if (args.size() < 2) return found;
  char name[2 * kNameSizeMax + 1];
  size_t size = Lower(found.command->name, name, kNameSizeMax);
  name[size++] = '|';
  const size_t sub_size = Lower(args[1], name + size, kNameSizeMax);
  const Entries& originals = originals_.empty() ? entries_ : originals_;
  const Entry* entry = sub_size == 0 ? nullptr : FindEntry(originals, {name, size + sub_size});
  if (entry == nullptr) return {nullptr, found.command, found.index};
  return {entry->command, nullptr, entry->index};
}

std::string CommandTable::Rename(std::string_view name, std::string_view new_name) {
  const Found found = Find(name);
  if (found.command == nullptr || IsSubcommand(*found.command)) {
    return "No such command in rename-command";
  }
  if (new_name.size() > kNewNameSizeMax) return "The new name in rename-command is too long";
  if (originals_.empty()) originals_ = entries_;
  const std::string lower = ToLower(new_name), old = ToLower(name);
  // Subcommands are found by their containers' own names: a removed container takes them along.
  Entries kept(kEntryCount);
  for (const Entry& entry : entries_) {
    if (entry.command == nullptr || entry.name == old || IsSubcommand(*entry.command)) continue;
    if (!lower.empty() && entry.name == lower) return "Target command name already exists";
    Insert(kept, entry.name, entry.command, entry.index);
  }
  if (!lower.empty()) Insert(kept, new_names_.emplace_back(lower), found.command, found.index);
  entries_ = std::move(kept);
  return {};
}

}  // namespace hearth
