#include "src/commands/hyperloglog.h"

#include "tests/src/commands/command_fixture.h"

namespace hearth {
namespace {

constexpr char kNotHll[] = "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n";
constexpr char kCorrupted[] = "-INVALIDOBJ Corrupted HLL object detected\r\n";

class HyperLogLogTest : public CommandFixture {
 protected:
  void TearDown() override { HllSparseSizeMax() = 3000; }

  void AddNumbers(const std::string& key, int first, int last) {
    std::vector<std::string> words{"PFADD", key};
    for (int number = first; number <= last; ++number) words.push_back(std::to_string(number));
    RunWords(words);
  }
};

// The bytes are those of redis-server 7.0.15 after the same commands.
TEST_F(HyperLogLogTest, AddsAndCounts) {
  EXPECT_EQ(Run("PFADD k"), ":1\r\n");
  EXPECT_EQ(LoggedRows(),
            "put 0/k raw \"HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f"
            "\\xff\"\n");
  EXPECT_EQ(Refused("PFADD k"), ":0\r\n");
  EXPECT_EQ(Run("PFADD k a b c"), ":1\r\n");
  EXPECT_EQ(LoggedRows(),
            "put 0/k raw \"HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80`\\xf3"
            "\\x80P\\xb1\\x84K\\xfb\\x80BZ\"\n");
  EXPECT_EQ(Refused("PFADD k b"), ":0\r\n");
  EXPECT_EQ(Refused("PFCOUNT none"), ":0\r\n");
  Reopen();
  EXPECT_EQ(Run("PFCOUNT k"), ":3\r\n");
}

TEST_F(HyperLogLogTest, TheCountIsStoredUntilTheNextChange) {
  Run("PFADD k a b c");
  Run("PEXPIREAT k 1700000100000");
  EXPECT_EQ(Run("PFCOUNT k"), ":3\r\n");
  EXPECT_EQ(LoggedRows(),
            "put 0/k raw \"HYLL\\x01\\x00\\x00\\x00\\x03\\x00\\x00\\x00\\x00\\x00\\x00\\x00`\\xf3"
            "\\x80P\\xb1\\x84K\\xfb\\x80BZ\" until 1700000100000\n");
  EXPECT_EQ(Refused("PFCOUNT k"), ":3\r\n");
  EXPECT_EQ(Run("PFADD k d"), ":1\r\n");
  EXPECT_EQ(Run("PFCOUNT k"), ":4\r\n");
}

TEST_F(HyperLogLogTest, ADenseOneIsChangedInPlace) {
  HllSparseSizeMax() = 0;
  AddNumbers("k", 1, 1000);
  EXPECT_EQ(Run("PFDEBUG ENCODING k"), "+dense\r\n");
  EXPECT_EQ(Run("STRLEN k"), ":12304\r\n");
  EXPECT_EQ(Run("PFCOUNT k"), ":1001\r\n");
  EXPECT_EQ(Refused("PFADD k 1 2 3 1000"), ":0\r\n");
  EXPECT_EQ(Run("PFADD k x y z"), ":1\r\n");
  EXPECT_EQ(Run("PFCOUNT k"), ":1004\r\n");

  HllSparseSizeMax() = 3000;
  AddNumbers("sparse", 1, 500);
  AddNumbers("sparse", 501, 1000);
  Run("PFADD sparse z y x");
  Run("PFDEBUG TODENSE sparse");
  Run("PFCOUNT sparse");
  Reopen();
  EXPECT_EQ(Run("GET k"), Run("GET sparse"));
}

TEST_F(HyperLogLogTest, CountsTheUnionOfSeveralKeysWithoutStoringIt) {
  AddNumbers("a", 1, 100);
  AddNumbers("b", 51, 150);
  Run("PFDEBUG TODENSE b");
  EXPECT_EQ(Refused("PFCOUNT a none b"), ":151\r\n");
  EXPECT_EQ(Refused("PFCOUNT none none"), ":0\r\n");
}

TEST_F(HyperLogLogTest, MergesIntoTheTarget) {
  AddNumbers("a", 1, 100);
  AddNumbers("b", 51, 150);
  EXPECT_EQ(Run("PFMERGE t a b none"), "+OK\r\n");
  EXPECT_EQ(Run("PFDEBUG ENCODING t"), "+sparse\r\n");
  EXPECT_EQ(Run("PFCOUNT t"), ":151\r\n");
  AddNumbers("c", 151, 160);
  Run("PFDEBUG TODENSE c");
  Run("PEXPIREAT t 1700000100000");
  EXPECT_EQ(Run("PFMERGE t c"), "+OK\r\n");
  EXPECT_EQ(Run("PEXPIRETIME t"), ":1700000100000\r\n");
  EXPECT_EQ(Run("PFDEBUG ENCODING t"), "+dense\r\n");
  Reopen();
  EXPECT_EQ(Run("PFCOUNT t"), ":161\r\n");
}

TEST_F(HyperLogLogTest, MergeOfNothingMakesTheTarget) {
  EXPECT_EQ(Run("PFMERGE t"), "+OK\r\n");
  EXPECT_EQ(Run("PFDEBUG DECODE t"), Bulk("Z:16384"));
  EXPECT_EQ(Run("PFCOUNT t"), ":0\r\n");
}

TEST_F(HyperLogLogTest, DebugShowsAndConverts) {
  Run("PFADD k a b c");
  EXPECT_EQ(Refused("PFDEBUG DECODE k"), Bulk("Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"));
  EXPECT_EQ(Refused("PFDEBUG encoding k"), "+sparse\r\n");
  EXPECT_EQ(Run("PFDEBUG TODENSE k"), ":1\r\n");
  EXPECT_EQ(Refused("PFDEBUG TODENSE k"), ":0\r\n");
  EXPECT_EQ(Refused("PFDEBUG DECODE k"), "-ERR HLL encoding is not sparse\r\n");
  const std::string registers = Refused("PFDEBUG GETREG k");
  EXPECT_TRUE(registers.starts_with("*16384\r\n:0\r\n"));
  EXPECT_NE(registers.find(":0\r\n:2\r\n:0\r\n"), std::string::npos);
  Run("PFADD s a");
  Run("PFDEBUG GETREG s");
  EXPECT_EQ(Run("PFDEBUG ENCODING s"), "+dense\r\n");
  EXPECT_EQ(Refused("PFDEBUG NO k"), "-ERR Unknown PFDEBUG subcommand 'NO'\r\n");
  EXPECT_EQ(Refused("PFDEBUG NO none"), "-ERR The specified key does not exist\r\n");
  EXPECT_EQ(Refused("PFSELFTEST"), "+OK\r\n");
}

TEST_F(HyperLogLogTest, RefusesWhatIsNone) {
  const std::string kWrongType =
      "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
  MakeList("l");
  Run("SET s HYLL");
  RunWords({"SET", "t", "HYLL" + std::string(1, '\x02') + std::string(11, '\0')});
  for (const std::string key : {"l", "s", "t"}) {
    const std::string& error = key == "l" ? kWrongType : kNotHll;
    EXPECT_EQ(Refused("PFADD " + key + " x"), error);
    EXPECT_EQ(Refused("PFCOUNT " + key), error);
    EXPECT_EQ(Refused("PFCOUNT none " + key), error);
    EXPECT_EQ(Refused("PFMERGE none " + key), error);
    EXPECT_EQ(Refused("PFMERGE " + key), error);
    EXPECT_EQ(Refused("PFDEBUG NO " + key), error);
  }
}

TEST_F(HyperLogLogTest, RefusesCorruptedOnesAndLeavesThemAlone) {
  const std::string header = "HYLL\x01" + std::string(10, '\0') + '\x80';
  RunWords({"SET", "k", header + "\x80\x80"});
  EXPECT_EQ(Refused("PFADD k x"), kCorrupted);
  EXPECT_EQ(Refused("PFCOUNT k"), kCorrupted);
  EXPECT_EQ(Refused("PFCOUNT k none"), kCorrupted);
  EXPECT_EQ(Refused("PFMERGE none k"), kCorrupted);
  EXPECT_EQ(Refused("PFDEBUG TODENSE k"), kCorrupted);
  EXPECT_EQ(Refused("PFDEBUG GETREG k"), kCorrupted);
  EXPECT_EQ(Refused("PFDEBUG DECODE k"), Bulk("v:1,1 v:1,1"));
}

// Redis makes the string raw whether or not it changes.
TEST_F(HyperLogLogTest, AStringThatWasSetBecomesRaw) {
  const std::string hll = "HYLL\x01" + std::string(11, '\0') + "\x7f\xff";
  RunWords({"SET", "k", hll});
  EXPECT_EQ(Run("OBJECT ENCODING k"), Bulk("embstr"));
  EXPECT_EQ(Run("PFADD k"), ":0\r\n");
  EXPECT_EQ(Run("OBJECT ENCODING k"), Bulk("raw"));
  EXPECT_EQ(Run("GET k"), Bulk(hll));
}

}  // namespace
}  // namespace hearth
