#include "engine/stream.h"

#include "tests/engine/collection_fixture.h"

namespace hearth {
namespace {

class StreamTest : public CollectionFixture {
 protected:
  void TearDown() override {
    Limits().stream_node_entries_max = 100;
    CollectionFixture::TearDown();
  }

  static std::string PrintGroup(const StreamGroup& group) {
    std::string text = " " + group.name + "@" + group.last_id.Text() + "/" +
                       std::to_string(group.entries_read) + "(";
    for (const auto& [name, consumer] : group.consumers) {
      text += name + ":" + std::to_string(consumer.seen_ms) + "," +
              std::to_string(consumer.active_ms) + "," + std::to_string(consumer.pending.size()) +
              " ";
    }
    for (const StreamPending& pending : group.pending) {
      EXPECT_TRUE(pending.consumer->pending.contains(pending.id));
      text += pending.id.Text() + ">" + pending.consumer->name + "," +
              std::to_string(pending.delivered_ms) + "," + std::to_string(pending.delivery_count) +
              " ";
    }
    return text + ")";
  }

  // "last 3-0 removed 2-0 added 3 [1-0 a=b; 3-0 a=c;] group@1-0/1(...)"
  static std::string Print(Tx& tx, std::string_view key) {
    const StreamKey stream(tx, key, tx.Peek(key));
    const StreamState& state = stream.state();
    std::string text = "last " + state.last_id.Text() + " removed " + state.max_removed_id.Text() +
                       " added " + std::to_string(state.entries_added) + " [";
    size_t count = 0;
    std::vector<StreamId> ids;
    stream.entries().Walk(kStreamIdMin, kStreamIdMax, [&](const StreamEntry& entry) {
      text += entry.id().Text();
      entry.Each([&](auto name, auto value) {
        text += " " + std::string(name) + "=" + std::string(value);
      });
      text += ";";
      ids.push_back(entry.id());
      ++count;
      return true;
    });
    stream.entries().WalkBack(kStreamIdMin, kStreamIdMax, [&](const StreamEntry& entry) {
      EXPECT_EQ(entry.id(), ids.back());
      ids.pop_back();
      return true;
    });
    EXPECT_TRUE(ids.empty());
    EXPECT_EQ(count, stream.entries().size());
    text += "]";
    for (const auto& [name, group] : stream.groups()) text += PrintGroup(group);
    return text;
  }

  std::string Printed(std::string_view key) {
    std::string text;
    InTx({key}, [&](Tx& tx) { text = Print(tx, key); });
    return text;
  }

