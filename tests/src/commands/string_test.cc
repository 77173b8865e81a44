#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kOk[] = "+OK\r\n";
constexpr char kNull[] = "$-1\r\n";
constexpr char kSyntax[] = "-ERR syntax error\r\n";
constexpr char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
constexpr char kWrongType[] =
    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";

class StringCommandsTest : public CommandFixture {
 protected:
  // The time ms from now, as a row shows it.
  std::string At(int64_t ms) { return std::to_string(clock_.WallMs() + ms); }
};

TEST_F(StringCommandsTest, GetAnswersTheStringOrNull) {
  EXPECT_EQ(Refused("GET k"), kNull);
  EXPECT_EQ(Run(R"(SET k "a\r\n\x00b")"), kOk);
  EXPECT_EQ(Refused("GET k"), Bulk(std::string_view("a\r\n\0b", 5)));
  MakeList("l");
  EXPECT_EQ(Refused("GET l"), kWrongType);
  EXPECT_EQ(Refused("GET"), "-ERR wrong number of arguments for 'get' command\r\n");
}

TEST_F(StringCommandsTest, SetReplacesAnyTypeAndEndsTheExpiry) {
  EXPECT_EQ(Run("SET k v"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v\n");
  EXPECT_EQ(Run("SET k 12 EX 10"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k int 12 until " + At(10'000) + "\n");
  EXPECT_EQ(Run("SET k w"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr w\n");
  MakeList("l");
  EXPECT_EQ(Run("SET l v"), kOk);
  Reopen();
  EXPECT_EQ(Run("MGET k l"), Bulks({"w", "v"}));
}

TEST_F(StringCommandsTest, SetTakesLifetimesInFourForms) {
  EXPECT_EQ(Run("SET k v px 1500"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until " + At(1500) + "\n");
  EXPECT_EQ(Run("SET k v EXAT 1700000100"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until 1700000100000\n");
  EXPECT_EQ(Run("SET k v PXAT 1700000100001"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until 1700000100001\n");
  EXPECT_EQ(Run("SET k w KEEPTTL"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr w until 1700000100001\n");
  Reopen();
  EXPECT_EQ(Run("PEXPIRETIME k"), ":1700000100001\r\n");
  EXPECT_EQ(Run("SET k v PXAT 1"), kOk);
  EXPECT_EQ(Run("GET k"), kNull);
}

TEST_F(StringCommandsTest, SetAsksForAbsenceOrPresence) {
  EXPECT_EQ(Refused("SET k v XX"), kNull);
  EXPECT_EQ(Run("SET k v NX"), kOk);
  EXPECT_EQ(Refused("SET k w NX"), kNull);
  EXPECT_EQ(Run("SET k w XX"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr w\n");
}

TEST_F(StringCommandsTest, MSetExSetsAllOrNothing) {
  EXPECT_EQ(Run("MSETEX 2 a 1 b 2 EX 10"), ":1\r\n");
  EXPECT_EQ(LoggedRows(),
            "put 0/a int 1 until " + At(10'000) + "\nput 0/b int 2 until " + At(10'000) + "\n");
  EXPECT_EQ(Refused("MSETEX 2 a 3 c 3 NX"), ":0\r\n");
  EXPECT_EQ(Refused("MSETEX 2 a 3 c 3 px 10 xx"), ":0\r\n");
  EXPECT_EQ(Run("MSETEX 1 a 3 KEEPTTL XX"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/a int 3 until " + At(10'000) + "\n");
  EXPECT_EQ(Run("MSETEX 2 a 4 a 5"), ":1\r\n");
  Reopen();
  EXPECT_EQ(Run("MGET a b"), Bulks({"5", "2"}));
  EXPECT_EQ(Run("PTTL a"), ":-1\r\n");
  const std::string bad_count = "-ERR invalid numkeys value or out of range\r\n";
  for (const char* line : {"MSETEX 0 a 1", "MSETEX x a 1", "MSETEX 2147483648 a 1"}) {
    EXPECT_EQ(Refused(line), bad_count) << line;
  }
  for (const char* line : {"MSETEX 2 a 1", "MSETEX 2 a 1 b", "MSETEX 1 a 1 b", "MSETEX 1 a 1 GET",
                           "MSETEX 1 a 1 IFEQ 1", "MSETEX 1 a 1 NX XX", "MSETEX 1 a 1 PERSIST"}) {
    EXPECT_EQ(Refused(line), kSyntax) << line;
  }
  EXPECT_EQ(Refused("MSETEX 1 a 1 EX 0"), "-ERR invalid expire time in 'msetex' command\r\n");
}

TEST_F(StringCommandsTest, SetAsksForTheValueThatIsThere) {
  EXPECT_EQ(Refused("SET k v IFEQ ''"), kNull);
  Run("SET k 12 EX 10");
  EXPECT_EQ(Refused("SET k v IFEQ 1"), kNull);
  EXPECT_EQ(Run("SET k v KEEPTTL ifeq 12"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until " + At(10'000) + "\n");
  EXPECT_EQ(Refused("SET k w IFEQ 12 GET"), Bulk("v"));
  EXPECT_EQ(Run("SET k w GET IFEQ v"), Bulk("v"));
  EXPECT_EQ(LoggedRows(), "put 0/k embstr w\n");
  MakeList("l");
  EXPECT_EQ(Refused("SET l v IFEQ v"), kWrongType);
}

TEST_F(StringCommandsTest, SetWithGetAnswersTheOldString) {
  EXPECT_EQ(Run("SET k 1 GET"), kNull);
  EXPECT_EQ(LoggedRows(), "put 0/k int 1\n");
  EXPECT_EQ(Run("SET k 2 GET"), Bulk("1"));
  EXPECT_EQ(Refused("SET k 3 NX GET"), Bulk("2"));
  EXPECT_EQ(Refused("SET none 3 XX GET"), kNull);
  MakeList("l");
  EXPECT_EQ(Refused("SET l v GET"), kWrongType);
  EXPECT_EQ(Refused("SET l v NX GET"), kWrongType);
  EXPECT_EQ(Refused("SET l v GET EX abc"), kNotInteger);
}

TEST_F(StringCommandsTest, SetRefusesWhatContradicts) {
  for (const char* options :
       {"EX", "NX XX", "EX 10 PX 10", "KEEPTTL EX 1", "PERSIST", "foo", "EX abc FOO",
        "EXAT 1 PXAT 1", "EX 1 KEEPTTL", "IFEQ", "IFEQ v NX", "XX IFEQ v", "IFEQ v IFEQ v"}) {
    EXPECT_EQ(Refused("SET k v " + std::string(options)), kSyntax) << options;
  }
}

TEST_F(StringCommandsTest, SetTakesAnOptionSaidTwice) {
  for (const char* options : {"NX NX", "EX 10 EX 20", "KEEPTTL KEEPTTL"}) {
    Run("DEL k");
    EXPECT_EQ(Run("SET k v " + std::string(options)), kOk) << options;
  }
  EXPECT_EQ(Run("SET k v GET GET"), Bulk("v"));
  EXPECT_EQ(Run("SET k v XX XX"), kOk);
}

TEST_F(StringCommandsTest, HostileTimesAreRefused) {
  const std::string invalid = "-ERR invalid expire time in 'set' command\r\n";
  for (const char* time :
       {"EX 0", "EX -1", "PX 0", "EXAT 0", "PXAT -9223372036854775808", "EX 9223372036854775807",
        "PX 9223372036854775807", "EXAT 9223372036854776", "EX 9223372036854775"}) {
    EXPECT_EQ(Refused("SET k v " + std::string(time)), invalid) << time;
  }
  for (const char* time : {"EX abc", "EX 1.5", "PX 9223372036854775808", "EX ''", "EX ' 1'"}) {
    EXPECT_EQ(Refused("SET k v " + std::string(time)), kNotInteger) << time;
  }
  EXPECT_EQ(Run("SET k v PXAT 9223372036854775807"), kOk);
  EXPECT_EQ(Run("SET k v EXAT 9223372036854775"), kOk);
}

TEST_F(StringCommandsTest, SetNxSetsOnlyWhatIsAbsent) {
  EXPECT_EQ(Run("SETNX k v"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v\n");
  EXPECT_EQ(Refused("SETNX k w"), ":0\r\n");
  MakeList("l");
  EXPECT_EQ(Refused("SETNX l v"), ":0\r\n");
}

TEST_F(StringCommandsTest, SetExAndPSetExSetForATime) {
  EXPECT_EQ(Run("SETEX k 10 v"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until " + At(10'000) + "\n");
  EXPECT_EQ(Run("PSETEX k 10 v"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until " + At(10) + "\n");
  EXPECT_EQ(Refused("SETEX k 0 v"), "-ERR invalid expire time in 'setex' command\r\n");
  EXPECT_EQ(Refused("PSETEX k -1 v"), "-ERR invalid expire time in 'psetex' command\r\n");
  EXPECT_EQ(Refused("SETEX k abc v"), kNotInteger);
  EXPECT_EQ(Refused("PSETEX k 9223372036854775807 v"),
            "-ERR invalid expire time in 'psetex' command\r\n");
  Reopen();
  EXPECT_EQ(Run("GET k"), Bulk("v"));
  clock_.AdvanceMs(10);
  EXPECT_EQ(Run("GET k"), kNull);
}

TEST_F(StringCommandsTest, GetSetAnswersTheOldStringAndEndsTheExpiry) {
  EXPECT_EQ(Run("GETSET k v"), kNull);
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v\n");
  Run("EXPIRE k 10");
  EXPECT_EQ(Run("GETSET k w"), Bulk("v"));
  EXPECT_EQ(LoggedRows(), "put 0/k embstr w\n");
  MakeList("l");
  EXPECT_EQ(Refused("GETSET l v"), kWrongType);
  Reopen();
  EXPECT_EQ(Run("GET k"), Bulk("w"));
}

TEST_F(StringCommandsTest, GetDelAnswersAndDeletes) {
  EXPECT_EQ(Refused("GETDEL k"), kNull);
  Run("SET k v");
  EXPECT_EQ(Run("GETDEL k"), Bulk("v"));
  EXPECT_EQ(LoggedRows(), "delete 0/k\n");
  MakeList("l");
  EXPECT_EQ(Refused("GETDEL l"), kWrongType);
  Reopen();
  EXPECT_EQ(Run("EXISTS k"), ":0\r\n");
}

TEST_F(StringCommandsTest, GetExChangesTheExpiry) {
  Run("SET k v");
  EXPECT_EQ(Refused("GETEX k"), Bulk("v"));
  EXPECT_EQ(Refused("GETEX k PERSIST"), Bulk("v"));
  EXPECT_EQ(Run("GETEX k EX 100"), Bulk("v"));
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v until " + At(100'000) + "\n");
  EXPECT_EQ(Run("GETEX k PERSIST PERSIST"), Bulk("v"));
  EXPECT_EQ(LoggedRows(), "put 0/k embstr v\n");
  EXPECT_EQ(Run("GETEX k PXAT 1"), Bulk("v"));
  EXPECT_EQ(LoggedRows(), "delete 0/k\n");
  Reopen();
  EXPECT_EQ(Run("GET k"), kNull);
}

TEST_F(StringCommandsTest, GetExLooksAtATimeOnlyWhenTheKeyIsThere) {
  EXPECT_EQ(Refused("GETEX k EX abc"), kNull);
  EXPECT_EQ(Refused("GETEX k KEEPTTL"), kSyntax);
  Run("SET k v");
  EXPECT_EQ(Refused("GETEX k EX 0"), "-ERR invalid expire time in 'getex' command\r\n");
  EXPECT_EQ(Refused("GETEX k EX abc"), kNotInteger);
  for (const char* options : {"EX", "EX 100 PERSIST", "NX", "EX 10 foo"}) {
    EXPECT_EQ(Refused("GETEX k " + std::string(options)), kSyntax) << options;
  }
  MakeList("l");
  EXPECT_EQ(Refused("GETEX l EX 0"), kWrongType);
}

TEST_F(StringCommandsTest, MGetAnswersNullForOtherTypes) {
  Run("MSET a 1 b 2");
  MakeList("l");
  EXPECT_EQ(Refused("MGET a l none b a"), "*5\r\n$1\r\n1\r\n$-1\r\n$-1\r\n$1\r\n2\r\n$1\r\n1\r\n");
}

TEST_F(StringCommandsTest, MSetSetsAllOfThem) {
  EXPECT_EQ(Run("MSET a 1 b x a 3"), kOk);
  EXPECT_EQ(LoggedRows(), "put 0/a int 1\nput 0/b embstr x\nput 0/a int 3\n");
  EXPECT_EQ(Refused("MSET a"), "-ERR wrong number of arguments for 'mset' command\r\n");
  EXPECT_EQ(Refused("MSET a 1 b"), "-ERR wrong number of arguments for 'mset' command\r\n");
  Reopen();
  EXPECT_EQ(Run("MGET a b"), Bulks({"3", "x"}));
}

// CVE-2023-28425: a key named twice in MSETNX.
TEST_F(StringCommandsTest, MSetNxSetsAllOrNothing) {
  EXPECT_EQ(Run("MSETNX a 1 b 2 a 3"), ":1\r\n");
  EXPECT_EQ(LoggedRows(), "put 0/a int 1\nput 0/b int 2\nput 0/a int 3\n");
  EXPECT_EQ(Refused("MSETNX c 1 a 9"), ":0\r\n");
  EXPECT_EQ(Refused("MSETNX c 1 a"), "-ERR wrong number of arguments for 'msetnx' command\r\n");
  Reopen();
  EXPECT_EQ(Run("MGET a b c"), "*3\r\n$1\r\n3\r\n$1\r\n2\r\n$-1\r\n");
}

TEST_F(StringCommandsTest, NullsAreTheOnesOfTheProtocol) {
  protocol_ = 3;
  EXPECT_EQ(Run("GET k"), "_\r\n");
  EXPECT_EQ(Run("SET k v XX"), "_\r\n");
  EXPECT_EQ(Run("MGET k"), "*1\r\n_\r\n");
}

// A demoted key answers and changes as a hot one.
TEST_F(StringCommandsTest, ColdStringsBehaveAsHotOnes) {
  Run("SET k v EX 100");
  DemoteAll();
  EXPECT_EQ(Run("SET k w KEEPTTL GET"), Bulk("v"));
  EXPECT_EQ(LoggedRows(), "put 0/k embstr w until " + At(100'000) + "\n");
  DemoteAll();
  EXPECT_EQ(Run("GETDEL k"), Bulk("w"));
  EXPECT_EQ(Differences(), "");
}

}  // namespace
}  // namespace hearth
