// Tested by tests/src/digest_test.cc.
#include "src/digest.h"

#include <openssl/sha.h>

#include <memory>

#include "engine/check.h"
#include "engine/collection.h"
#include "engine/key_walk.h"

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

// The same whether the collection is packed or spread, and in whatever order its rows come.
Digest DigestOfElements(const Object& object) {
  std::unique_ptr<Collection> unpacked;
  const Collection* collection = object.spread() ? object.collection() : nullptr;
  if (collection == nullptr) {
    unpacked = Collection::Make(object.type, 0);
    HEARTH_CHECK(unpacked->ReadPacked(object.value()));
    collection = unpacked.get();
  }
  Digest sum = {};
  collection->Rows([&](std::string_view element, std::string_view value) {
    std::string text = std::to_string(element.size()) + " ";
    text.append(element).append(value);
    XorInto(&sum, Sha1(text));
  });
  return sum;
}

}  // namespace

Digest DigestOfValue(const Object& object) {
  std::string text(1, static_cast<char>(object.type));
  if (object.type == ObjectType::kString) {
    text += object.value();
  } else {
    text += Bytes(DigestOfElements(object));
  }
  if (object.has_expiry()) text += "!!expire!!";
  return Sha1(text);
}

Status DigestOfKey(Engine& engine, uint32_t db, std::string_view key, Digest* digest) {
  *digest = {};
  const KeyRef ref(db, key);
  Tx tx(engine.keyspace(), {&ref, 1}, engine.clock().WallMs(),
        {.read_blocking = true, .touch = false, .expire = false});
  if (tx.state() != Tx::State::kReady) return tx.error();
  if (const Object* object = tx.Peek(key)) *digest = DigestOfValue(*object);
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
