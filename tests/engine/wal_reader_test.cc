#include "engine/wal_reader.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/engine/engine_fixture.h"

namespace hearth {
namespace {

class WalReaderTest : public EngineFixture {
 protected:
  std::string OnlyWal() {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() + "/data")) {
      if (entry.path().extension() != ".log") continue;
      std::ostringstream contents;
      contents << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      if (!contents.str().empty()) return contents.str();
    }
    return {};
  }
};

TEST_F(WalReaderTest, ReadsEveryGroupThatRocksDbWrote) {
  for (int i = 0; i < 50; ++i) {
    Set("key" + std::to_string(i), std::string(static_cast<size_t>(i) * 700, 'x'));
    Commit();
  }
  const std::string contents = OnlyWal();
  WalReader reader(contents);
  WalReader::Record record;
  uint64_t next_seq = 1;
  while (reader.Read(&record)) {
    EXPECT_EQ(record.seq, next_seq);
    next_seq += record.count;
  }
  EXPECT_FALSE(reader.damaged());
  EXPECT_EQ(next_seq, engine_->log().committed_seq() + 1);
  EXPECT_EQ(reader.good_offset(), contents.size());
}

// Any cut or flipped byte ends the reading before it, never behind it.
TEST_F(WalReaderTest, DamageIsSeenWhereverItIs) {
  for (int i = 0; i < 20; ++i) {
    Set("key" + std::to_string(i), std::string(50, 'x'));
    Commit();
  }
  const std::string whole = OnlyWal();
  for (size_t at = 0; at < whole.size(); at += 3) {
    std::string flipped = whole;
    flipped[at] ^= 0x40;
    WalReader reader(flipped);
    WalReader::Record record;
    while (reader.Read(&record)) {
    }
    EXPECT_TRUE(reader.damaged()) << at;
    EXPECT_LE(reader.good_offset(), at);
    WalReader cut(std::string_view(whole).substr(0, at));
    while (cut.Read(&record)) {
    }
    // A rest of zeros alone is preallocated space.
    const bool torn =
        whole.substr(0, at).find_first_not_of('\0', cut.good_offset()) != std::string::npos;
    EXPECT_EQ(cut.damaged(), torn) << at;
    if (cut.damaged()) {
      EXPECT_FALSE(cut.valid_after_damage()) << at;
    }
  }
  std::string middle = whole;
  middle[whole.size() / 2] ^= 1;
  WalReader reader(middle);
  WalReader::Record record;
  while (reader.Read(&record)) {
  }
  EXPECT_TRUE(reader.valid_after_damage());
}

}  // namespace
}  // namespace hearth
