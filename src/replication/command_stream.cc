// Tested by tests/src/replication/command_stream_test.cc.
#include "src/replication/command_stream.h"

#include <strings.h>

#include <algorithm>
#include <chrono>

#include "engine/history.h"

namespace hearth {
namespace {

// So that an offset can always name a place before the stream's first byte.
constexpr uint64_t kFirstOffset = 1000;
// A unit's memory beside its bytes.
constexpr size_t kUnitOverhead = 96;

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string SelectCommand(uint32_t db) {
  const std::string number = std::to_string(db);
  const std::string_view words[] = {"SELECT", number};
  return StreamWords(words);
}

std::string OneWord(std::string_view word) {
  return StreamWords({&word, 1});
}

// A Redis before 7.4 does not know the command, and would give up a whole transaction for it.
bool StandsAlone(const StreamCommand& command) {
  const std::string_view resp = command.resp;
  for (const std::string_view name : {"$10\r\nhpexpireat\r\n", "$8\r\nhpersist\r\n"}) {
    const size_t at = resp.find('$');
    if (at != std::string::npos && resp.size() - at >= name.size() &&
        strncasecmp(resp.data() + at, name.data(), name.size()) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string StreamWords(std::span<const std::string_view> words) {
  size_t size = 16;
  for (const std::string_view word : words) size += word.size() + 16;
  std::string resp;
  resp.reserve(size);
  resp += '*';
  resp += std::to_string(words.size());
  resp += "\r\n";
  for (const std::string_view word : words) {
    resp += '$';
    resp += std::to_string(word.size());
    resp += "\r\n";
    resp += word;
    resp += "\r\n";
  }
  return resp;
}

void CommandStream::SetLimits(uint64_t backlog_bytes, uint64_t held_bytes_max) {
  std::lock_guard lock(mutex_);
  backlog_bytes_ = backlog_bytes;
  held_bytes_max_ = std::max(backlog_bytes, held_bytes_max);
  Trim();
}

void CommandStream::SetLazy(LazyDeletion kind, bool is_lazy) {
  const uint32_t bit = 1u << static_cast<int>(kind);
  is_lazy ? lazy_kinds_ |= bit : lazy_kinds_ &= ~bit;
}

void CommandStream::Begin() {
  std::lock_guard lock(mutex_);
  if (active_) return;
  id_ = NewReplicationId();
  end_offset_ = kFirstOffset;
  selected_.reset();
  alone_since_us_ = NowUs();
  active_ = true;
}

void CommandStream::End() {
  std::lock_guard lock(mutex_);
  active_ = false;
  id_.clear();
  units_.clear();
  holds_.clear();
  kept_bytes_ = dropped_seq_ = 0;
}

void CommandStream::Append(uint64_t seq, std::span<const StreamCommand> unit) {
  std::lock_guard lock(mutex_);
  if (!active_ || unit.empty()) return;
  AppendLocked(seq, unit);
}

void CommandStream::AppendLoose(const StreamCommand& command) {
  std::lock_guard lock(mutex_);
  if (!active_) return;
  AppendLocked(units_.empty() ? dropped_seq_ : units_.back().seq, {&command, 1});
}

void CommandStream::AppendTransaction(std::span<const StreamCommand> commands, Unit* unit_to) {
  Unit& unit = *unit_to;
  const size_t size = commands.size();
  for (const StreamCommand& command : commands) {
    if (command.db && command.db != selected_) {
      if (!unit.db) unit.selects = true;
      selected_ = command.db;
      unit.bytes += SelectCommand(*command.db);
    }
    if (!unit.db) unit.db = command.db;
    if (size > 1 && &command == commands.data()) unit.bytes += OneWord("MULTI");
    unit.bytes += command.resp;
  }
  if (size > 1) unit.bytes += OneWord("EXEC");
}

void CommandStream::AppendLocked(uint64_t seq, std::span<const StreamCommand> commands) {
  Unit& unit = units_.emplace_back();
  unit.seq = seq;
  while (!commands.empty()) {
    size_t size = 1;
    while (!StandsAlone(commands[0]) && size < commands.size() && !StandsAlone(commands[size])) {
      ++size;
    }
    AppendTransaction(commands.first(size), &unit);
    commands = commands.subspan(size);
  }
  end_offset_ += unit.bytes.size();
  unit.end_offset = end_offset_;
  kept_bytes_ += unit.bytes.size() + kUnitOverhead;
  Trim();
}

// Beyond the backlog what nobody needs goes, and beyond what may be held, anything.
void CommandStream::Trim() {
  uint64_t needed = UINT64_MAX;
  for (const auto& [follower, offset] : holds_) needed = std::min(needed, offset);
  while (!units_.empty() && kept_bytes_ > backlog_bytes_) {
    const Unit& first = units_.front();
    if (first.end_offset > needed && kept_bytes_ <= held_bytes_max_) return;
    dropped_seq_ = first.seq;
    kept_bytes_ -= first.bytes.size() + kUnitOverhead;
    units_.pop_front();
  }
}

void CommandStream::DropAbove(uint64_t seq) {
  std::lock_guard lock(mutex_);
  while (!units_.empty() && units_.back().seq > seq) {
    end_offset_ = units_.back().begin_offset();
    kept_bytes_ -= units_.back().bytes.size() + kUnitOverhead;
    units_.pop_back();
  }
  dropped_seq_ = std::min(dropped_seq_, seq);
  selected_.reset();
}

CommandStream::Start CommandStream::Attach(uint64_t follower, uint64_t seq) {
  std::lock_guard lock(mutex_);
  if (!active_ || dropped_seq_ > seq) return {};
  const auto first = std::find_if(units_.begin(), units_.end(),
                                  [seq](const Unit& unit) { return unit.seq > seq; });
  Start start{id_, first == units_.end() ? end_offset_ : first->begin_offset(), {}};
  const auto named = std::find_if(first, units_.end(), [](const Unit& unit) { return unit.db; });
  if (named == units_.end()) {
    selected_.reset();  // the next unit tells its database
  } else if (!named->selects) {
    start.preamble = SelectCommand(*named->db);
  }
  holds_[follower] = start.offset;
  alone_since_us_ = 0;
  return start;
}

bool CommandStream::Attach(uint64_t follower, std::string_view id, uint64_t offset) {
  std::lock_guard lock(mutex_);
  if (!active_ || id != id_ || offset > end_offset_) return false;
  if (offset < (units_.empty() ? end_offset_ : units_.front().begin_offset())) return false;
  holds_[follower] = offset;
  alone_since_us_ = 0;
  return true;
}

void CommandStream::Detach(uint64_t follower) {
  std::lock_guard lock(mutex_);
  if (holds_.erase(follower) == 0) return;
  if (holds_.empty()) alone_since_us_ = NowUs();
  Trim();
}

// The unit that holds the byte at the offset, or the count of units.
size_t CommandStream::IndexAt(uint64_t offset) const {
  const auto found =
      std::upper_bound(units_.begin(), units_.end(), offset,
                       [](uint64_t at, const Unit& unit) { return at < unit.end_offset; });
  return static_cast<size_t>(found - units_.begin());
}

bool CommandStream::Read(uint64_t follower, uint64_t offset, uint64_t committed_seq,
                         size_t bytes_max, std::string* bytes) {
  std::lock_guard lock(mutex_);
  const auto hold = holds_.find(follower);
  if (!active_ || hold == holds_.end()) return false;
  if (offset < (units_.empty() ? end_offset_ : units_.front().begin_offset())) return false;
  hold->second = offset;
  for (size_t i = IndexAt(offset); i < units_.size() && bytes->size() < bytes_max; ++i) {
    const Unit& unit = units_[i];
    if (unit.seq > committed_seq) break;
    bytes->append(unit.bytes, offset - unit.begin_offset());
    offset = unit.end_offset;
  }
  return true;
}

uint64_t CommandStream::SeqAt(uint64_t offset, uint64_t committed_seq) const {
  std::lock_guard lock(mutex_);
  if (offset >= end_offset_) return committed_seq;
  const size_t index = IndexAt(offset);
  return index == 0 ? dropped_seq_ : units_[index - 1].seq;
}

std::string CommandStream::id() const {
  std::lock_guard lock(mutex_);
  return id_;
}

uint64_t CommandStream::end_offset() const {
  std::lock_guard lock(mutex_);
  return end_offset_;
}

uint64_t CommandStream::kept_bytes() const {
  std::lock_guard lock(mutex_);
  return kept_bytes_;
}

int64_t CommandStream::alone_since_us() const {
  std::lock_guard lock(mutex_);
  return alone_since_us_;
}

}  // namespace hearth
