// What may be said of a directive, and the text that CONFIG GET prints of it.
// Tested by tests/src/config_commands_test.cc.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>

#include "src/config.h"
#include "src/keyspace_events.h"
#include "src/numbers.h"
#include "src/redis_text.h"
#include "src/slow_log.h"

namespace hearth {
namespace {

constexpr std::string_view kNotEnum = "argument(s) must be one of the following: ";

bool CanonicalEnum(const Directive& directive, const std::string& word, std::string* text,
                   std::string* error) {
  std::istringstream choices{std::string(directive.choices)};
  std::string all;
  for (std::string choice; choices >> choice;) {
    if (ToLower(word) == choice) {
      *text = choice;
      return true;
    }
    all += (all.empty() ? "" : ", ") + choice;
  }
  *error = std::string(kNotEnum) + all;
  return false;
}

// Several of the choices, in their order; the first one stands for none of the others.
bool CanonicalChoices(const Directive& directive, const std::vector<std::string>& words,
                      std::string* text, std::string* error) {
  std::set<std::string> chosen;
  for (const std::string& word : words) {
    std::string choice;
    if (!CanonicalEnum(directive, word, &choice, error)) return false;
    chosen.insert(choice);
  }
  if (chosen.contains("save") && chosen.contains("nosave")) {
    *error = "shutdown options SAVE and NOSAVE can't be used simultaneously";
    return false;
  }
  std::istringstream choices{std::string(directive.choices)};
  std::string first;
  choices >> first;
  text->clear();
  for (std::string choice; choices >> choice;) {
    if (chosen.contains(choice)) *text += (text->empty() ? "" : " ") + choice;
  }
  if (text->empty()) *text = first;
  return true;
}

bool CanonicalNumber(const Directive& directive, const std::string& word, std::string* text,
                     std::string* error) {
  const bool memory = directive.kind == DirectiveKind::kMemory;
  auto value = memory ? ParseMemory(word) : ParseInt64(word);
  if (!value || (memory && *value < 0)) {
    *error = memory ? "argument must be a memory value"
                    : "argument couldn't be parsed into an "
                      "integer";
    return false;
  }
  // Redis takes any, and makes of it what it can.
  if (directive.name == "hz") value = std::clamp(*value, directive.min, directive.max);
  if (*value < directive.min || *value > directive.max) {
    *error = "argument must be between " + std::to_string(directive.min) + " and " +
             std::to_string(directive.max) + " inclusive";
    return false;
  }
  *text = std::to_string(*value);
  return true;
}

bool CanonicalMemoryOrPercent(const std::string& word, std::string* text, std::string* error) {
  const bool percent = word.ends_with('%');
  const auto value = percent ? ParseInt64(word.substr(0, word.size() - 1)) : ParseMemory(word);
  const bool good = value && *value >= 0;
  if (!good) *error = "argument must be a memory or percent value";
  if (good && percent && *value > 100) *error = "percentage argument must be less or equal to 100";
  if (good) *text = std::to_string(*value) + (percent && *value != 0 ? "%" : "");
  return error->empty();
}

// Percentiles between the directive's bounds, or none.
bool CanonicalPercentiles(const Directive& directive, const std::vector<std::string>& words,
                          std::string* text, std::string* error) {
  text->clear();
  std::istringstream parts(JoinWords(words));
  for (std::string word; parts >> word;) {
    const auto number = ParseDouble(word);
    if (!number) *error = "Invalid " + std::string(directive.name) + " parameters";
    if (number && *number != std::clamp<double>(*number, directive.min, directive.max)) {
      *error = std::string(directive.name) + " parameters should sit between [0.0,100.0]";
    }
    if (char shown[32]; std::snprintf(shown, sizeof(shown), "%.8g", number.value_or(0)) > 0)
      *text += (text->empty() ? "" : " ") + std::string(shown);
  }
  return error->empty();
}

bool CanonicalSave(const std::vector<std::string>& words, std::string* text, std::string* error) {
  if (words.size() == 1 && words[0].empty()) {
    text->clear();
    return true;
  }
  std::istringstream parts(JoinWords(words));
  std::vector<std::string> numbers{std::istream_iterator<std::string>(parts), {}};
  bool good = !numbers.empty() && numbers.size() % 2 == 0;
  for (size_t i = 0; good && i < numbers.size(); ++i) {
    const auto number = ParseInt64(numbers[i]);
    good = number && *number >= (i % 2 == 0 ? 1 : 0);
  }
  if (!good) *error = "Invalid save parameters";
  *text = JoinWords(numbers);
  return good;
}

bool CanonicalOutputLimits(const std::vector<std::string>& words, std::string_view old_text,
                           std::string* text, std::string* error) {
  std::istringstream given(JoinWords(words)), old{std::string(old_text)};
  std::map<std::string, std::string> limits;
  std::string name, hard, soft, seconds;
  while (old >> name >> hard >> soft >> seconds) limits[name] = hard + " " + soft + " " + seconds;
  while (given >> name) {
    name = ToLower(name) == "replica" ? "slave" : ToLower(name);
    if (!(given >> hard >> soft >> seconds)) {
      *error = "Wrong number of arguments in buffer limit configuration.";
      return false;
    }
    const auto hard_bytes = ParseMemory(hard), soft_bytes = ParseMemory(soft);
    const auto soft_seconds = ParseInt64(seconds);
    if (!limits.count(name) && name != "normal" && name != "slave" && name != "pubsub") {
      *error = "Invalid client class specified in buffer limit configuration.";
      return false;
    }
    if (!hard_bytes || !soft_bytes || !soft_seconds || *hard_bytes < 0 || *soft_bytes < 0 ||
        *soft_seconds < 0) {
      *error = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
      return false;
    }
    limits[name] = std::to_string(*hard_bytes) + " " + std::to_string(*soft_bytes) + " " +
                   std::to_string(*soft_seconds);
  }
  text->clear();
  for (const char* known : {"normal", "slave", "pubsub"}) {
    *text += (text->empty() ? "" : " ") + std::string(known) + " " + limits[known];
  }
  return true;
}

// "host port"; "no one" and nothing at all mean none.
bool CanonicalReplicaOf(std::vector<std::string> words, std::string* text, std::string* error) {
  if (words.size() == 1 && words[0].empty()) {
    text->clear();
    return true;
  }
  // Host and port may be one argument of the command line.
  if (words.size() == 1) words = SplitWords(words[0]).value_or(std::move(words));
  if (words.size() != 2) {
    *error = "wrong number of arguments";
    return false;
  }
  if (ToLower(words[0]) == "no" && ToLower(words[1]) == "one") {
    text->clear();
    return true;
  }
  const auto port = ParseInt64(words[1]);
  if (!port || *port < 0 || *port > 65535) {
    *error = "Invalid master port";
    return false;
  }
  *text = words[0] + " " + words[1];
  return true;
}

}  // namespace

// Checks the words of a directive and makes the text that CONFIG GET prints.
bool Config::Canonical(const Directive& directive, const std::vector<std::string>& words,
                       std::string_view old_text, std::string* text, std::string* error) {
  if (!CanonicalText(directive, words, old_text, text, error)) return false;
  if ((directive.flags & kNotYet) && *text != directive.default_text) {
    *error = "not supported by this version, and refused because ignoring it would not be safe";
    return false;
  }
  return true;
}

bool Config::CanonicalText(const Directive& directive, const std::vector<std::string>& words,
                           std::string_view old_text, std::string* text, std::string* error) {
  if (directive.kind == DirectiveKind::kWords && !directive.choices.empty()) {
    return CanonicalChoices(directive, words.empty() ? std::vector<std::string>{""} : words, text,
                            error);
  }
  const bool one_word =
      directive.kind != DirectiveKind::kWords && directive.kind != DirectiveKind::kSave &&
      directive.kind != DirectiveKind::kOutputLimits && directive.kind != DirectiveKind::kReplicaOf;
  if (words.empty() || (one_word && words.size() != 1)) {
    *error = "wrong number of arguments";
    return false;
  }
  switch (directive.kind) {
    case DirectiveKind::kBool:
      *text = ToLower(words[0]);
      if (*text == "yes" || *text == "no") return true;
      *error = "argument must be 'yes' or 'no'";
      return false;
    case DirectiveKind::kInt:
    case DirectiveKind::kMemory:
      return CanonicalNumber(directive, words[0], text, error);
    case DirectiveKind::kMemoryOrPercent:
      return CanonicalMemoryOrPercent(words[0], text, error);
    case DirectiveKind::kEnum:
      return CanonicalEnum(directive, words[0], text, error);
    case DirectiveKind::kSave:
      return CanonicalSave(words, text, error);
    case DirectiveKind::kOutputLimits:
      return CanonicalOutputLimits(words, old_text, text, error);
    case DirectiveKind::kOctal: {
      const bool octal = !words[0].empty() && words[0].size() <= 4 &&
                         words[0].find_first_not_of("01234567") == std::string::npos;
      if (!octal) *error = "argument must be an octal number of at most 777";
      *text = words[0];
      return octal;
    }
    case DirectiveKind::kAmountOrPercent: {
      const bool percent = words[0].size() > 1 && words[0].back() == '%';
      const auto number =
          percent ? ParseInt64(words[0].substr(0, words[0].size() - 1)) : ParseMemory(words[0]);
      const bool good = number && *number >= 0 && (!percent || *number <= 100);
      if (!good) *error = "argument must be a memory value or a percentage";
      *text = words[0];
      return good;
    }
    case DirectiveKind::kEvents: {
      const auto flags = ParseEventFlags(JoinWords(words));
      if (!flags) *error = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
      *text = JoinWords(words);  // as given: what CONFIG GET prints is not all of it
      return flags.has_value();
    }
    case DirectiveKind::kReplicaOf:
      return CanonicalReplicaOf(words, text, error);
    case DirectiveKind::kWords:
      if (directive.max != INT64_MAX) return CanonicalPercentiles(directive, words, text, error);
      [[fallthrough]];
    case DirectiveKind::kText:
      *text = JoinWords(words);
      return true;
  }
  return false;
}

}  // namespace hearth
