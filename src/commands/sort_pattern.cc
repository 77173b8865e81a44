// Tested by tests/src/commands/sort_test.cc.
#include "engine/hash.h"
#include "src/commands/sort.h"

namespace hearth {
namespace {

// A field's value, copied: opening the hash again may move what is in it.
std::optional<std::string_view> ReadField(std::string_view key, const Object& object,
                                          std::string_view field, Tx& tx,
                                          std::deque<std::string>* copies) {
  if (object.type != ObjectType::kHash) return std::nullopt;
  const HashKey hash(tx, key, &object);
  const auto found = hash.Find(field);
  if (!found) return std::nullopt;
  return copies->emplace_back(found->value);
}

}  // namespace

std::optional<std::string_view> ReadPattern(std::string_view pattern, std::string_view element,
                                            Tx& tx, std::deque<std::string>* copies) {
  if (pattern == "#") return element;
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return std::nullopt;
  // An arrow at the very end belongs to the key.
  const size_t arrow = pattern.find("->", star + 1);
  const bool has_field = arrow != std::string_view::npos && arrow + 2 < pattern.size();
  const std::string_view key_pattern = has_field ? pattern.substr(0, arrow) : pattern;
  std::string key(key_pattern.substr(0, star));
  key.append(element).append(key_pattern.substr(star + 1));

  const Object* object = tx.Find(key);
  tx.NoteSource(key, object != nullptr);
  if (object == nullptr) return std::nullopt;
  if (has_field) return ReadField(key, *object, pattern.substr(arrow + 2), tx, copies);
  if (object->type != ObjectType::kString) return std::nullopt;
  return object->value();
}

}  // namespace hearth
