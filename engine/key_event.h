#pragma once

// KeyEvent: something that happened to a key, as keyspace notifications tell it.

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

// Bits: which classes are wanted is a set of them.
enum class EventClass : uint32_t {
  kGeneric = 1u << 0,
  kString = 1u << 1,
  kList = 1u << 2,
  kSet = 1u << 3,
  kHash = 1u << 4,
  kSortedSet = 1u << 5,
  kExpired = 1u << 6,
  kEvicted = 1u << 7,
  kStream = 1u << 8,
  kKeyMiss = 1u << 9,
  kModule = 1u << 10,
  kNew = 1u << 11,
};

struct KeyEvent {
  EventClass type;
  uint32_t db;
  std::string_view name;  // static
  std::string key;
};

}  // namespace hearth
