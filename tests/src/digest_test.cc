#include "src/digest.h"

#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

class DigestTest : public ServerFixture {};

const std::string kZeros = "+" + std::string(40, '0') + "\r\n";

TEST_F(DigestTest, DependsOnTheDatasetAlone) {
  EXPECT_EQ(Run("DEBUG DIGEST"), kZeros);
  Run("MSET a 1 b two c three");
  Run("SELECT 3");
  Run("SET a 1 EX 1000");
  const std::string digest = Run("DEBUG DIGEST");
  EXPECT_NE(digest, kZeros);
  EXPECT_EQ(digest.size(), 43u);
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Run("DEBUG DIGEST"), digest);
  Restart();
  EXPECT_EQ(Run("DEBUG DIGEST"), digest);
  Run("FLUSHALL");
  EXPECT_EQ(Run("DEBUG DIGEST"), kZeros);
  Run("APPEND c thr");
  Run("APPEND c ee");
  Run("SET b two");
  Run("SET a 1");
  Run("SET a 1");
  Run("COPY a a DB 3");
  EXPECT_NE(Run("DEBUG DIGEST"), digest) << "the copy does not expire";
  Run("SELECT 3");
  Run("EXPIRE a 500");
  EXPECT_EQ(Run("DEBUG DIGEST"), digest);
  Run("SWAPDB 0 3");
  EXPECT_NE(Run("DEBUG DIGEST"), digest);
}

TEST_F(DigestTest, ValuesHaveTheirOwn) {
  Run("MSET a 1 b 1 c 2");
  const std::string all = Run("DEBUG DIGEST-VALUE a b c none");
  Run("DEBUG DEMOTE-ALL");
  EXPECT_EQ(Run("DEBUG DIGEST-VALUE a b c none"), all);
  const std::string a = all.substr(4, 43), b = all.substr(47, 43), c = all.substr(90, 43);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_EQ(all, "*4\r\n" + a + b + c + kZeros);
  EXPECT_EQ(Run("DEBUG DIGEST-VALUE"), "*0\r\n");
}

TEST_F(DigestTest, IsOfTheElementsNotOfTheirOrder) {
  const std::pair<const char*, const char*> same[] = {
      {"SADD %s a b c", "SADD %s c b a"},
      {"HSET %s f v g w", "HSET %s g w f v"},
      {"ZADD %s 1 a 2 b", "ZADD %s 2 b 1 a"},
      {"RPUSH %s a b", "LPUSH %s b a"},
  };
  const auto with_key = [](std::string line, const std::string& key) {
    return line.replace(line.find("%s"), 2, key);
  };
  const auto digest = [&](const std::string& key) { return Run("DEBUG DIGEST-VALUE " + key); };
  for (const auto& [first, second] : same) {
    Run("DEL x y");
    Run(with_key(first, "x"));
    Run(with_key(second, "y"));
    EXPECT_EQ(digest("x"), digest("y")) << first;
    Run("DEBUG PACKED-SIZE-MAX 0");
    Run("COPY x y REPLACE");
    Run("DEBUG PACKED-SIZE-MAX 512");
    EXPECT_EQ(digest("x"), digest("y")) << first;
  }
  Run("DEL x y");
  Run("RPUSH x a b");
  Run("RPUSH y b a");
  EXPECT_NE(digest("x"), digest("y"));
  Run("XADD s 1-1 f v");
  const std::string before = digest("s");
  Run("XGROUP CREATE s g 0");
  EXPECT_NE(digest("s"), before);
}

}  // namespace
}  // namespace hearth
