#include "src/replication/command_scanner.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

// "name word size" of each command, given in pieces; "?" when the bytes are damaged.
std::string Scan(std::string_view bytes, size_t piece, bool takes_notes = false) {
  CommandScanner scanner(takes_notes);
  std::string text;
  while (!bytes.empty()) {
    scanner.Append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    ScannedCommand command;
    CommandScanner::Result result;
    while ((result = scanner.Next(&command)) == CommandScanner::Result::kCommand) {
      text += std::string(command.name) + " " + std::string(command.word) + " " +
              std::to_string(command.bytes.size()) + "\n";
    }
    if (result == CommandScanner::Result::kDamaged) return text + "?";
  }
  return text;
}

TEST(CommandScannerTest, CommandsAndTheirBytesInPiecesOfAnySize) {
  const std::string big(100000, 'x');
  const std::string stream =
      "*1\r\n$4\r\nPING\r\n\n*3\r\n$3\r\nSET\r\n$4\r\nke\r\n\r\n$0\r\n\r\n"
      "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$100000\r\n" +
      big + "\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
  for (const size_t piece : {1, 3, 50, 1000000}) {
    EXPECT_EQ(Scan(stream, piece), "PING  14\n  1\nSET ke\r\n 29\nSET a 100031\nSELECT 3 23\n")
        << piece;
  }
}

TEST(CommandScannerTest, WhatIsNoCommandIsDamaged) {
  for (const char* wire : {"PING\r\n", "*x\r\n", "*-1\r\n", "*1\r\n+a\r\n", "*1\r\n$-1\r\n",
                           "*1\r\n$1\r\nabc", "*1\r\n$99999999999999\r\n",
                           "*1111111111111111111111111111111111111111111", "+CONTINUE\r\n"}) {
    EXPECT_EQ(Scan(wire, 1000), "?") << wire;
  }
}

TEST(CommandScannerTest, NotesStandInFilesOnly) {
  const std::string file =
      "#TS:1628217470\r\n*1\r\n$4\r\nPING\r\n#" + std::string(1000, 'x') + "\n*1\r\n$4\r\nTIME\r\n";
  for (const size_t piece : {1, 7, 10000}) {
    EXPECT_EQ(Scan(file, piece, /*takes_notes=*/true), "  16\nPING  14\n  1002\nTIME  14\n");
  }
  EXPECT_EQ(Scan(file, 10000), "?");
  EXPECT_EQ(Scan("#" + std::string(2000, 'x'), 100, /*takes_notes=*/true), "?");
}

TEST(CommandScannerTest, WhatIsUnfinishedHasASize) {
  CommandScanner scanner;
  scanner.Append("*1\r\n$4\r\nPING\r\n*1\r\n$4");
  ScannedCommand command;
  EXPECT_EQ(scanner.Next(&command), CommandScanner::Result::kCommand);
  EXPECT_EQ(scanner.Next(&command), CommandScanner::Result::kNeedMore);
  EXPECT_EQ(scanner.unfinished_size(), 6u);
}

}  // namespace
}  // namespace hearth
