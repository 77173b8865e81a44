// Tested by tests/src/replication/replication_test.cc.
#include "src/replication/followed_mark.h"

#include "engine/engine.h"
#include "engine/watermark.h"
#include "src/log.h"

namespace hearth {
namespace {

constexpr char kName[] = "FOLLOWED";
constexpr std::string_view kRefused = " refused";

}  // namespace

FollowedMark ReadFollowedMark(Engine& engine, const std::string& primary) {
  std::string text;
  const Status status =
      ReadWholeFile(engine.store().file_system(), engine.options().store.dir + "/" + kName, &text);
  if (!status.ok() || !text.ends_with('\n')) return {};
  text.pop_back();
  const bool refused = text.ends_with(kRefused);
  if (refused) text.resize(text.size() - kRefused.size());
  return text == primary ? FollowedMark{.followed = true, .refused = refused} : FollowedMark{};
}

void WriteFollowedMark(Engine& engine, const std::string& primary, bool refused) {
  const Status status =
      WriteFileAtomically(engine.store().file_system(), engine.options().store.dir, kName,
                          primary + std::string(refused ? kRefused : "") + "\n");
  if (!status.ok()) {
    Log(LogLevel::kWarning, "Which primary was followed can't be kept: " + status.message());
  }
}

void RemoveFollowedMark(Engine& engine) {
  (void)engine.store().file_system()->DeleteFile(engine.options().store.dir + "/" + kName, {},
                                                 nullptr);
}

}  // namespace hearth
