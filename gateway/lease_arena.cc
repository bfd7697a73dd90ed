#include "gateway/lease_arena.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace ringtrace::gateway {
namespace {

struct Header {
  std::uint64_t number;
  std::int64_t start, expire, ended;  // of a lease that stands, `ended` is kStands
  std::array<std::uint32_t, 4> lengths;
};

constexpr std::int64_t kStands = -1;

std::int64_t ticks(pool::Time time) { return time.time_since_epoch().count(); }
pool::Time time_of(std::int64_t count) { return pool::Time(pool::Duration(count)); }

}  // namespace

void LeaseArena::add(const redis::LoadedLease& lease) {
  const std::array<std::string_view, 4> texts = {lease.visit_id, lease.visitor_id, lease.source,
                                                 lease.attributes};
  Header header{lease.number.digits(),
                ticks(lease.start),
                ticks(lease.expire),
                lease.ended ? ticks(*lease.ended) : kStands,
                {}};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    header.lengths[i] = static_cast<std::uint32_t>(texts[i].size());
  }
  order_.push_back({ticks(lease.end()), bytes_.size()});
  const auto* const raw = reinterpret_cast<const char*>(&header);
  bytes_.insert(bytes_.end(), raw, raw + sizeof header);
  for (const std::string_view text : texts) bytes_.insert(bytes_.end(), text.begin(), text.end());
}

void LeaseArena::sort() {
  std::sort(order_.begin(), order_.end(), [](const Place& a, const Place& b) { return a.end < b.end; });
}

pool::StoredLease LeaseArena::at(std::size_t i) const {
  Header header{};
  const char* from = bytes_.data() + order_[i].offset;
  std::memcpy(&header, from, sizeof header);
  from += sizeof header;
  std::array<std::string_view, 4> texts;
  for (std::size_t t = 0; t < texts.size(); ++t) {
    texts[t] = {from, header.lengths[t]};
    from += header.lengths[t];
  }
  pool::StoredLease stored;
  stored.number = *pool::Number::from_digits(header.number);
  stored.visit = {texts[0], texts[1], texts[2], texts[3]};
  stored.start = time_of(header.start);
  stored.expire = time_of(header.expire);
  if (header.ended != kStands) stored.ended = time_of(header.ended);
  return stored;
}

void LeaseArena::clear() {
  bytes_ = {};
  order_ = {};
}

}  // namespace ringtrace::gateway
