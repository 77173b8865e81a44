// Tested by tests/src/transaction_test.cc.
#include "src/transaction.h"

namespace hearth {

void Transaction::Queue(const Args& args, const CommandTable::Found& found, uint32_t flags) {
  Queued& queued = queue_.emplace_back();
  queued.found = found;
  size_t size = 0;
  for (const std::string_view arg : args) size += arg.size();
  // Never within the string object itself: the views survive its move.
  queued.bytes.reserve(size + sizeof(std::string));
  for (const std::string_view arg : args) {
    queued.args.emplace_back(queued.bytes.data() + queued.bytes.size(), arg.size());
    queued.bytes += arg;
  }
  flags_ |= flags;
  missing_flags_ |= kCmdStale & ~flags;
  if (!RunsWhileLoading(flags)) missing_flags_ |= kCmdLoading;
  queued_bytes_ +=
      sizeof(Queued) + queued.bytes.capacity() + args.size() * sizeof(std::string_view);
}

void Transaction::Discard() {
  Unwatch();
  queue_.clear();
  queue_.shrink_to_fit();
  queued_bytes_ = 0;
  flags_ = missing_flags_ = 0;
  is_open_ = is_spoiled_ = false;
}

}  // namespace hearth
