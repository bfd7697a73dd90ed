#include "grpc/number_formats.h"

#include <phonenumbers/phonenumberutil.h>

#include <utility>

namespace ringtrace::rpc {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

// Digits that neighbours differ in.
constexpr int kLastDigits = 3;
constexpr std::uint64_t kBlock = 1000;
// In plans of fewer than ten digits, country code and all, even these tell areas apart, and not only at the
// ends of a block.
constexpr std::uint64_t kLeastOfBlocks = 1'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Puts the last digits of `number` in place of the last digits of `text`, when these are `from`'s.
bool put_last_digits(std::string& text, std::uint64_t from, std::uint64_t number) {
  std::size_t at = text.size();
  for (int place = 0; place < kLastDigits; ++place) {
    while (at > 0 && !is_digit(text[at - 1])) --at;
    if (at == 0 || text[at - 1] != static_cast<char>('0' + from % 10)) return false;
    text[--at] = static_cast<char>('0' + number % 10);
    from /= 10;
    number /= 10;
  }
  return true;
}

/// The texts of `to`, from those of its neighbour.
std::optional<NumberTexts> rewritten(NumberTexts texts, std::uint64_t from, std::uint64_t to) {
  const bool all = put_last_digits(texts.national, from, to) &&
                   put_last_digits(texts.international, from, to) && put_last_digits(texts.uri, from, to);
  return all ? std::optional(std::move(texts)) : std::nullopt;
}

/// The two ends of the thousand that the number is in.
std::pair<pool::Number, pool::Number> ends_of_block(pool::Number number) {
  const std::uint64_t first = number.digits() / kBlock * kBlock;
  return {pool::Number::from_digits(first).value_or(number),
          pool::Number::from_digits(first + kBlock - 1).value_or(number)};
}

}  // namespace

NumberTexts ask_numbering_plan(pool::Number number) {
  const std::string e164 = number.to_string();
  const PhoneNumberUtil& plans = *PhoneNumberUtil::GetInstance();
  PhoneNumber parsed;
  if (plans.Parse(e164, "ZZ", &parsed) != PhoneNumberUtil::NO_PARSING_ERROR ||
      !plans.IsPossibleNumber(parsed)) {
    return {e164, e164, "tel:" + e164};
  }
  NumberTexts texts;
  plans.Format(parsed, PhoneNumberUtil::NATIONAL, &texts.national);
  plans.Format(parsed, PhoneNumberUtil::INTERNATIONAL, &texts.international);
  plans.Format(parsed, PhoneNumberUtil::RFC3966, &texts.uri);
  return texts;
}

// The library makes its plans when first asked, which takes milliseconds: now, and not during a request.
NumberFormats::NumberFormats() { PhoneNumberUtil::GetInstance(); }

NumberTexts NumberFormats::ask(pool::Number number) {
  plans_asked_.fetch_add(1, std::memory_order_relaxed);
  return ask_numbering_plan(number);
}

NumberTexts NumberFormats::of(pool::Number number) {
  if (number.digits() < kLeastOfBlocks) return ask(number);
  const std::uint64_t block = number.digits() / kBlock;
  const auto [first, last] = ends_of_block(number);
  Shard& shard = shard_of(block);
  Texts known;
  bool found = false;
  {
    const std::lock_guard lock(shard.mutex);
    if (const auto entry = shard.blocks.find(block); entry != shard.blocks.end()) {
      known = entry->second;
      found = true;
    }
  }
  if (!found) {
    // The neighbours are written alike when the two farthest apart are.
    const NumberTexts sample = ask(first);
    if (rewritten(sample, first.digits(), last.digits()) == ask(last)) {
      known = std::make_shared<const NumberTexts>(sample);
    }
    const std::lock_guard lock(shard.mutex);
    if (shard.blocks.size() >= kMaxBlocks / kShards) shard.blocks.erase(shard.blocks.begin());
    shard.blocks[block] = known;
  }
  if (known) {
    if (auto texts = rewritten(*known, first.digits(), number.digits())) return *std::move(texts);
  }
  return ask(number);
}

}  // namespace ringtrace::rpc
