// Tested by tests/src/key_finder_test.cc.
#include "src/key_finder.h"

#include <algorithm>

#include "src/numbers.h"

namespace hearth {
namespace {

bool EqualsNoCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

// The first key's argument, or 0 when the keyword is not there.
size_t FindBegin(const KeySpec& spec, const Args& args) {
  if (spec.begin == KeySpec::Begin::kIndex) return static_cast<size_t>(spec.index);
  const bool backwards = spec.index < 0;
  const size_t start =
      backwards ? args.size() - static_cast<size_t>(-spec.index) : static_cast<size_t>(spec.index);
  for (size_t i = start; i < args.size() && i > 0; backwards ? --i : ++i) {
    if (EqualsNoCase(args[i], spec.keyword)) return i + 1;
  }
  return 0;
}

bool FindBySpec(const KeySpec& spec, const Args& args, std::vector<KeyPlace>* places) {
  if (spec.begin == KeySpec::Begin::kUnknown) return true;
  size_t first = FindBegin(spec, args);
  if (first == 0) return true;
  size_t last, step = static_cast<size_t>(spec.step);
  if (spec.find == KeySpec::Find::kRange) {
    if (first >= args.size()) return false;
    if (spec.last >= 0) {
      last = first + static_cast<size_t>(spec.last);
    } else if (spec.limit <= 1) {
      last = args.size() - static_cast<size_t>(-spec.last);
    } else {
      last = first + (args.size() - first) / static_cast<size_t>(spec.limit) - 1;
    }
    if (last >= args.size()) return false;
  } else if (spec.find == KeySpec::Find::kKeyNum) {
    const size_t count_index = first + static_cast<size_t>(spec.key_num_index);
    if (count_index >= args.size()) return false;
    const auto count = ParseInt64(args[count_index]);
    first += static_cast<size_t>(spec.first_key);
    if (!count || *count < 0) return false;
    if (*count == 0) return true;
    if (static_cast<uint64_t>(*count) > (args.size() - first + step - 1) / step) return false;
    last = first + (static_cast<size_t>(*count) - 1) * step;
  } else {
    return true;
  }
  for (size_t i = first; i <= last; i += step) {
    places->push_back({static_cast<uint32_t>(i), &spec});
  }
  return true;
}

}  // namespace

bool FindKeyPlaces(const Command& command, const Args& args, std::vector<KeyPlace>* places) {
  if (command.places != nullptr) {
    command.places(command, args, places);
    return true;
  }
  for (const KeySpec& spec : command.key_specs) {
    if (!FindBySpec(spec, args, places)) return false;
  }
  return true;
}

bool LocksAll(const Command& command, const Args& args) {
  return (command.flags & kCmdLockAll) != 0 ||
         (command.locks_all != nullptr && command.locks_all(args));
}

bool CollectKeys(const Command& command, const Args& args, uint32_t db, std::vector<KeyRef>* keys) {
  const bool head_only = (command.flags & kCmdHeadOnly) != 0 &&
                         (command.asks_for_value == nullptr || !command.asks_for_value(args));
  if (command.keys != nullptr) return command.keys(args, db, keys);
  // The common case: one key at a fixed place.
  if (command.key_specs.size() == 1) [[likely]] {
    const KeySpec& spec = command.key_specs[0];
    if (spec.begin == KeySpec::Begin::kIndex && spec.find == KeySpec::Find::kRange &&
        spec.last == 0) {
      if (static_cast<size_t>(spec.index) >= args.size()) return false;
      const std::string_view key = args[static_cast<size_t>(spec.index)];
      if (!keys->empty() && keys->back().key == key) {  // a client's work on one
        keys->emplace_back(db, key, keys->back().position);
      } else {
        keys->emplace_back(db, key);
      }
      keys->back().head_only = head_only;
      return true;
    }
  }
  thread_local std::vector<KeyPlace> places;
  places.clear();
  if (!FindKeyPlaces(command, args, &places)) return false;
  for (const KeyPlace& place : places) {
    keys->emplace_back(db, args[place.arg_index]).head_only = head_only;
  }
  return true;
}

}  // namespace hearth
