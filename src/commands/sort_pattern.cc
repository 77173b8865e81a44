// Tested by tests/src/commands/sort_test.cc.
#include "engine/hash.h"
#include "src/commands/sort.h"

namespace hearth {
namespace {

std::optional<std::string_view> ReadField(std::string_view key, const Object& object,
                                          std::string_view name, Tx& tx) {
  if (object.type != ObjectType::kHash) return std::nullopt;
  const auto field = HashKey(tx, key, &object).Find(name);
  return field ? std::optional(field->value) : std::nullopt;
}

}  // namespace

std::optional<std::string_view> ReadPattern(std::string_view pattern, std::string_view element,
                                            Tx& tx) {
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
  if (object == nullptr) return std::nullopt;
  if (has_field) return ReadField(key, *object, pattern.substr(arrow + 2), tx);
  if (object->type != ObjectType::kString) return std::nullopt;
  return object->value();
}

}  // namespace hearth
