// Tested by tests/src/key_finder_test.cc.
#include "src/key_finder.h"

#include <strings.h>

#include "src/numbers.h"

namespace hearth {
namespace {

bool IsKeyword(std::string_view argument, std::string_view keyword) {
  return argument.size() == keyword.size() &&
         strncasecmp(argument.data(), keyword.data(), keyword.size()) == 0;
}

// The argument after the keyword, looked for forwards from spec.index, or backwards when that is
// negative (-1 = the last argument); 0 = not there.
size_t FindAfterKeyword(const KeySpec& spec, const Args& args) {
  const auto count = static_cast<int64_t>(args.size());
  const int64_t start = spec.index > 0 ? spec.index : count + spec.index;
  const int64_t step = spec.index > 0 ? 1 : -1;
  for (int64_t index = start; index >= 1 && index < count; index += step) {
    const auto at = static_cast<size_t>(index);
    if (IsKeyword(args[at], spec.keyword)) return at + 1;
  }
  return 0;
}

bool FindLast(const KeySpec& spec, const Args& args, int64_t* first, int64_t* last) {
  const auto count = static_cast<int64_t>(args.size());
  if (spec.find == KeySpec::Find::kRange) {
    const int64_t span = spec.limit > 0 ? (count - *first) / spec.limit : count - *first;
    *last = spec.last >= 0 ? *first + spec.last : *first + span + spec.last;
    return true;
  }
  const int64_t number_at = *first + spec.key_num_index;
  if (number_at < 1 || number_at >= count) return false;
  const auto number = ParseInt64(args[static_cast<size_t>(number_at)]);
  if (!number || *number < 0 || *number >= count) return false;
  *first += spec.first_key;
  *last = *first + (*number - 1) * spec.step;
  return true;
}

void AppendKeys(const KeyRange& range, const Args& args, uint32_t db, std::vector<KeyRef>* keys) {
  for (size_t index = range.first; index <= range.last; index += range.step) {
    keys->emplace_back(db, args[index]);
  }
}

}  // namespace

bool FindKeyRange(const KeySpec& spec, const Args& args, KeyRange* range) {
  *range = {};
  if (spec.begin == KeySpec::Begin::kUnknown || spec.find == KeySpec::Find::kUnknown) return true;
  int64_t first = spec.index;
  if (spec.begin == KeySpec::Begin::kKeyword) {
    first = static_cast<int64_t>(FindAfterKeyword(spec, args));
    if (first == 0) return true;
  }
  int64_t last = 0;
  if (!FindLast(spec, args, &first, &last)) return false;
  if (last < first) return true;
  if (first < 1 || last >= static_cast<int64_t>(args.size())) return false;
  *range = {static_cast<size_t>(first), static_cast<size_t>(last), static_cast<size_t>(spec.step)};
  return true;
}

bool CollectKeys(const Command& command, const Args& args, uint32_t db, std::vector<KeyRef>* keys) {
  const size_t count_before = keys->size();
  if (command.keys != nullptr) {
    if (command.keys(args, db, keys)) return true;
    keys->erase(keys->begin() + static_cast<std::ptrdiff_t>(count_before), keys->end());
    return false;
  }
  for (const KeySpec& spec : command.key_specs) {
    // GET, SET, INCR and most others: one key at a fixed place.
    const bool is_one_key = spec.begin == KeySpec::Begin::kIndex &&
                            spec.find == KeySpec::Find::kRange && spec.last == 0;
    if (is_one_key && static_cast<size_t>(spec.index) < args.size()) [[likely]] {
      keys->emplace_back(db, args[static_cast<size_t>(spec.index)]);
      continue;
    }
    KeyRange range;
    if (!FindKeyRange(spec, args, &range)) {
      keys->erase(keys->begin() + static_cast<std::ptrdiff_t>(count_before), keys->end());
      return false;
    }
    AppendKeys(range, args, db, keys);
  }
  return true;
}

}  // namespace hearth
