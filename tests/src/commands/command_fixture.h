#pragma once

// CommandFixture: runs command lines in-process against an engine on a temporary folder, and shows
// what they answered and what they logged.
//
// A line is run through its row as the dispatcher does it: the row is found by name, its keys are
// collected, missing ones loaded, and the function runs in a Tx of its own. Commands over a whole
// database run their walk.

#include <string>
#include <string_view>
#include <vector>

#include "src/command.h"
#include "tests/engine/engine_fixture.h"

namespace hearth {

class CommandFixture : public EngineFixture {
 protected:
  // The reply to a line (words quoted as in Redis' configuration), as wire text.
  std::string Run(std::string_view line);
  std::string RunWords(const std::vector<std::string>& words);

  // What the last line logged, a row a line: "put 0/key embstr value [until ms]",
  // "delete 0/key", "delete-range 0".
  std::string LoggedRows();
  // Runs a line that must log nothing; returns its reply.
  std::string Refused(std::string_view line);

  // Puts a key of another type than string there, as wrong-type tests want it.
  void MakeList(std::string_view key);

  // "*2\r\n$1\r\na\r\n..." for a list of bulk strings.
  static std::string Bulks(std::initializer_list<std::string_view> values);
  static std::string Bulk(std::string_view value);

  uint32_t db_ = 0;
  int protocol_ = 2;

 private:
  void RunData(const Command& command, const Args& args, Reply& reply);
  void RunWalk(const Args& args, Reply& reply);

  uint64_t seq_before_ = 0;
};

}  // namespace hearth
