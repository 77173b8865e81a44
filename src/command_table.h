#pragma once

// CommandTable: finds a command's row by its name, in any case.
//
// Thread:   immutable once built.
// Lifetime: the rows are static.

#include <cstdint>
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
  };
  // The row that a call runs: the subcommand's for a container that is called with one.
  Found Resolve(const Args& args) const;
  // By full name: "get", "client", "client|list".
  Found Find(std::string_view name) const;

  // Every row, containers before their subcommands; the index is a command's number.
  std::span<const Command* const> all() const { return all_; }

 private:
  struct Entry {
    uint64_t hash = 0;
    const Command* command = nullptr;
    uint32_t index = 0;
  };
  const Entry* FindEntry(std::string_view lower) const;
  void Add(const Command* command);

  std::vector<const Command*> all_;
  std::vector<Entry> entries_;
};

}  // namespace hearth
