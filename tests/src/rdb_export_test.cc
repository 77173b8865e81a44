// A server's data as an RDB file: whole, of one moment, or not there.
#include "src/rdb_export.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <thread>

#include "src/digest.h"
#include "src/rdb/rdb_file_reader.h"
#include "tests/src/server_fixture.h"

namespace hearth {
namespace {

constexpr std::string_view kLibrary =
    "#!lua name=lib\nredis.register_function('f', function() return 1 end)";

// What a file says.
struct File {
  struct Key {
    uint8_t type;
    int64_t expire_at_ms;
    RdbValue value;
  };
  int version = 0;
  std::vector<std::pair<std::string, std::string>> aux;
  std::vector<std::string> functions;
  std::map<std::pair<uint64_t, std::string>, Key> keys;

  std::string Aux(const std::string& name) const {
    for (const auto& [key, text] : aux) {
      if (key == name) return text;
    }
    return "(none)";
  }
  // A string of database 0.
  std::string Text(const std::string& key) const {
    const auto found = keys.find({0, key});
    return found == keys.end() ? "(none)" : std::get<std::string>(found->second.value);
  }
};

class RdbExportTest : public ServerFixture {
 protected:
  std::string path() const { return folder_.path() + "/out.rdb"; }

  File ReadFile() {
    File file;
    std::ifstream input(path(), std::ios::binary);
    RdbFileReader reader(
        [&](std::span<char> into) {
          input.read(into.data(), static_cast<std::streamsize>(into.size()));
          return static_cast<size_t>(input.gcount());
        },
        size_t{64} << 20);
    for (RdbEntry entry;;) {
      const Status status = reader.Next(&entry);
      EXPECT_TRUE(status.ok()) << status.message();
      if (!status.ok() || entry.kind == RdbEntry::Kind::kEnd) break;
      if (entry.kind == RdbEntry::Kind::kAux) file.aux.emplace_back(entry.key, entry.text);
      if (entry.kind == RdbEntry::Kind::kFunction) file.functions.push_back(entry.text);
      if (entry.kind != RdbEntry::Kind::kKey) continue;
      RdbValue value;
      const Status read = ReadRdbValue(entry.type, &entry.value, &value);
      EXPECT_TRUE(read.ok()) << entry.key << ": " << read.message();
      EXPECT_EQ(entry.value, "") << entry.key;
      const auto [at, is_new] = file.keys.try_emplace(
          {entry.db, entry.key}, File::Key{entry.type, entry.expire_at_ms, std::move(value)});
      EXPECT_TRUE(is_new) << entry.key;
    }
    EXPECT_EQ(reader.rest(), "");
    file.version = reader.version();
    return file;
  }

  File Export(const RdbExportOptions& options = {}) {
    RdbExportInfo info;
    const Status status = ExportRdb(server_->engine(), path(), options, &info);
    EXPECT_TRUE(status.ok()) << status.message();
    File file = ReadFile();
    EXPECT_EQ(info.size_bytes, std::filesystem::file_size(path()));
    EXPECT_EQ(info.key_count, file.keys.size());
    EXPECT_EQ(info.version, file.version);
    return file;
  }

  // Compares every key of the file with the server's, and their numbers.
  void ExpectSame(const File& file) {
    std::map<uint64_t, size_t> counts;
    for (const auto& [name, key] : file.keys) {
      ++counts[name.first];
      Run("SELECT " + std::to_string(name.first));
      const bool expires = key.expire_at_ms != -1;
      EXPECT_EQ(client_->RunWords({"DEBUG", "DIGEST-VALUE", name.second}),
                "*1\r\n+" + HexOf(DigestOfValue(key.value, expires)) + "\r\n")
          << name.second;
      EXPECT_EQ(client_->RunWords({"PEXPIRETIME", name.second}),
                ":" + std::to_string(key.expire_at_ms) + "\r\n")
          << name.second;
    }
    for (uint64_t db = 0; db < 16; ++db) {
      Run("SELECT " + std::to_string(db));
      EXPECT_EQ(Run("DBSIZE"), ":" + std::to_string(counts[db]) + "\r\n") << db;
    }
    Run("SELECT 0");
  }

  // A command with as many more words as make says.
  template <typename Make>
  void RunMany(std::vector<std::string> words, int count, Make make) {
    for (int i = 0; i < count; ++i) make(i, &words);
    const std::string reply = client_->RunWords(words);
    EXPECT_FALSE(reply.starts_with("-")) << reply;
  }

