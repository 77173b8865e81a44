#pragma once
#include <map>
#include <vector>
#include <cstdint>
#include <string>
#include <string_view>
#include "engine/object.h"
namespace hearth {
enum class SweepAction { kKeep, kRemove };
class Table {
 public:
  using Cell = Object*;
  static constexpr uint64_t kWalkEnd = UINT64_MAX;
  struct SweepHand { uint64_t position = 0; };
  Table(uint32_t, uint32_t) {}
  ~Table() { Clear(); }
  using K = std::pair<uint64_t, std::string>;
  Object* Find(uint64_t p, std::string_view k) const { auto i = m_.find(K(p, k)); return i == m_.end() ? nullptr : i->second; }
  Cell* FindCell(uint64_t p, std::string_view k) { auto i = m_.find(K(p, k)); return i == m_.end() ? nullptr : &i->second; }
  void Replace(Cell* c, Object* o) { *c = o; }
  void Insert(Object* o) { m_[K(o->position, o->key())] = o; }
  Object* Remove(uint64_t p, std::string_view k) { auto i = m_.find(K(p, k)); if (i == m_.end()) return nullptr; Object* o = i->second; m_.erase(i); return o; }
  void RefreshExpiryBit(Object*) {}
  size_t size() const { return m_.size(); }
  void PrefetchCell(uint64_t) const {}
  void PrefetchObject(uint64_t) const {}
  uint64_t Walk(uint64_t from, size_t n, std::vector<Object*>* out) const {
    auto i = m_.lower_bound(K(from, ""));
    for (; i != m_.end(); ++i) { if (out->size() >= n && i->first.first != out->back()->position) return i->first.first; out->push_back(i->second); }
    return kWalkEnd;
  }
  void WalkRange(uint64_t from, uint64_t last, std::vector<Object*>* out) const {
    for (auto i = m_.lower_bound(K(from, "")); i != m_.end() && i->first.first <= last; ++i) out->push_back(i->second);
  }
  template <class F> size_t Sweep(SweepHand* h, size_t n, F f) {
    size_t v = 0; auto i = m_.lower_bound(K(h->position, ""));
    size_t total = m_.size();
    while (v < n && v < total) { if (i == m_.end()) i = m_.begin(); if (i == m_.end()) break; ++v; Object* o = i->second; auto p = i->first.first;
      if (f(o) == SweepAction::kRemove) { i = m_.erase(i); Object::Free(o); } else ++i; h->position = p + 1; }
    return v;
  }
  template <class F> size_t SweepExpiring(SweepHand* h, size_t n, F f) { return Sweep(h, n, [&](Object* o) { return o->has_expiry() ? f(o) : SweepAction::kKeep; }); }
  size_t overhead_bytes() const { return 0; }
  void Clear() { for (auto& [k, o] : m_) Object::Free(o); m_.clear(); }
 private:
  std::map<K, Object*> m_;
};
}
