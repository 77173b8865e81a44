#include "tests/src/rdb/rdb_text.h"

#include <cstdio>

#include "src/rdb/dump_payload.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

std::string Text(const RdbStreamId& id) {
  return std::to_string(id.ms) + "-" + std::to_string(id.seq);
}

std::string Text(double score) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.17g", score);
  return text;
}

// Elements between brackets, each printed by print.
template <typename Elements, typename Print>
std::string Joined(const Elements& elements, char open, char close, Print print) {
  std::string text(1, open);
  for (const auto& element : elements) text += (text.size() > 1 ? ", " : "") + print(element);
  return text + close;
}

std::string Text(const RdbStreamEntry& entry) {
  std::string text = Text(entry.id);
  for (const auto& [field, value] : entry.fields) {
    text += " " + QuoteWord(field) + "=" + QuoteWord(value);
  }
  return text;
}

std::string Text(const RdbStreamGroup& group) {
  std::string text = "; group " + QuoteWord(group.name) + " " + Text(group.last_id) + " read " +
                     std::to_string(group.entries_read);
  for (const auto& consumer : group.consumers) {
    text += ", " + QuoteWord(consumer.name) + " seen " + std::to_string(consumer.seen_time_ms) +
            " active " + std::to_string(consumer.active_time_ms);
  }
  for (const auto& entry : group.pending) {
    text += ", " + Text(entry.id) + " at " + std::to_string(entry.delivery_time_ms) + " x" +
            std::to_string(entry.delivery_count) + " to " +
            group.consumers.at(entry.consumer_index).name;
  }
  return text;
}

struct Printer {
  std::string operator()(const std::string& text) const { return QuoteWord(text); }
  std::string operator()(const RdbList& list) const {
    return Joined(list.elements, '[', ']', QuoteWord);
  }
  std::string operator()(const RdbSet& set) const {
    return Joined(set.members, '{', '}', QuoteWord);
  }
  std::string operator()(const RdbSortedSet& sorted_set) const {
    return Joined(sorted_set.members, '{', '}', [](const auto& member) {
      return QuoteWord(member.first) + "=" + Text(member.second);
    });
  }
  std::string operator()(const RdbHash& hash) const {
    return Joined(hash.fields, '{', '}', [](const RdbHashField& field) {
      const std::string text = QuoteWord(field.field) + ": " + QuoteWord(field.value);
      return field.expire_at_ms < 0 ? text : text + " @" + std::to_string(field.expire_at_ms);
    });
  }
  std::string operator()(const RdbStream& stream) const {
    std::string text = Joined(stream.entries, '[', ']', [](const auto& e) { return Text(e); });
    text += "; " + Text(stream.first_id) + " to " + Text(stream.last_id) + ", deleted " +
            Text(stream.max_deleted_id) + ", added " + std::to_string(stream.entries_added);
    for (const auto& group : stream.groups) text += Text(group);
    return text;
  }
};

}  // namespace

std::string FromHex(std::string_view hex) {
  std::string bytes, digits;
  for (const char c : hex) {
    if (c != ' ') digits.push_back(c);
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<char>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

std::string ToHex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned char>(c));
    hex += digits;
  }
  return hex;
}

std::string Printed(const RdbValue& value) {
  return std::visit(Printer(), value);
}

std::string ReadAndPrint(uint8_t type, std::string_view bytes) {
  RdbValue value;
  const Status status = ReadRdbValue(type, &bytes, &value);
  if (!status.ok()) return "error: " + status.message();
  return Printed(value) + (bytes.empty() ? "" : " and " + ToHex(bytes));
}

std::string ReadDumpAndPrint(std::string_view payload) {
  RdbValue value;
  const Status status = ReadDumpPayload(payload, &value);
  return status.ok() ? Printed(value) : "error: " + status.message();
}

std::string PrintEntry(const RdbEntry& entry) {
  if (entry.kind == RdbEntry::Kind::kAux) return "aux " + entry.key + "=" + entry.text;
  if (entry.kind == RdbEntry::Kind::kFunction) return "function " + entry.text;
  std::string text =
      std::to_string(entry.db) + " " + entry.key + "=" + ReadAndPrint(entry.type, entry.value);
  if (entry.expire_at_ms != -1) text += " until " + std::to_string(entry.expire_at_ms);
  if (entry.idle_s) text += " idle " + std::to_string(*entry.idle_s);
  if (entry.frequency) text += " frequency " + std::to_string(*entry.frequency);
  return text;
}

}  // namespace hearth
