// Frames and lists of files: what is written is read, what was damaged is not.
#include "src/replication/frame.h"

#include <cstring>

#include "src/replication/file_list.h"

namespace hearth {
namespace {

void Feed(FrameReader& reader, std::string_view bytes) {
  const std::span<char> room = reader.Prepare(bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  reader.Commit(bytes.size());
}

using Result = FrameReader::Result;

TEST(FrameTest, FramesAreReadAsTheyWereWrittenHoweverTheyAreCut) {
  const std::string big(300'000, 'x');
  const std::string wire =
      EncodeFrame(FrameType::kGroup, 17, 3, "payload") + EncodeHeartbeat(99, 1'700'000'000'123) +
      EncodeFrame(FrameType::kChunk, 1 << 20, 7, big) + EncodeFrame(FrameType::kGetAck, 0, 0, {});
  for (const size_t step : {size_t{1}, size_t{39}, size_t{40}, size_t{4096}, wire.size()}) {
    FrameReader reader;
    std::vector<Frame> frames;
    for (size_t at = 0; at < wire.size(); at += step) {
      Feed(reader, std::string_view(wire).substr(at, step));
      Frame frame;
      while (reader.Next(&frame) == Result::kFrame) frames.push_back(frame);
    }
    ASSERT_EQ(frames.size(), 4u) << step;
    EXPECT_EQ(frames[0].type, FrameType::kGroup);
    EXPECT_EQ(frames[0].first, 17u);
    EXPECT_EQ(frames[0].count, 3u);
    EXPECT_EQ(frames[0].payload, "payload");
    EXPECT_EQ(frames[1].first, 99u);
    EXPECT_EQ(HeartbeatMs(frames[1]), 1'700'000'000'123);
    EXPECT_EQ(frames[2].payload, big);
    EXPECT_EQ(frames[3].type, FrameType::kGetAck);
    EXPECT_EQ(reader.buffered_bytes(), 0u);
  }
}

// Whichever byte is damaged, no frame comes out of it.
TEST(FrameTest, ADamagedByteIsFoundWhereverItIs) {
  const std::string wire = EncodeFrame(FrameType::kGroup, 5, 1, "some payload");
  for (size_t i = 0; i < wire.size(); ++i) {
    for (const char flip : {'\x01', '\x80'}) {
      std::string damaged = wire;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      FrameReader reader;
      Feed(reader, damaged);
      Frame frame;
      EXPECT_EQ(reader.Next(&frame), Result::kDamaged) << i;
      EXPECT_FALSE(reader.error().empty());
      // Nothing behind it is believed either.
      Feed(reader, wire);
      EXPECT_EQ(reader.Next(&frame), Result::kDamaged);
    }
  }
}

TEST(FrameTest, AListOfFilesIsReadBackAndNonsenseIsNot) {
  const std::vector<SyncFile> files = {{"CURRENT", 16, "00112233aabbccdd"},
                                       {"000012.sst", 123456789012, "ffffffffffffffff"}};
  const std::string text = EncodeFileList("20261121-1", files);
  const auto list = ParseFileList(text);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->checkpoint_id, "20261121-1");
  EXPECT_EQ(list->files, files);
  for (const char* bad :
       {"", "checkpoint \n", "file 1 00 a\n", "checkpoint a\nfile x 00 a\n",
        "checkpoint a\nfile -1 00 a\n", "checkpoint a\nfile 1 00\n", "checkpoint a\nfile 1 00 a"}) {
    EXPECT_FALSE(ParseFileList(bad)) << bad;
  }
}

}  // namespace
}  // namespace hearth
