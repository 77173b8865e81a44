#include "engine/rows.h"

#include <gtest/gtest.h>

#include "engine/position.h"

namespace hearth {
namespace {

Object* MakeString(std::string_view key, std::string_view value, int64_t expire_at_ms) {
  Object* object = Object::Make(key, value.data(), value.size(), expire_at_ms != kNoExpiry);
  object->encoding = Encoding::kEmbstr;
  object->set_expire_at_ms(expire_at_ms);
  return object;
}

// These bytes stand in files: a change needs a new version byte.
TEST(Rows, HeadRowsAreFixedForever) {
  Object* object = MakeString("foo", "bar", 0x0102030405060708);
  char header[kHeadValueHeaderSizeMax];
  const std::string value(header, WriteHeadValueHeader(header, *object));
  EXPECT_EQ(value, std::string("\x01\x80\x01\x08\x07\x06\x05\x04\x03\x02\x01", 11));
  const std::string key = HeadKey(7, 0x1122334455667788, "foo");
  EXPECT_EQ(key, std::string("k\0\0\0\x07\x11\x22\x33\x44\x55\x66\x77\x88"
                             "foo",
                             16));
  Object::Free(object);
}

TEST(Rows, AHeadRowParsesToWhatWasWritten) {
  Object* object = MakeString("k", "", 5);
  char header[kHeadValueHeaderSizeMax];
  const std::string value(header, WriteHeadValueHeader(header, *object));
  HeadValueParts parts;
  const std::string row = value + "xyz";
  ASSERT_TRUE(ParseHeadValue(row, &parts));
  EXPECT_EQ(parts.expire_at_ms, 5);
  EXPECT_EQ(parts.encoding, Encoding::kEmbstr);
  EXPECT_EQ(parts.value, "xyz");
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_FALSE(ParseHeadValue(std::string_view(value).substr(0, size), &parts)) << size;
  }
  EXPECT_FALSE(ParseHeadValue(std::string("\x02\x80\x00", 3), &parts)) << "a newer version";
  Object::Free(object);
}

TEST(Rows, TheStateRowKeepsIdsAndCounts) {
  StoreState state = StoreState::Fresh(16, std::string(40, 'a'));
  state.history.id2 = std::string(40, 'b');
  state.history.id2_seq = 77;
  state.written = true;
  state.place = {std::string(40, 'c'), 1'000'000'000'000, 9};
  state.commit_ms = 12345;
  state.next_db_id = 18;
  state.dbs[3] = {17, 1000, 5};
  StoreState read;
  const std::string row = EncodeState(state);
  ASSERT_TRUE(ParseState(row, 16, &read));
  EXPECT_EQ(read.history, state.history);
  EXPECT_TRUE(read.written);
  EXPECT_EQ(read.place, state.place);
  EXPECT_EQ(read.next_db_id, 18u);
  EXPECT_EQ(read.dbs[3].id, 17u);
  EXPECT_EQ(read.dbs[3].keys, 1000u);
  EXPECT_EQ(read.dbs[3].expires, 5u);
  EXPECT_EQ(read.dbs[4].id, 4u);
  EXPECT_FALSE(ParseState(row, 3, &read)) << "a database beyond the count";
  for (size_t size = 0; size < 77; ++size) {
    EXPECT_FALSE(ParseState(row.substr(0, size), 16, &read));
  }
  state.place = {};
  ASSERT_TRUE(ParseState(EncodeState(state), 16, &read));
  EXPECT_EQ(read.place, StreamPlace());
}

}  // namespace
}  // namespace hearth
