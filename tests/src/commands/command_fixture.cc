#include "tests/src/commands/command_fixture.h"

#include <rocksdb/transaction_log.h>

#include "engine/rows.h"
#include "src/commands/groups.h"
#include "src/commands/walk.h"
#include "src/errors.h"
#include "src/key_finder.h"
#include "src/redis_text.h"

namespace hearth {
namespace {

constexpr int kLoadsMax = 8;

const Command* FindRow(std::span<const Command> rows, std::string_view name) {
  for (const Command& row : rows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

const Command* FindRow(const Args& args) {
  const std::string name = ToLower(args[0]);
  for (const auto group : DataCommandGroups()) {
    const Command* row = FindRow(group, name);
    if (row == nullptr || row->subcommands.empty() || args.size() < 2) {
      if (row != nullptr) return row;
      continue;
    }
    return FindRow(row->subcommands, name + "|" + ToLower(args[1]));
  }
  return nullptr;
}

bool ArityFits(const Command& command, size_t count) {
  const auto signed_count = static_cast<int>(count);
  return command.arity >= 0 ? signed_count == command.arity : signed_count >= -command.arity;
}

// Writes rows as text; the state row, which ends every group, is left out.
class RowPrinter : public rocksdb::WriteBatch::Handler {
 public:
  std::string text;

  rocksdb::Status PutCF(uint32_t, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    HeadKeyParts head;
    HeadValueParts parts;
    if (key[0] == kElementTable) {
      text += RowText(key.ToStringView(), value.ToStringView()) + "\n";
      return rocksdb::Status::OK();
    }
    if (!ParseHeadKey(key.ToStringView(), &head)) return rocksdb::Status::OK();
    EXPECT_TRUE(ParseHeadValue(value.ToStringView(), &parts));
    text += "put " + Place(head) + " " + std::string(EncodingName(parts.encoding)) + " " +
            QuoteWord(parts.value);
    if (parts.expire_at_ms != kNoExpiry) text += " until " + std::to_string(parts.expire_at_ms);
    text += "\n";
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t, const rocksdb::Slice& key) override {
    HeadKeyParts head;
    ElementKeyParts element;
    if (ParseElementKey(key.ToStringView(), &element)) {
      text += "delete element id=" + std::to_string(element.object_id) +
              " element=" + QuoteWord(element.element) + "\n";
      return rocksdb::Status::OK();
    }
    EXPECT_TRUE(ParseHeadKey(key.ToStringView(), &head));
    text += "delete " + Place(head) + "\n";
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(uint32_t, const rocksdb::Slice& from,
                                const rocksdb::Slice&) override {
    HeadKeyParts head;
    if (!ParseHeadKey(from.ToStringView(), &head)) return rocksdb::Status::OK();
    text += "delete-range " + std::to_string(head.db_id) + "\n";
    return rocksdb::Status::OK();
  }

 private:
  static std::string Place(const HeadKeyParts& head) {
    return std::to_string(head.db_id) + "/" + std::string(head.key);
  }
};

std::string TextOf(const OutputBuffer& out) {
  std::vector<iovec> pieces(1 << 12);
  const size_t count = out.Peek(pieces.data(), pieces.size(), out.end_offset());
  std::string text;
  for (size_t index = 0; index < count; ++index) {
    text.append(static_cast<const char*>(pieces[index].iov_base), pieces[index].iov_len);
  }
  return text;
}

}  // namespace

std::string CommandFixture::Run(std::string_view line) {
  const auto words = SplitWords(line);
  if (!words) return "(unbalanced quotes)";
  return RunWords(*words);
}

std::string CommandFixture::RunWords(const std::vector<std::string>& words) {
  Commit();
  seq_before_ = engine_->log().committed_seq();
  const std::vector<std::string_view> views(words.begin(), words.end());
  const Args args(views);
  OutputBuffer out;
  Reply reply(&out);
  reply.SetProtocol(protocol_);
  const Command* command = FindRow(args);
  if (command == nullptr) {
    RunWalk(args, reply);
  } else if (!ArityFits(*command, args.size())) {
    reply.Error(WrongArity(command->name));
  } else {
    RunData(*command, args, reply);
  }
  return TextOf(out);
}

void CommandFixture::RunData(const Command& command, const Args& args, Reply& reply) {
  std::vector<KeyRef> keys;
  if (!CollectKeys(command, args, db_, &keys)) keys.clear();
  for (int attempt = 0; attempt < kLoadsMax; ++attempt) {
    Tx tx(engine_->keyspace(), keys, clock_.WallMs(),
          {.write = (command.flags & kCmdWrite) != 0, .lock_all = LocksAll(command, args)});
    tx.set_db(db_);
    if (tx.state() == Tx::State::kReady) {
      if (command.data != nullptr) return command.data(args, tx, reply);
      BlockRequest request;
      if (!command.blocking(args, tx, reply, &request)) {
        request.null_array ? reply.NullArray() : reply.Null();
      }
      return;
    }
    ASSERT_EQ(tx.state(), Tx::State::kPending) << tx.error().message();
    const std::vector<KeyRef> missing = tx.missing();
    ASSERT_TRUE(engine_->keyspace().Load(missing).ok());
  }
  FAIL() << "keys stay missing";
}

void CommandFixture::RunWalk(const Args& args, Reply& reply) {
  std::optional<Walk> walk;
  if (args[0] == "SCAN") {
    walk = MakeScan(args, reply);
  } else if (args[0] == "KEYS") {
    walk = MakeKeys(args, reply);
  } else if (args[0] == "RANDOMKEY") {
    walk = MakeRandomKey(args, reply);
  } else if (args[0] == "DBSIZE") {
    return reply.Integer(static_cast<int64_t>(engine_->keyspace().KeyCount(db_)));
  } else {
    return reply.Error("ERR unknown command");
  }
  if (!walk) return;
  const WalkAnswer answer =
      walk->run(engine_->keyspace(), db_, clock_.WallMs(), /*tx=*/nullptr, ShardLocks::kTake);
  ASSERT_TRUE(answer.status.ok()) << answer.status.message();
  EXPECT_LE(answer.barrier, engine_->log().joined_seq());
  walk->write(answer, reply);
}

std::string CommandFixture::LoggedRows() {
  Commit();
  if (engine_->log().committed_seq() == seq_before_) return "";
  RowPrinter printer;
  std::unique_ptr<rocksdb::TransactionLogIterator> batches;
  const auto status = engine_->store().db()->GetUpdatesSince(seq_before_ + 1, &batches);
  EXPECT_TRUE(status.ok()) << status.ToString();
  for (; status.ok() && batches->Valid(); batches->Next()) {
    rocksdb::BatchResult batch = batches->GetBatch();
    EXPECT_GT(batch.sequence, seq_before_);
    EXPECT_TRUE(batch.writeBatchPtr->Iterate(&printer).ok());
  }
  return printer.text;
}

std::string CommandFixture::Refused(std::string_view line) {
  std::string reply = Run(line);
  EXPECT_EQ(LoggedRows(), "") << line;
  return reply;
}

void CommandFixture::MakeList(std::string_view key) {
  InTx({key}, [&](Tx& tx) {
    tx.SetString(key, "elements", Expiry::None());
    const_cast<Object*>(tx.Find(key))->type = ObjectType::kList;
  });
}

std::string CommandFixture::Bulk(std::string_view value) {
  return "$" + std::to_string(value.size()) + "\r\n" + std::string(value) + "\r\n";
}

std::string CommandFixture::Bulks(std::initializer_list<std::string_view> values) {
  std::string text = "*" + std::to_string(values.size()) + "\r\n";
  for (const std::string_view value : values) text += Bulk(value);
  return text;
}

}  // namespace hearth
