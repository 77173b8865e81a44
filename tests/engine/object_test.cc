#include "engine/object.h"

#include <gtest/gtest.h>

#include <string>

namespace hearth {
namespace {

struct Form {
  size_t key_size;
  size_t value_size;
  bool expires;
};

// Every form of the header: sizes within it or behind it, with and without an expiry.
TEST(ObjectTest, KeepsKeyValueAndExpiryInEveryForm) {
  for (const size_t key_size : {0u, 16u, 255u, 256u, 70000u}) {
    for (const size_t value_size : {0u, 64u, 255u, 256u, 70000u}) {
      for (const bool expires : {false, true}) {
        SCOPED_TRACE(std::to_string(key_size) + " " + std::to_string(value_size));
        const std::string key(key_size, 'k'), value(value_size, 'v');
        Object* object = Object::Make(key, value.data(), value.size(), expires);
        EXPECT_EQ(object->key(), key);
        EXPECT_EQ(object->value(), value);
        EXPECT_EQ(object->position(), PositionOf(key));
        EXPECT_FALSE(object->has_expiry());
        EXPECT_EQ(object->expire_at_ms(), kNoExpiry);
        if (expires) object->set_expire_at_ms(INT64_MAX);
        EXPECT_EQ(object->has_expiry(), expires);
        EXPECT_EQ(object->expire_at_ms(), expires ? INT64_MAX : kNoExpiry);
        EXPECT_EQ(object->key(), key) << "the expiry stands beside them";
        EXPECT_EQ(object->value(), value);
        EXPECT_GE(object->allocated_size(), Object::SizeFor(key_size, value_size, expires));
        EXPECT_TRUE(object->Fits(value_size, expires));
        EXPECT_EQ(object->Fits(value_size, /*expires=*/true), expires);
        Object::Free(object);
      }
    }
  }
}

// 16 bytes of header: a key of 16 with a value of 64 takes 96.
TEST(ObjectTest, ASmallKeyTakesLittleMoreThanItsBytes) {
  EXPECT_EQ(Object::SizeFor(16, 64, /*expires=*/false), 96u);
  EXPECT_EQ(Object::SizeFor(16, 64, /*expires=*/true), 104u);
  EXPECT_EQ(Object::SizeFor(255, 255, /*expires=*/false), 16u + 510u);
  EXPECT_EQ(Object::SizeFor(255, 256, /*expires=*/true), 16u + 8u + 8u + 511u);
}

TEST(ObjectTest, AValueIsTakenInPlaceWhenItFits) {
  const std::string value(250, 'v'), longer(300, 'w');
  Object* narrow = Object::Make("key", value.data(), value.size(), /*expires=*/false);
  ASSERT_GE(narrow->allocated_size(), 16u + 3u + 256u);
  EXPECT_TRUE(narrow->Fits(255, /*expires=*/false));
  EXPECT_FALSE(narrow->Fits(256, /*expires=*/false)) << "its header holds sizes below 256";
  EXPECT_FALSE(narrow->Suits(10, /*expires=*/false)) << "most of it would be idle";
  Object::Free(narrow);

  Object* wide = Object::Make("key", longer.data(), longer.size(), /*expires=*/false);
  EXPECT_TRUE(wide->Fits(5, /*expires=*/false));
  wide->set_value_size(5);
  EXPECT_EQ(wide->value(), "wwwww");
  EXPECT_EQ(wide->key(), "key");
  EXPECT_FALSE(wide->Fits(1000, /*expires=*/false));
  Object::Free(wide);
}

TEST(ObjectTest, AttributesPassToAnotherForm) {
  Object* from = Object::Make("key", "12", 2, /*expires=*/true);
  from->set_expire_at_ms(77);
  from->type = ObjectType::kHash;
  from->encoding = Encoding::kListpackEx;
  from->access = UINT32_MAX;
  from->hot = Object::kHotMax;
  from->flags = Object::kElementsExpire | Object::kTombstone;
  from->seq = (uint64_t{1} << 56) - 1;
  const std::string longer(1000, 'x');
  Object* to = Object::Make("key", longer.data(), longer.size(), /*expires=*/true);
  to->TakeAttributes(*from);
  EXPECT_EQ(to->expire_at_ms(), 77);
  EXPECT_EQ(to->type, ObjectType::kHash);
  EXPECT_EQ(to->encoding, Encoding::kListpackEx);
  EXPECT_EQ(to->access, UINT32_MAX);
  EXPECT_EQ(to->hot, Object::kHotMax);
  EXPECT_TRUE(to->elements_expire());
  EXPECT_FALSE(to->tombstone()) << "a form has its own";
  EXPECT_EQ(to->value(), longer);
  EXPECT_EQ(from->seq, (uint64_t{1} << 56) - 1) << "the fields beside it are its own";
  Object::Free(from);
  Object::Free(to);
}

}  // namespace
}  // namespace hearth
