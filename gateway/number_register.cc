#include "gateway/number_register.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace ringtrace::gateway {

NumberRegister::Place NumberRegister::place(std::string file, std::uint32_t line, std::string what) {
  places_.push_back({std::move(file), line, std::move(what)});
  return {static_cast<std::uint32_t>(places_.size() - 1)};
}

void NumberRegister::add(pool::Number number, Place place) {
  own_.push_back({number.digits(), place.index, false});
}

void NumberRegister::add_shared(pool::Number number, Place place) {
  shared_.push_back({number.digits(), place.index, true});
}

void NumberRegister::note_doubles(Mistakes& mistakes) {
  std::vector<Entry> all = own_;
  all.insert(all.end(), shared_.begin(), shared_.end());
  std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.digits, a.place) < std::tie(b.digits, b.place);
  });
  // By the two places: the first number in common, and how many there are.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::pair<std::uint64_t, std::uint64_t>> doubles;
  for (std::size_t i = 1; i < all.size(); ++i) {
    const Entry& first = all[i - 1];
    const Entry& second = all[i];
    if (first.digits != second.digits || (first.shared && second.shared)) continue;
    auto& [digits, count] = doubles[{first.place, second.place}];
    if (count++ == 0) digits = first.digits;
  }
  for (const auto& [pair, found] : doubles) {
    const Description& first = places_[pair.first];
    const Description& second = places_[pair.second];
    std::string numbers = "+" + std::to_string(found.first);
    if (found.second > 1) numbers += " and " + std::to_string(found.second - 1) + " more";
    mistakes.add_in(second.file, second.line, second.what + ": " + numbers + " stands elsewhere already",
                    "each number once; the other place is " + first.what + " in " + first.file + ":" +
                        std::to_string(first.line));
  }
}

}  // namespace ringtrace::gateway
