// Tested by tests/oracle/command_stream_test.py.
#include "src/effects.h"

#include "engine/check.h"

namespace hearth {

constinit thread_local Effects* Effects::current_ = nullptr;

Effects::Effects(CommandStream& stream, Tx& tx) : stream_(stream), tx_(tx) {
  HEARTH_CHECK(current_ == nullptr);
  current_ = this;
}

Effects::~Effects() {
  current_ = nullptr;
  if (commands_.empty()) return;
  tx_.SawAllRows();
  stream_.Append(tx_.barrier(), commands_);
}

void Effects::Begin() {
  changes_before_ = tx_.counted_changes();
  is_replaced_ = is_forced_ = false;
}

void Effects::End(const Args& args) {
  const bool changed = tx_.counted_changes() != changes_before_;
  if (is_replaced_ || !(changed || is_forced_)) return;
  commands_.push_back({tx_.db(), StreamWords(args)});
}

void Effects::Instead(std::span<const std::string_view> words) {
  is_replaced_ = true;
  commands_.push_back({tx_.db(), StreamWords(words)});
}

void PassOnDeletion(std::string_view key, LazyDeletion kind) {
  if (Effects* const effects = Effects::Current()) [[unlikely]]
    effects->Instead({effects->VerbOf(kind), key});
}

void GoneEffects::OnKeyGone(Tx& tx, uint32_t db, std::string_view key) {
  const std::string_view words[] = {stream_.DeletionVerb(LazyDeletion::kExpiry), key};
  Tell(tx, db, words);
}

void GoneEffects::OnFieldsGone(Tx& tx, std::string_view key,
                               std::span<const std::string_view> fields) {
  std::vector<std::string_view> words = {"HDEL", key};
  words.insert(words.end(), fields.begin(), fields.end());
  Tell(tx, tx.db(), words);
}

// Outside a command's Tx (a sweep's) it is a unit of its own; its first row comes next.
void GoneEffects::Tell(Tx& tx, uint32_t db, std::span<const std::string_view> words) {
  StreamCommand command{db, StreamWords(words)};
  if (Effects* const effects = Effects::Current(); effects != nullptr && effects->IsOf(tx)) {
    return effects->Add(std::move(command));
  }
  if (!stream_.active()) return;
  tx.SawAllRows();
  stream_.Append(tx.barrier() + 1, {&command, 1});
}

}  // namespace hearth