  static void AddTo(StreamKey& stream, uint64_t first_ms, uint64_t last_ms) {
    if (!stream.exists()) stream.CreateEmpty();
    for (uint64_t ms = first_ms; ms <= last_ms; ++ms) {
      const std::string value = "value:" + std::to_string(ms);
      const std::string_view fields[] = {"field", value};
      stream.Add({ms, 0}, fields);
    }
  }
  void Add(std::string_view key, uint64_t first_ms, uint64_t last_ms) {
    InTx({key}, [&](Tx& tx) {
      StreamKey stream(tx, key, tx.Find(key));
      AddTo(stream, first_ms, last_ms);
    });
  }
  uint64_t Trim(std::string_view key, const StreamTrim& trim) {
    uint64_t count = 0;
    InTx({key}, [&](Tx& tx) { count = StreamKey(tx, key, tx.Find(key)).Trim(trim); });
    return count;
  }
  // Rows that a change logs, the state row left out.
  uint64_t RowsOf(const std::function<void()>& change) {
    Commit();
    const uint64_t rows_before = engine_->log().counters().rows;
    change();
    Commit();
    return engine_->log().counters().rows - rows_before - 1;
  }
};

TEST_F(StreamTest, AnAddedEntryIsOneRow) {
  Add("s", 1, 1);
  EXPECT_EQ(RowsOf([&] { Add("s", 2, 2); }), 1u);
  EXPECT_EQ(Printed("s"), "last 2-0 removed 0-0 added 2 [1-0 field=value:1;2-0 field=value:2;]");
  ExpectSameAfterLoad({"s"}, Print);
}

TEST_F(StreamTest, AnEmptyStreamStays) {
  Add("s", 1, 3);
  EXPECT_EQ(Trim("s", {.by = StreamTrim::By::kLength}), 3u);
  EXPECT_EQ(Printed("s"), "last 3-0 removed 0-0 added 3 []");
  ExpectSameAfterLoad({"s"}, Print);
  Add("s", 4, 4);
  EXPECT_EQ(Printed("s"), "last 4-0 removed 0-0 added 4 [4-0 field=value:4;]");
  ExpectSameAfterLoad({"s"}, Print);
}

// An entry that the head row does not know of may not vanish without a trace.
TEST_F(StreamTest, RemovingTheLastEntryKeepsItsCountAndId) {
  Add("s", 1, 3);
  InTx({"s"}, [](Tx& tx) {
    StreamKey stream(tx, "s", tx.Find("s"));
    EXPECT_TRUE(stream.Remove({3, 0}));
    EXPECT_FALSE(stream.Remove({3, 0}));
    EXPECT_FALSE(stream.Remove({3, 1}));
  });
  EXPECT_EQ(Printed("s"), "last 3-0 removed 3-0 added 3 [1-0 field=value:1;2-0 field=value:2;]");
  ExpectSameAfterLoad({"s"}, Print);
}

TEST_F(StreamTest, TrimmingMuchIsOneRange) {
  Add("s", 1, 3000);
  EXPECT_EQ(RowsOf([&] { Trim("s", {.by = StreamTrim::By::kLength, .length_max = 10}); }), 2u)
      << "the range and the head";
  EXPECT_EQ(Trim("s", {.by = StreamTrim::By::kId, .id_min = {2999, 0}}), 8u);
  EXPECT_EQ(
      Printed("s"),
      "last 3000-0 removed 0-0 added 3000 [2999-0 field=value:2999;3000-0 field=value:3000;]");
  ExpectSameAfterLoad({"s"}, Print);
}

TEST_F(StreamTest, CappingAStreamRarelyWritesItsHead) {
  Add("s", 1, 1000);
  Trim("s", {.by = StreamTrim::By::kLength, .length_max = 1000});
  uint64_t rows = RowsOf([&] {
    for (uint64_t ms = 1001; ms <= 1200; ++ms) {
      InTx({"s"}, [&](Tx& tx) {
        StreamKey stream(tx, "s", tx.Find("s"));
        AddTo(stream, ms, ms);
        EXPECT_EQ(stream.Trim({.by = StreamTrim::By::kLength, .length_max = 1000}), 1u);
      });
    }
  });
  EXPECT_GE(rows, 400u);
  EXPECT_LE(rows, 402u);
  ExpectSameAfterLoad({"s"}, Print);
}

// What XDEL and XTRIM remove is gone from the store, by one deletion or by many, and from memory.
TEST_F(StreamTest, RemovedEntriesGiveTheirRowsBack) {
  const auto entry_rows = [this] {
    Commit();
    const std::string rows = StoredRows();
    size_t count = 0;
    for (size_t at = 0; (at = rows.find("field", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  Add("s", 1, 2000);
  EXPECT_EQ(entry_rows(), 2000u);
  const size_t bytes_before = engine_->keyspace().ResidentBytes();
  InTx({"s"}, [](Tx& tx) {
    StreamKey stream(tx, "s", tx.Find("s"));
    for (uint64_t ms = 1; ms <= 1000; ++ms) EXPECT_TRUE(stream.Remove({2 * ms, 0}));
  });
  EXPECT_EQ(entry_rows(), 1000u);
  EXPECT_LE(engine_->keyspace().ResidentBytes(), bytes_before);
  EXPECT_EQ(Trim("s", {.by = StreamTrim::By::kLength, .length_max = 900}), 100u);
  EXPECT_EQ(entry_rows(), 900u);
  EXPECT_EQ(Trim("s", {.by = StreamTrim::By::kLength, .length_max = 100}), 800u);
  EXPECT_EQ(entry_rows(), 100u);
  EXPECT_LE(engine_->keyspace().ResidentBytes(), bytes_before / 4);
  EXPECT_EQ(Trim("s", {.by = StreamTrim::By::kId, .id_min = {3000, 0}}), 100u);
  EXPECT_EQ(entry_rows(), 0u);
  ExpectSameAfterLoad({"s"}, Print);
}

TEST_F(StreamTest, ARangeIsCountedByNodes) {
  Limits().stream_node_entries_max = 7;
  Add("s", 1, 50);
  InTx({"s"}, [](Tx& tx) {
    StreamKey stream(tx, "s", tx.Find("s"));
    for (const uint64_t ms : {1, 8, 20, 21, 50}) stream.Remove({ms, 0});
    const StreamEntries& entries = stream.entries();
    for (uint64_t first = 0; first <= 52; ++first) {
      for (uint64_t last = 0; last <= 52; ++last) {
        size_t count = 0;
        entries.Walk({first, 0}, {last, 0}, [&](const StreamEntry&) { return ++count < 20; });
        EXPECT_EQ(entries.Count({first, 0}, {last, 0}, 20), count) << first << " to " << last;
      }
    }
    EXPECT_TRUE(entries.EndsBefore({50, 0}));
    EXPECT_FALSE(entries.EndsBefore({49, 0}));
  });
}

// Entries that follow a change of the head in one transaction count on a replica too.
TEST_F(StreamTest, AddingAfterRemovingInOneTransactionCounts) {
  Add("s", 1, 3);
  InTx({"s"}, [](Tx& tx) {
    StreamKey stream(tx, "s", tx.Find("s"));
    stream.Remove({3, 0});
    AddTo(stream, 4, 5);
  });
  EXPECT_NE(Printed("s").find("last 5-0 removed 3-0 added 5"), std::string::npos);
  InTx({"s"}, [](Tx& tx) {
    Collection* live = tx.Peek("s")->collection();
    auto fed = Collection::Make(ObjectType::kStream, live->object_id());
    live->Rows([&](auto element, auto value) { EXPECT_TRUE(fed->Put(element, value)); });
    std::string head, fed_head;
    live->AppendHead(&head);
    EXPECT_TRUE(fed->ReadHead(head));
    EXPECT_EQ(fed->size(), 4u);
    fed->AppendHead(&fed_head);
    EXPECT_EQ(fed_head, head);
  });
  ExpectSameAfterLoad({"s"}, Print, /*feed=*/true);
}

// The rows of what was trimmed are behind the floor that the head notes.
TEST_F(StreamTest, LoadingBeginsAtTheFloor) {
  Add("s", 1, 2000);
  Trim("s", {.by = StreamTrim::By::kLength, .length_max = 5});
  InTx({"s"}, [](Tx& tx) {
    std::string first, last;
    tx.Peek("s")->collection()->LoadBounds(&first, &last);
    EXPECT_EQ(first, std::string("e\0\0\0\0\0\0\x07\xcc\0\0\0\0\0\0\0\0", 17));
    EXPECT_EQ(last, "");
  });
}

TEST_F(StreamTest, ApproximateTrimmingRemovesWholeNodes) {
  Add("s", 1, 250);
  StreamTrim trim = {.by = StreamTrim::By::kLength, .length_max = 120, .approximate = true};
  EXPECT_EQ(Trim("s", trim), 100u);
  trim.length_max = 0;
  trim.limit = 99;
  EXPECT_EQ(Trim("s", trim), 0u);
  trim = {.by = StreamTrim::By::kId, .id_min = {201, 0}, .approximate = true};
  EXPECT_EQ(Trim("s", trim), 100u);
}

// 4096 bytes as Redis counts them.
TEST_F(StreamTest, ANodeIsFullByItsBytes) {
  InTx({"s"}, [](Tx& tx) {
    StreamKey stream(tx, "s", tx.Find("s"));
    stream.CreateEmpty();
    const std::string value(1000, 'x');
    const std::string_view fields[] = {"f", value};
    for (uint64_t ms = 1; ms <= 9; ++ms) stream.Add({ms, 0}, fields);
    EXPECT_EQ(stream.entries().node_count(), 3u);
  });
}

TEST_F(StreamTest, APendingEntryMovesBetweenConsumers) {
  Add("s", 1, 2);
  InTx({"s"}, [&](Tx& tx) {
    StreamKey stream(tx, "s", tx.Find("s"));
    StreamGroup* group = stream.CreateGroup("g", {0, 0}, 0);
    EXPECT_EQ(stream.CreateGroup("g", {0, 0}, 0), nullptr);
    StreamConsumer* alice = stream.CreateConsumer(group, "alice");
    StreamConsumer* bob = stream.CreateConsumer(group, "bob");
    stream.Assign(group, {1, 0}, alice, 100, 1);
    stream.Assign(group, {2, 0}, alice, 100, 1);
    stream.Assign(group, {1, 0}, bob, 200, 2);
    EXPECT_EQ(alice->pending.size(), 1u);
    EXPECT_EQ(bob->pending.size(), 1u);
    stream.DeleteConsumer(group, alice);
    EXPECT_EQ(group->pending.size(), 1u);
    EXPECT_TRUE(stream.Acknowledge(group, {1, 0}));
    EXPECT_FALSE(stream.Acknowledge(group, {1, 0}));
    stream.Assign(group, {2, 0}, bob, 300, 1);
  });
  ExpectSameAfterLoad({"s"}, Print);
  InTx({"s"}, [&](Tx& tx) {
    StreamKey stream(tx, "s", tx.Find("s"));
    stream.DestroyGroup(stream.FindGroup("g"));
  });
  EXPECT_EQ(Differences(), "");
}

TEST_F(StreamTest, DestroyingABigGroupIsOneRange) {
  InTx({"s"}, [&](Tx& tx) {
    StreamKey stream(tx, "s", tx.Find("s"));
    stream.CreateEmpty();
    for (const char* name : {"g", "h"}) {
      StreamGroup* group = stream.CreateGroup(name, {0, 0}, 0);
      StreamConsumer* consumer = stream.CreateConsumer(group, "c");
      for (uint64_t ms = 1; ms < 1000; ++ms) stream.Assign(group, {ms, 0}, consumer, 1, 1);
    }
  });
  const uint64_t rows = RowsOf([&] {
    InTx({"s"}, [&](Tx& tx) {
      StreamKey stream(tx, "s", tx.Find("s"));
      stream.DestroyGroup(stream.FindGroup("g"));
    });
  });
  EXPECT_EQ(rows, 3u) << "the pending entries, the consumer, the group";
  ExpectSameAfterLoad({"s"}, Print);
}

void ChangeEntries(StreamKey& stream, std::mt19937_64& random) {
  const StreamState& state = stream.state();
  const uint64_t what = random() % 10;
  if (what < 6) {
    const StreamId id = {state.last_id.ms + random() % 3, state.last_id.seq + 1};
    const std::string value(random() % 200, 'v');
    const std::string_view names[] = {"a", "b", "c"};
    std::vector<std::string_view> fields;
    for (uint64_t i = 0; i <= random() % 3; ++i) {
      fields.push_back(names[random() % 8 == 0 ? random() % 3 : i]);
      fields.push_back(value);
    }
    stream.Add(id, fields);
  } else if (what < 8) {
    // One of them, the first, the last, or none.
    const StreamId wanted = {random() % (state.last_id.ms + 1), 0};
    StreamId id = random() % 2 == 0 ? stream.entries().first_id() : stream.entries().last_id();
    if (random() % 2 == 0) {
      stream.entries().Walk(wanted, kStreamIdMax, [&](const StreamEntry& entry) {
        id = entry.id();
        return false;
      });
    }
    stream.Remove(id);
  } else if (what == 8 && random() % 4 == 0) {
    StreamState next = state;
    next.last_id = {std::max(stream.entries().last_id(), {random() % 2 * state.last_id.ms, 5})};
    next.entries_added += random() % 2;
    stream.SetState(next);
  } else if (random() % 4 == 0) {
    stream.Trim({.by = random() % 2 == 0 ? StreamTrim::By::kLength : StreamTrim::By::kId,
                 .length_max = random() % 40,
                 .id_min = {random() % (state.last_id.ms + 1), 0},
                 .approximate = random() % 2 == 0,
                 .limit = random() % 3 * 20});
  }
}

void ChangeGroups(StreamKey& stream, std::mt19937_64& random) {
  const std::string name = "group" + std::to_string(random() % 3);
  StreamGroup* group = stream.FindGroup(name);
  if (group == nullptr) {
    stream.CreateGroup(name, {random() % 5, 0}, static_cast<int64_t>(random() % 3) - 1);
    return;
  }
  const std::string consumer_name = "consumer" + std::to_string(random() % 4);
  StreamConsumer* consumer = group->FindConsumer(consumer_name);
  if (consumer == nullptr) consumer = stream.CreateConsumer(group, consumer_name);
  const StreamId id = {random() % 50, 0};
  const uint64_t what = random() % 40;
  if (what == 0) {
    stream.DestroyGroup(group);
  } else if (what == 1) {
    stream.DeleteConsumer(group, consumer);
  } else if (what < 20) {
    stream.Assign(group, id, consumer, static_cast<int64_t>(random() % 1000), random() % 5);
  } else if (what < 30) {
    stream.Acknowledge(group, id);
  } else if (what < 35) {
    stream.SetGroup(group, id, static_cast<int64_t>(random() % 4) - 1);
  } else {
    stream.SeeConsumer(group, consumer, random() % 2 == 0);
  }
}

TEST_F(StreamTest, MemoryLoadAndReplicaAgree) {
  Limits().stream_node_entries_max = 7;
  CheckProperty(
      [](Tx& tx, std::string_view key, std::mt19937_64& random) {
        StreamKey stream(tx, key, tx.Find(key));
        if (!stream.exists()) stream.CreateEmpty();
        for (uint64_t left = random() % 4; left > 0; --left) {
          if (random() % 2 == 0) {
            ChangeEntries(stream, random);
          } else {
            ChangeGroups(stream, random);
          }
        }
      },
      Print);
}

}  // namespace
}  // namespace hearth
