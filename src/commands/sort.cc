// Tested by tests/src/commands/sort_test.cc.
//
// SORT: elements are read as views, weighed, ordered, and only then answered or stored, so that a
// failed read of the store answers an error and stores nothing.
#include "src/commands/sort.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "engine/change_count.h"
#include "engine/list.h"
#include "engine/set.h"
#include "engine/sorted_set.h"
#include "src/commands/groups.h"
#include "src/errors.h"
#include "src/key_finder.h"
#include "src/numbers.h"

namespace hearth {
namespace {

struct SortOptions {
  bool descending = false;
  bool alpha = false;
  bool unsorted = false;                      // BY a pattern that is the same for all elements
  int64_t limit_first = 0, limit_count = -1;  // -1 = no limit
  std::optional<std::string_view> by, store;
  std::vector<std::string_view> gets;
};

// How many arguments belong to an option, beside its name; nullopt for what is none.
std::optional<size_t> ArgumentCount(std::string_view option) {
  if (IsWord(option, "LIMIT")) return 2;
  for (const char* name : {"BY", "GET", "STORE"}) {
    if (IsWord(option, name)) return 1;
  }
  for (const char* name : {"ASC", "DESC", "ALPHA"}) {
    if (IsWord(option, name)) return 0;
  }
  return std::nullopt;
}

bool HasStar(std::string_view pattern) {
  return pattern.find('*') != std::string_view::npos;
}

// Takes one option with its arguments; false after an error reply.
bool TakeOption(const Args& option, SortOptions* options, Reply& reply) {
  const std::string_view name = option[0];
  if (IsWord(name, "LIMIT")) {
    const auto first = ReadInteger(option[1], reply);
    if (!first) return false;
    const auto count = ReadInteger(option[2], reply);
    if (!count) return false;
    options->limit_first = *first;
    options->limit_count = *count;
  } else if (IsWord(name, "BY")) {
    options->by = option[1];
    options->unsorted |= !HasStar(option[1]);
  } else if (IsWord(name, "GET")) {
    options->gets.push_back(option[1]);
  } else if (IsWord(name, "STORE")) {
    options->store = option[1];
  } else if (IsWord(name, "ALPHA")) {
    options->alpha = true;
  } else {
    options->descending = IsWord(name, "DESC");
  }
  return true;
}

bool ReadOptions(const Args& args, bool may_store, SortOptions* options, Reply& reply) {
  for (size_t index = 2; index < args.size();) {
    const auto count = ArgumentCount(args[index]);
    if (!count || index + *count >= args.size() || (!may_store && IsWord(args[index], "STORE"))) {
      reply.Error(kErrSyntax);
      return false;
    }
    if (!TakeOption(args.subspan(index, 1 + *count), options, reply)) return false;
    index += 1 + *count;
  }
  return true;
}

struct Part {
  size_t first, count;
};

// What LIMIT leaves of so many elements.
Part Limited(const SortOptions& options, size_t size) {
  const size_t first =
      std::min(static_cast<size_t>(std::max<int64_t>(options.limit_first, 0)), size);
  if (options.limit_count < 0) return {first, size - first};
  return {first, std::min(static_cast<size_t>(options.limit_count), size - first)};
}

using Elements = std::vector<std::string_view>;

// Reads what has an order of its own: all of it, or, when it stays in that order, the part that
// is asked for. visit(position, count, reverse, take) goes from the position on.
template <typename Visit>
Elements ReadOrdered(size_t size, const SortOptions& options, Part* part, Visit visit) {
  *part = Limited(options, size);
  Elements elements;
  const auto take = [&](std::string_view element) { elements.push_back(element); };
  if (!options.unsorted) {
    visit(0, size, /*reverse=*/false, take);
    return elements;
  }
  if (part->count > 0) {
    const size_t position = options.descending ? size - 1 - part->first : part->first;
    visit(position, part->count, options.descending, take);
  }
  *part = {0, elements.size()};
  return elements;
}

Elements ReadList(std::string_view key, const Object* object, const SortOptions& options,
                  Part* part, Tx& tx) {
  const ListKey list(tx, key, object);
  return ReadOrdered(list.size(), options, part,
                     [&](size_t position, size_t count, bool reverse, auto take) {
                       if (reverse) {
                         list.EachBackward(position, count, take);
                       } else {
                         list.Each(position, count, take);
                       }
                     });
}

Elements ReadSortedSet(std::string_view key, const Object* object, const SortOptions& options,
                       Part* part, Tx& tx) {
  const SortedSetKey set(tx, key, object);
  return ReadOrdered(
      set.size(), options, part, [&](size_t rank, size_t count, bool reverse, auto take) {
        set.Visit(rank, count, reverse, [&](const ScoredMember& one) { take(one.member); });
      });
}

Elements ReadSet(const SetKey& set, const SortOptions& options, Part* part) {
  Elements elements;
  set.Each([&](std::string_view member) { elements.push_back(member); });
  *part = Limited(options, elements.size());
  return elements;
}

// A number as strtod reads it: spaces before it, hexadecimal and infinity included.
std::optional<double> ReadNumber(std::string_view text) {
  const std::string terminated(text);
  char* end;
  errno = 0;
  const double number = std::strtod(terminated.c_str(), &end);
  if (*end != '\0' || errno == ERANGE || std::isnan(number)) return std::nullopt;
  return number;
}

struct Weighed {
  std::string_view element;
  std::optional<std::string_view> text;  // with ALPHA
  double number = 0;
};

// False when a weight is no number. An absent weight counts as 0, with ALPHA as less than any.
bool Weigh(const Elements& elements, const SortOptions& options, std::vector<Weighed>* weighed,
           Tx& tx, std::deque<std::string>* copies) {
  weighed->reserve(elements.size());
  for (const std::string_view element : elements) {
    Weighed& one = weighed->emplace_back(Weighed{element, element});
    if (options.by) one.text = ReadPattern(*options.by, element, tx, copies);
    if (options.alpha || !one.text) continue;
    const auto number = ReadNumber(*one.text);
    if (!number) return false;
    one.number = *number;
  }
  return true;
}

void Order(const SortOptions& options, std::vector<Weighed>* weighed) {
  const auto less = [&](const Weighed& a, const Weighed& b) {
    if (options.alpha) return a.text < b.text;
    // Of equal numbers the elements' bytes decide, so that the order is always the same.
    return a.number != b.number ? a.number < b.number : a.element < b.element;
  };
  if (options.descending) {
    std::stable_sort(weighed->begin(), weighed->end(),
                     [&](const Weighed& a, const Weighed& b) { return less(b, a); });
  } else {
    std::stable_sort(weighed->begin(), weighed->end(), less);
  }
}

// What is answered for the elements: nullopt = null.
std::vector<std::optional<std::string_view>> Results(std::span<const std::string_view> elements,
                                                     const SortOptions& options, Tx& tx,
                                                     std::deque<std::string>* copies) {
  if (options.gets.empty()) return {elements.begin(), elements.end()};
  std::vector<std::optional<std::string_view>> results;
  results.reserve(elements.size() * options.gets.size());
  for (const std::string_view element : elements) {
    for (const std::string_view pattern : options.gets) {
      results.push_back(ReadPattern(pattern, element, tx, copies));
    }
  }
  return results;
}

void Store(std::string_view key, const std::vector<std::optional<std::string_view>>& results,
           Tx& tx) {
  // The views may lie in what is deleted here.
  std::vector<std::string> elements;
  elements.reserve(results.size());
  for (const auto& result : results) elements.emplace_back(result.value_or(""));
  ChangeCount changes(tx);
  const bool replaces = tx.Delete(key);
  if (elements.empty()) {
    if (replaces) tx.Notify(EventClass::kGeneric, "del", key);
    return;
  }
  changes.Is(elements.size());
  ListKey list(tx, key, nullptr);
  for (const std::string& element : elements) list.Push(ListEnd::kTail, element);
  tx.Notify(EventClass::kList, "sortstore", key);
}

void Answer(const std::vector<std::optional<std::string_view>>& results, Reply& reply) {
  reply.Array(results.size());
  for (const auto& result : results) {
    if (result) {
      reply.Bulk(*result);
    } else {
      reply.Null();
    }
  }
}

void SortKey(const Args& args, bool may_store, Tx& tx, Reply& reply) {
  SortOptions options;
  if (!ReadOptions(args, may_store, &options, reply)) return;
  const Object* object = tx.Find(args[1]);
  tx.NoteSource(args[1], object != nullptr);
  Elements elements;
  std::optional<SetKey> set;
  Part part{0, 0};
  if (object != nullptr && object->type == ObjectType::kSet) {
    // A set has no order of its own that could be stored.
    if (options.unsorted && options.store) {
      options.unsorted = false;
      options.alpha = true;
      options.by.reset();
    }
    set.emplace(tx, args[1], object);
    elements = ReadSet(*set, options, &part);
    set->Close();
  } else if (object != nullptr && object->type == ObjectType::kList) {
    elements = ReadList(args[1], object, options, &part, tx);
  } else if (object != nullptr && object->type == ObjectType::kSortedSet) {
    elements = ReadSortedSet(args[1], object, options, &part, tx);
  } else if (object != nullptr) {
    return reply.Error(kErrWrongType);
  }

  std::deque<std::string> copies;
  if (!options.unsorted) {
    std::vector<Weighed> weighed;
    if (!Weigh(elements, options, &weighed, tx, &copies)) {
      return reply.Error("ERR One or more scores can't be converted into double");
    }
    Order(options, &weighed);
    std::transform(weighed.begin(), weighed.end(), elements.begin(),
                   [](const Weighed& one) { return one.element; });
  }
  const auto results =
      Results(std::span(elements).subspan(part.first, part.count), options, tx, &copies);
  if (tx.state() == Tx::State::kFailed) {
    return reply.Error("IOERR a read of the store failed: " + tx.error().message());
  }
  if (!options.store) return Answer(results, reply);
  Store(*options.store, results, tx);
  reply.Integer(static_cast<int64_t>(results.size()));
}

}  // namespace

// The source, and the target of the last STORE.
void FindSortKeys(const Command& command, const Args& args, std::vector<KeyPlace>* places) {
  uint32_t target = 0;
  for (size_t index = 2; index < args.size();) {
    if (IsWord(args[index], "STORE") && index + 1 < args.size()) {
      target = static_cast<uint32_t>(index + 1);
    }
    index += 1 + ArgumentCount(args[index]).value_or(0);
  }
  places->push_back({1, &command.key_specs.front()});
  if (target != 0) places->push_back({target, &command.key_specs.back()});
}

std::string_view FirstSortPatternError(const Args& args, bool may_store) {
  for (size_t index = 2; index < args.size();) {
    const auto count = ArgumentCount(args[index]);
    if (!count || index + *count >= args.size()) return {};
    if (IsWord(args[index], "STORE") && !may_store) return {};
    if (IsWord(args[index], "LIMIT") &&
        (!ParseInt64(args[index + 1]) || !ParseInt64(args[index + 2]))) {
      return {};
    }
    if (IsWord(args[index], "BY") && HasStar(args[index + 1])) {
      return "ERR BY option of SORT denied due to insufficient ACL permissions.";
    }
    if (IsWord(args[index], "GET")) {
      return "ERR GET option of SORT denied due to insufficient ACL permissions.";
    }
    index += 1 + *count;
  }
  return {};
}

bool HasSortPatterns(const Args& args) {
  for (size_t index = 2; index + 1 < args.size(); ++index) {
    const bool takes_pattern = IsWord(args[index], "BY") || IsWord(args[index], "GET");
    if (takes_pattern && HasStar(args[index + 1])) return true;
  }
  return false;
}

// SORT key [BY pattern] [LIMIT first count] [GET pattern]... [ASC | DESC] [ALPHA] [STORE target]
// -> the elements, or what the GET patterns give for them; with STORE how many there are
void Sort(const Args& args, Tx& tx, Reply& reply) {
  SortKey(args, /*may_store=*/true, tx, reply);
}

// SORT_RO -> as SORT, without STORE
void SortRo(const Args& args, Tx& tx, Reply& reply) {
  SortKey(args, /*may_store=*/false, tx, reply);
}

}  // namespace hearth
