#include "src/command_table.h"

#include <set>

namespace hearth {
namespace {

std::string NameOf(const CommandTable& table, std::vector<std::string_view> args) {
  const CommandTable::Found found = table.Resolve(args);
  if (found.command == nullptr) {
    return found.container == nullptr ? "(unknown)" : "(unknown subcommand)";
  }
  EXPECT_EQ(table.all()[found.index], found.command);
  return std::string(found.command->name);
}

TEST(CommandTableTest, FindsNamesInAnyCase) {
  const CommandTable table;
  EXPECT_EQ(NameOf(table, {"get", "k"}), "get");
  EXPECT_EQ(NameOf(table, {"GeT"}), "get");
  EXPECT_EQ(NameOf(table, {"client", "LIST"}), "client|list");
  EXPECT_EQ(NameOf(table, {"CLIENT"}), "client");
  EXPECT_EQ(NameOf(table, {"client", "nope"}), "(unknown subcommand)");
  EXPECT_EQ(NameOf(table, {"client", ""}), "(unknown subcommand)");
  EXPECT_EQ(NameOf(table, {"client|list"}), "(unknown)");
  EXPECT_EQ(NameOf(table, {"client|list", "x"}), "(unknown)");
  EXPECT_EQ(NameOf(table, {"nope"}), "(unknown)");
  EXPECT_EQ(NameOf(table, {""}), "(unknown)");
  EXPECT_EQ(NameOf(table, {std::string_view("get\0", 4)}), "(unknown)");
  EXPECT_EQ(NameOf(table, {std::string(100'000, 'x')}), "(unknown)");
}

TEST(CommandTableTest, RowsAreWhole) {
  const CommandTable table;
  std::set<std::string_view> names;
  for (const Command* command : table.all()) {
    EXPECT_TRUE(names.insert(command->name).second) << command->name;
    EXPECT_FALSE(command->summary.empty()) << command->name;
    EXPECT_FALSE(command->since.empty()) << command->name;
    EXPECT_FALSE(command->group.empty()) << command->name;
    EXPECT_NE(command->arity, 0) << command->name;
    const int runs =
        (command->data != nullptr) + (command->session != nullptr) + (command->blocking != nullptr);
    EXPECT_TRUE(runs == 1 || (runs == 0 && !command->subcommands.empty())) << command->name;
  }
}

}  // namespace
}  // namespace hearth