  // Every type, in one row and in many.
  void Fill() {
    const auto plain = [](int i, std::vector<std::string>* words) {
      words->push_back("element:" + std::to_string(i));
    };
    const auto pairs = [](int i, std::vector<std::string>* words) {
      words->insert(words->end(), {std::to_string(i), "element:" + std::to_string(i)});
    };
    Run("MSET string value integer -12345 {s}empty ''");
    Run("SETRANGE long 300000 end");
    Run("SETRANGE long 70000 middle");
    Run("RPUSH list a b 3");
    Run("SADD ints 1 2 300");
    Run("SADD words a b c");
    Run("ZADD scores 1.5 a -2 b inf c");
    Run("HSET hash f v g w");
    Run("XADD stream 1-1 f v");
    RunMany({"RPUSH", "list:big"}, 3000, plain);
    RunMany({"SADD", "set:big"}, 3000, plain);
    RunMany({"ZADD", "scores:big"}, 3000, pairs);
    RunMany({"HSET", "hash:big"}, 3000, pairs);
    for (int i = 1; i <= 300; ++i) Run("XADD stream:big " + std::to_string(i) + "-1 f v g w");
    Run("XDEL stream:big 7-1 300-1");
    Run("XGROUP CREATE stream:big group 0");
    Run("XREADGROUP GROUP group consumer COUNT 20 STREAMS stream:big >");
  }
};

TEST_F(RdbExportTest, EveryTypeIsInTheFile) {
  Fill();
  Run("PEXPIREAT string 9999999999123");
  Run("EXPIRE list:big 5000");
  Run("SELECT 3");
  Run("SET string of-another-database");
  Run("SELECT 15");
  Run("SET a 1 EX 1000");
  const File file = Export();
  EXPECT_EQ(file.version, 10);
  EXPECT_EQ(file.keys.size(), 17u);
  ExpectSame(file);
  Run("SWAPDB 3 7");
  Run("DEBUG DEMOTE-ALL");
  ExpectSame(Export());
}

TEST_F(RdbExportTest, AnEmptyServerIsAFileToo) {
  const File file = Export();
  EXPECT_TRUE(file.keys.empty());
  EXPECT_TRUE(file.functions.empty());
}

TEST_F(RdbExportTest, FieldsAreThoseOfRedisAndThoseGiven) {
  const File file = Export({.aux = {{"repl-stream-db", "0"}, {"repl-id", "abc"}}});
  std::string names;
  for (const auto& [name, text] : file.aux) names += name + " ";
  EXPECT_EQ(names, "redis-ver redis-bits ctime used-mem repl-stream-db repl-id aof-base ");
  EXPECT_EQ(file.Aux("redis-ver"), InfoField("server", "redis_version"));
  EXPECT_EQ(file.Aux("redis-bits"), "64");
  EXPECT_EQ(file.Aux("repl-id"), "abc");
  EXPECT_EQ(file.Aux("aof-base"), "0");
}

TEST_F(RdbExportTest, KeysAndFunctionsEachMayBeLeftOut) {
  Run("SET a 1");
  EXPECT_EQ(client_->RunWords({"FUNCTION", "LOAD", std::string(kLibrary)}), "$3\r\nlib\r\n");
  const File all = Export();
  EXPECT_EQ(all.functions, std::vector<std::string>{std::string(kLibrary)});
  EXPECT_EQ(all.Text("a"), "1");
  const File functions = Export({.keys = false});
  EXPECT_EQ(functions.functions, all.functions);
  EXPECT_TRUE(functions.keys.empty());
  const File keys = Export({.functions = false});
  EXPECT_TRUE(keys.functions.empty());
  EXPECT_EQ(keys.Text("a"), "1");
}

// The key that needs it comes behind others that were written for the older version.
TEST_F(RdbExportTest, FieldsThatExpireMakeItANewerVersion) {
  Run("DEBUG POPULATE 2000 key 200");
  Run("HSET hash f v g w");
  Run("HPEXPIREAT hash 9999999999123 FIELDS 1 f");
  const File file = Export();
  EXPECT_EQ(file.version, 12);
  ExpectSame(file);
  const RdbHash& hash = std::get<RdbHash>(file.keys.at({0, "hash"}).value);
  const RdbHash expected{{{"f", "v", 9999999999123}, {"g", "w"}}};
  EXPECT_TRUE(std::is_permutation(hash.fields.begin(), hash.fields.end(), expected.fields.begin(),
                                  expected.fields.end()));
  Run("HPERSIST hash FIELDS 1 f");
  EXPECT_EQ(Export().version, 10);
}

TEST_F(RdbExportTest, WhatHasExpiredIsLeftToWhoLoadsIt) {
  Run("DEBUG SET-ACTIVE-EXPIRE 0");
  Run("SET key 1 PX 1");
  Run("HSET hash f v g w");
  Run("HPEXPIRE hash 1 FIELDS 2 f g");
  const int64_t set_ms = server_->clock().WallMs();
  while (server_->clock().WallMs() <= set_ms + 1) std::this_thread::yield();
  const File file = Export();
  ASSERT_EQ(file.keys.size(), 2u);
  EXPECT_LE(file.keys.at({0, "key"}).expire_at_ms, set_ms + 1);
  const RdbHash& hash = std::get<RdbHash>(file.keys.at({0, "hash"}).value);
  ASSERT_EQ(hash.fields.size(), 2u);
  EXPECT_LE(hash.fields[0].expire_at_ms, set_ms + 1);
}

TEST_F(RdbExportTest, WritesBehindTheViewAreNotInTheFile) {
  Fill();
  Run("SELECT 3");
  Run("SET other 1");
  Run("SELECT 0");
  RdbExport rdb(server_->engine());
  const uint64_t seq = rdb.seq();
  EXPECT_EQ(seq, server_->engine().log().committed_seq());
  ASSERT_TRUE(rdb.Write(path(), {}, nullptr).ok());
  ExpectSame(ReadFile());
  const File before = ReadFile();
  Run("SET string changed");
  Run("HSET hash:big 5 changed");
  Run("LPOP list:big 1000");
  Run("DEL scores:big stream");
  Run("SET late 1");
  Run("SWAPDB 0 3");
  Run("FLUSHDB");
  RdbExportInfo info;
  ASSERT_TRUE(rdb.Write(path(), {}, &info).ok());
  EXPECT_EQ(info.seq, seq);
  const File after = ReadFile();
  ASSERT_EQ(after.keys.size(), before.keys.size());
  for (const auto& [name, key] : before.keys) {
    EXPECT_EQ(DigestOfValue(after.keys.at(name).value, false), DigestOfValue(key.value, false))
        << name.second;
  }
}

TEST_F(RdbExportTest, MemoryAndItsCountersStayAsTheyAre) {
  Fill();
  Run("DEBUG DEMOTE-ALL");
  const auto state = [&] {
    std::string text = std::to_string(server_->keyspace().ResidentCount());
    for (const char* name : {"keyspace_hits", "keyspace_misses", "expired_keys"}) {
      text += " " + InfoField("stats", name);
    }
    return text;
  };
  const std::string before = state();
  Export();
  EXPECT_EQ(state(), before);
}

TEST_F(RdbExportTest, TheDirectivesDecideOnEncodings) {
  Run("HSET hash f v g w");
  EXPECT_EQ(Export().keys.at({0, "hash"}).type, kRdbHashListpack);
  Run("CONFIG SET hash-max-listpack-entries 1");
  EXPECT_EQ(Export().keys.at({0, "hash"}).type, kRdbHash);
  Run("CONFIG SET hash-max-listpack-entries 512");
}

// Transactions that run meanwhile are in a file as a whole or not at all.
TEST_F(RdbExportTest, AFileIsOfOneMoment) {
  std::atomic<bool> ends{false};
  Run("MSET a 0 b 0");
  std::thread writer([&] {
    TestClient client = Connect();
    for (int i = 1; !ends; ++i) {
      const std::string value = std::to_string(i);
      client.Run("MULTI");
      client.Run("SET a " + value);
      client.Run("HSET h" + value + " f v");
      client.Run("SET b " + value);
      client.Run("EXEC");
    }
  });
  for (int round = 0; round < 20; ++round) {
    const File file = Export();
    const std::string value = file.Text("a");
    EXPECT_EQ(file.Text("b"), value);
    EXPECT_EQ(std::to_string(file.keys.size() - 2), value);
  }
  ends = true;
  writer.join();
}

TEST_F(RdbExportTest, ACancelledOneLeavesNoFile) {
  Run("DEBUG POPULATE 10000 key 200");
  for (const int asked_max : {0, 1, 3}) {
    int asked = 0;
    const RdbExportOptions options{.cancelled = [&] { return asked++ >= asked_max; }};
    const Status status = ExportRdb(server_->engine(), path(), options, nullptr);
    EXPECT_EQ(status.code(), Status::Code::kBusy) << status.message();
    EXPECT_GT(asked, asked_max);
    EXPECT_FALSE(std::filesystem::exists(path()));
  }
}

TEST_F(RdbExportTest, ADiskThatIsFullLeavesNoFile) {
  Run("SET a 1");
  ASSERT_EQ(symlink("/dev/full", path().c_str()), 0);
  EXPECT_EQ(ExportRdb(server_->engine(), path(), {}, nullptr).code(), Status::Code::kNoSpace);
  EXPECT_FALSE(std::filesystem::is_symlink(path()));
  const std::string nowhere = folder_.path() + "/none/out.rdb";
  EXPECT_EQ(ExportRdb(server_->engine(), nowhere, {}, nullptr).code(), Status::Code::kIoError);
}

TEST_F(RdbExportTest, ItEndsWhileWritesAreRefused) {
  Run("SET a 1");
  EXPECT_EQ(Run("CONFIG SET disk-free-min 100%"), "+OK\r\n");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (server_->engine().writes_allowed() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  const Status status = ExportRdb(server_->engine(), path(), {}, nullptr);
  EXPECT_EQ(status.code(), Status::Code::kIoError);
  EXPECT_NE(status.message().find("disk-free-min"), std::string::npos) << status.message();
  EXPECT_FALSE(std::filesystem::exists(path()));
}

}  // namespace
}  // namespace hearth
