// Tested by tests/src/digest_test.cc.
#include "src/digest.h"

#include <openssl/sha.h>

#include <bit>

#include "engine/key_walk.h"
#include "src/stored_value.h"

namespace hearth {
namespace {

constexpr size_t kKeysAPage = 1000;

Digest Sha1(std::string_view text) {
  Digest digest;
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

std::string_view Bytes(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void XorInto(Digest* sum, const Digest& digest) {
  for (size_t i = 0; i < digest.size(); ++i) (*sum)[i] ^= digest[i];
}

// Texts and numbers in a form that tells where each ends.
void Append(std::string* to, std::string_view text) {
  *to += std::to_string(text.size()) + ":";
  *to += text;
}
void Append(std::string* to, uint64_t number) {
  *to += std::to_string(number) + ";";
}
void Append(std::string* to, RdbStreamId id) {
  Append(to, id.ms);
  Append(to, id.seq);
}

// The bytes of each type; elements without order are summed up.
struct Writer {
  std::string text;

  template <typename Elements, typename Write>
  void Unordered(const Elements& elements, Write write) {
    Digest sum{};
    for (const auto& element : elements) {
      std::string one;
      write(&one, element);
      XorInto(&sum, Sha1(one));
    }
    Append(&text, elements.size());
    text += Bytes(sum);
  }

  void operator()(const std::string& value) { text += value; }
  void operator()(const RdbList& list) {
    for (const std::string& element : list.elements) Append(&text, element);
  }
  void operator()(const RdbSet& set) {
    Unordered(set.members, [](std::string* to, const std::string& member) { *to = member; });
  }
  void operator()(const RdbSortedSet& set) {
    Unordered(set.members, [](std::string* to, const auto& element) {
      Append(to, element.first);
      Append(to, std::bit_cast<uint64_t>(element.second == 0 ? 0.0 : element.second));
    });
  }
  void operator()(const RdbHash& hash) {
    Unordered(hash.fields, [](std::string* to, const RdbHashField& field) {
      Append(to, field.field);
      Append(to, field.value);
      if (field.expire_at_ms != -1) *to += "!!hexpire!!";
    });
  }
  void operator()(const RdbStream& stream) {
    for (const RdbStreamEntry& entry : stream.entries) {
      Append(&text, entry.id);
      for (const auto& [name, value] : entry.fields) {
        Append(&text, name);
        Append(&text, value);
      }
    }
    Append(&text, stream.last_id);
    Append(&text, stream.max_deleted_id);
    Append(&text, stream.entries_added);
    Unordered(stream.groups, [](std::string* to, const RdbStreamGroup& group) {
      Append(to, group.name);
      Append(to, group.last_id);
      Append(to, static_cast<uint64_t>(group.entries_read));
      for (const RdbStreamPending& pending : group.pending) {
        Append(to, pending.id);
        Append(to, group.consumers[pending.consumer_index].name);
        Append(to, pending.delivery_count);
      }
      for (const RdbStreamConsumer& consumer : group.consumers) Append(to, consumer.name);
    });
  }
};

}  // namespace

Digest DigestOfValue(const RdbValue& value, bool expires) {
  Writer writer;
  writer.text = static_cast<char>(value.index());
  std::visit(writer, value);
  if (expires) writer.text += "!!expire!!";
  return Sha1(writer.text);
}

Status DigestOfKey(Engine& engine, uint32_t db, std::string_view key, Digest* digest) {
  *digest = {};
  const KeyRef ref(db, key);
  Tx tx(engine.keyspace(), {&ref, 1}, engine.clock().WallMs(),
        {.read_blocking = true, .touch = false, .expire = false});
  if (tx.state() != Tx::State::kReady) return tx.error();
  const Object* object = tx.Peek(key);
  if (object == nullptr) return Status::Ok();
  const bool expires = object->has_expiry();
  *digest = DigestOfValue(ReadStoredValue(tx, key, *object), expires);
  return Status::Ok();
}

Status DigestOfDataset(Engine& engine, Digest* digest) {
  *digest = {};
  for (uint32_t db = 0; db < engine.keyspace().db_count(); ++db) {
    uint64_t from = 0;
    do {
      KeyPage page;
      Status status =
          ReadKeyPage(engine.keyspace(), db, from, kKeysAPage, engine.clock().WallMs(), &page);
      if (!status.ok()) return status;
      for (const KeyInfo& info : page.keys) {
        Digest value;
        status = DigestOfKey(engine, db, info.key, &value);
        if (!status.ok()) return status;
        if (value == Digest{}) continue;  // it went meanwhile
        XorInto(digest, Sha1(std::to_string(db) + " " + std::to_string(info.key.size()) + " " +
                             info.key + std::string(Bytes(value))));
      }
      from = page.next;
    } while (from != 0);
  }
  return Status::Ok();
}

std::string HexOf(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

}  // namespace hearth
