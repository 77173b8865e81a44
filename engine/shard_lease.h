#pragma once

// ShardLease: the lock of one shard, or of all, kept from each Tx of a thread to its next that
// needs the same.
//
// Workers whose clients use the same keys would otherwise pass the lock, and with it the memory
// that it guards, to and fro with every command; a script would lock and unlock every shard.
//
// While a lease exists and is wanted, a Tx that ends leaves it the lock of its shard, if it held
// one or all and has nothing to tell; the next Tx of the thread takes it over, or has it released
// when it needs others. Between the two the thread may lock nothing of the keyspace by other means.
//
// Thread:   its own; of several leases of a thread the innermost counts, and has the outer release.
// Lifetime: a scope; no Tx is open at its beginning or end.
// Limits:   who wants it bounds how long it is held.

#include <cstdint>

namespace hearth {

class Keyspace;

class ShardLease {
 public:
  ShardLease() {
    if (outer_ != nullptr) outer_->Release();
    current_ = this;
  }
  ~ShardLease() {
    Release();
    current_ = outer_;
  }
  ShardLease(const ShardLease&) = delete;
  ShardLease& operator=(const ShardLease&) = delete;

  // Whether the next Tx to end leaves its lock here.
  void set_wanted(bool wanted) { wanted_ = wanted; }
  bool is_held() const { return shards_ != 0; }
  void Release() {
    if (shards_ != 0) [[unlikely]]
      Unlock();
  }

  // The lease of this thread, or null.
  static ShardLease* Current() { return current_; }

 private:
  friend class Tx;

  // True: exactly these shards were held, and are the caller's now. Else nothing is held any more.
  bool Take(const Keyspace& keyspace, uint64_t shards);
  // False: not wanted; the caller keeps the lock.
  bool Keep(Keyspace& keyspace, uint64_t shards, bool are_all);
  void Unlock();

  static inline thread_local ShardLease* current_ = nullptr;

  ShardLease* const outer_ = current_;
  Keyspace* keyspace_ = nullptr;
  uint64_t shards_ = 0;  // a bit a shard: none, one or all
  bool wanted_ = false;
};

}  // namespace hearth
