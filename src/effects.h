#pragma once

// Effects: what the commands of one Tx are passed on as to followers that speak Redis' protocol
// (replication/command_stream.h).
//
// A command that changed something is passed on as it was given, unless it says itself what stands
// for it: what it does must not depend on time, chance or what else the follower does. While
// nobody follows, nothing is gathered.
//
// Thread:   its Tx's; at most one a thread, like the Tx.
// Lifetime: within its Tx: declared behind it, so that all is handed over while the Tx still holds
//           its place in the log.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/gone_listener.h"
#include "src/command.h"
#include "src/replication/command_stream.h"

namespace hearth {

class Effects {
 public:
  // Made only while the stream is kept.
  Effects(CommandStream& stream, Tx& tx);
  ~Effects();
  Effects(const Effects&) = delete;
  Effects& operator=(const Effects&) = delete;

  // Of this thread's Tx; null while nobody follows: then there is nothing to tell.
  static Effects* Current() { return current_; }

  // -- Around the run of each command.
  void Begin();
  void End(const Args& args);

  // -- What a command says of itself, while it runs.
  // These words are passed on instead of the command; several calls, several commands.
  void Instead(std::initializer_list<std::string_view> words) {
    Instead(std::span(words.begin(), words.size()));
  }
  void Instead(std::span<const std::string_view> words);
  // Nothing is.
  void Nothing() { is_replaced_ = true; }
  // The command is passed on although it changed nothing.
  void Force() { is_forced_ = true; }

  // Passed on beside the command that runs, before it.
  void Add(StreamCommand command) { commands_.push_back(std::move(command)); }
  std::string_view VerbOf(LazyDeletion kind) const { return stream_.DeletionVerb(kind); }
  // Whether it is this Tx's.
  bool IsOf(const Tx& tx) const { return &tx_ == &tx; }

 private:
  static thread_local Effects* current_;

  CommandStream& stream_;
  Tx& tx_;
  std::vector<StreamCommand> commands_;
  uint64_t changes_before_ = 0;
  bool is_replaced_ = false, is_forced_ = false;
};

// The command that runs is passed on as these words, if anybody follows.
inline void PassOnAs(std::initializer_list<std::string_view> words) {
  if (Effects* const effects = Effects::Current()) [[unlikely]]
    effects->Instead(words);
}
// The same as a deletion, which is DEL or UNLINK as one of the lazyfree directives says.
void PassOnDeletion(std::string_view key, LazyDeletion kind);

// What expires is passed on as deletions.
class GoneEffects : public GoneListener {
 public:
  explicit GoneEffects(CommandStream& stream) : stream_(stream) {}
  void OnKeyGone(Tx& tx, uint32_t db, std::string_view key) override;
  void OnFieldsGone(Tx& tx, std::string_view key,
                    std::span<const std::string_view> fields) override;

 private:
  void Tell(Tx& tx, uint32_t db, std::span<const std::string_view> words);

  CommandStream& stream_;
};

}  // namespace hearth
