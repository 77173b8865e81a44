#pragma once

// CommandTable: finds a command's row by its name, in any case.
//
// A command may be renamed (rename-command): clients call it by its new name, everything else
// (ACL rules, statistics, documentation) knows it by its own.
//
// Thread:   immutable once built and renamed.
// Lifetime: the rows are static.

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/command.h"

namespace hearth {

class CommandTable {
 public:
  CommandTable();

  struct Found {
    const Command* command = nullptr;    // nullptr: unknown
    const Command* container = nullptr;  // set when only the subcommand is unknown
    uint32_t index = 0;                  // the command's number in all()
    bool by_name = false;                // whatever the arguments: no container, no part of one
  };
  // The row that a call runs: the subcommand's for a container that is called with one.
  Found Resolve(const Args& args) const;
  // The same for what a file or another server calls it by: its own name does, if no other.
  Found ResolveAny(const Args& args) const;
  // By the name that clients call it by: "get", "client", "client|list".
  Found Find(std::string_view name) const;
  // By its own name.
  Found FindOriginal(std::string_view name) const;

  // Gives a command another name; an empty one removes it. The error text, empty when done.
  // Requires: no other thread uses the table yet.
  std::string Rename(std::string_view name, std::string_view new_name);

  // Every row, containers before their subcommands; the index is a command's number.
  std::span<const Command* const> all() const { return all_; }

 private:
  struct Entry {
    uint64_t hash = 0;
    std::string_view name;
    const Command* command = nullptr;
    uint32_t index = 0;
  };
  using Entries = std::vector<Entry>;  // by hash, open addressing
  static const Entry* FindEntry(const Entries& entries, std::string_view lower);
  static Found FindIn(const Entries& entries, std::string_view name);
  Found ResolveIn(const Entries& entries, const Args& args) const;
  static void Insert(Entries& entries, std::string_view name, const Command* command,
                     uint32_t index);
  void Add(const Command* command);

  std::vector<const Command*> all_;
  Entries entries_;    // by what clients call
  Entries originals_;  // empty: nothing is renamed
  std::deque<std::string> new_names_;
};

}  // namespace hearth
