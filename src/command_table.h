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

  // nullptr when unknown. Containers ("client") are found as such.
  const Command* Find(std::string_view name) const;
  // The row that a call runs: the subcommand's for a container with a known subcommand.
  // nullptr with *container set: the container is known, its subcommand is not.
  const Command* Resolve(const Args& args, const Command** container) const;

  // Every row, containers before their subcommands; the index is a command's number.
  std::span<const Command* const> all() const { return all_; }
  uint32_t IndexOf(const Command* command) const;

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
