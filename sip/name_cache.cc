#include "sip/name_cache.h"

#include <algorithm>

namespace ringtrace::sip {
namespace {

std::vector<Place> usable(std::vector<Place> places) {
  std::erase_if(places, [](const Place& place) {
    return !place.endpoint.address.is_unicast() || place.endpoint.port == 0;
  });
  if (places.size() > NameCache::kMaximumPlaces)
    places.erase(places.begin() + NameCache::kMaximumPlaces, places.end());
  return places;
}

}  // namespace

void NameCache::watch(const std::set<Target>& names, std::chrono::milliseconds longest,
                      const std::map<Target, std::vector<Place>>& remembered, SteadyTime now) {
  longest_ = longest;
  std::erase_if(next_, [&](const auto& entry) { return !names.contains(entry.first); });
  std::erase_if(places_, [&](const auto& entry) { return !names.contains(entry.first); });
  for (const Target& name : names) {
    next_.emplace(name, now);
    const auto before = remembered.find(name);
    if (before != remembered.end()) places_.try_emplace(name, usable(before->second));
  }
}

std::vector<Target> NameCache::due(SteadyTime now) {
  std::vector<Target> due;
  for (auto& [name, next] : next_) {
    if (next > now) continue;
    next = now + kPatience;
    due.push_back(name);
  }
  return due;
}

void NameCache::ask_again(SteadyTime now) {
  for (auto& [name, next] : next_) next = now;
}

bool NameCache::told(const Target& name, NameAnswer answer, SteadyTime now) {
  const auto found = next_.find(name);
  if (found == next_.end()) return false;
  answer.places = usable(std::move(answer.places));
  if (answer.places.empty()) {
    ++failures_;
    found->second = now + kShortest;
    return false;
  }
  const std::chrono::milliseconds ttl = std::max<std::chrono::milliseconds>(answer.ttl, kShortest);
  found->second = now + std::min(ttl, longest_);
  std::vector<Place>& places = places_[name];
  if (places == answer.places) return false;
  places = std::move(answer.places);
  return true;
}

}  // namespace ringtrace::sip
