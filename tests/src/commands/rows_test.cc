#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "src/commands/groups.h"

namespace hearth {
namespace {

std::vector<Command> DataRows() {
  std::vector<Command> rows;
  for (const auto group : DataCommandGroups()) {
    for (const Command& row : group) {
      rows.push_back(row);
      rows.insert(rows.end(), row.subcommands.begin(), row.subcommands.end());
    }
  }
  return rows;
}

bool KeySpecsExist(std::span<const ArgDoc> arguments, size_t spec_count) {
  return std::all_of(arguments.begin(), arguments.end(), [&](const ArgDoc& argument) {
    return argument.key_spec_index < static_cast<int>(spec_count) &&
           KeySpecsExist(argument.children, spec_count);
  });
}

TEST(CommandRows, EachHasOneFunctionAndItsDocuments) {
  for (const Command& row : DataRows()) {
    const int ways = (row.data != nullptr) + (row.session != nullptr) + (row.blocking != nullptr) +
                     !row.subcommands.empty();
    EXPECT_EQ(ways, 1) << row.name;
    EXPECT_FALSE(row.summary.empty() || row.since.empty() || row.complexity.empty()) << row.name;
    static const std::set<std::string_view> kGroups = {"string", "generic", "server",     "list",
                                                       "hash",   "set",     "sorted-set", "stream",
                                                       "geo",    "bitmap",  "hyperloglog"};
    EXPECT_TRUE(kGroups.contains(row.group)) << row.name;
    EXPECT_EQ(row.history.size() % 2, 0u) << row.name;
    EXPECT_TRUE(KeySpecsExist(row.arguments, row.key_specs.size())) << row.name;
  }
}

// PFCOUNT stores the count it made, and is read-only all the same, as in Redis.
TEST(CommandRows, WritersAreMarkedAndReadersAreNot) {
  for (const Command& row : DataRows()) {
    const bool writes = (row.flags & kCmdWrite) != 0;
    const bool reads = (row.flags & kCmdReadonly) != 0;
    if (row.key_specs.empty()) continue;
    EXPECT_NE(writes, reads) << row.name;
    for (const KeySpec& spec : row.key_specs) {
      EXPECT_TRUE(writes || spec.flags.starts_with("RO") || row.name == "pfcount") << row.name;
    }
  }
}

// A call of the least arity names its first key within its arguments.
TEST(CommandRows, KeysStandWithinTheLeastArguments) {
  for (const Command& row : DataRows()) {
    if (row.key_specs.empty()) continue;
    const int count = std::abs(row.arity);
    const KeySpec& spec = row.key_specs.front();
    EXPECT_LT(spec.index, count) << row.name;
    EXPECT_LT(spec.index + std::max(spec.last, 0), count) << row.name;
  }
}

TEST(CommandRows, NamesAscendAndAreLowerCase) {
  for (const auto group : DataCommandGroups()) {
    EXPECT_TRUE(std::is_sorted(group.begin(), group.end(),
                               [](const Command& a, const Command& b) { return a.name < b.name; }));
    for (const Command& row : group) {
      EXPECT_TRUE(std::none_of(row.name.begin(), row.name.end(), [](char c) {
        return c >= 'A' && c <= 'Z';
      })) << row.name;
    }
  }
}

}  // namespace
}  // namespace hearth
