#include "gateway/memory_call_index.h"

#include <utility>

#include "proto/attribution_update.h"
#include "proto/from_pool.h"

namespace ringtrace::gateway {

void MemoryCallIndex::add(const Event& event) {
  const v1::Call& call = event->call();
  const std::lock_guard lock(mutex_);
  // The first event says when the call started; that stays its place.
  const auto start = starts_.emplace(call.call_id(), from_timestamp(call.start_time())).first;
  Row& row = rows_[{start->second, call.call_id()}];
  (event->type() == v1::CALL_EVENT_TYPE_ATTRIBUTION_UPDATED ? row.updated : row.latest) = event;
}

void MemoryCallIndex::replace(const Event& event, const Event& by) {
  const std::lock_guard lock(mutex_);
  const auto start = starts_.find(event->call().call_id());
  if (start == starts_.end()) return;
  Row& row = rows_.at({start->second, start->first});
  if (row.latest == event) row.latest = by;
  if (row.updated == event) row.updated = by;
}

void MemoryCallIndex::drop(const Event& event) {
  const std::lock_guard lock(mutex_);
  const auto start = starts_.find(event->call().call_id());
  if (start == starts_.end()) return;
  const auto row = rows_.find({start->second, start->first});
  if (row->second.latest == event) row->second.latest.reset();
  if (row->second.updated == event) row->second.updated.reset();
  if (row->second.latest || row->second.updated) return;
  rows_.erase(row);
  starts_.erase(start);
}

v1::Call MemoryCallIndex::call_of(const Row& row) {
  if (!row.latest) return row.updated->call();
  return row.updated ? with_newest_resolution(row.latest->call(), *row.updated) : row.latest->call();
}

bool MemoryCallIndex::is_asked_for(const v1::Call& call, const rpc::CallQuery& query) {
  const v1::Resolution& resolution = call.resolution();
  return (query.pool.empty() || resolution.pool() == query.pool) &&
         (query.dialed_number.empty() || call.dialed_number() == query.dialed_number) &&
         (query.source.empty() || resolution.source() == query.source) &&
         (query.outcome == v1::CALL_OUTCOME_UNSPECIFIED || call.outcome() == query.outcome);
}

void MemoryCallIndex::search(rpc::CallQuery query, PageDone done) {
  rpc::CallPage page;
  page.status = rpc::LogStatus::kOk;
  std::optional<rpc::CallPlace> after = std::move(query.after);
  for (bool more = true; more && page.calls.size() < query.max;) {
    const std::lock_guard lock(mutex_);
    auto row = after ? rows_.upper_bound(*after) : rows_.begin();
    // The order ends with no id, so this stands behind every call that started then or later.
    if (!after && query.until) row = rows_.lower_bound({*query.until - pool::Duration(1), "\x7F"});
    std::size_t looked = 0;
    for (; row != rows_.end() && looked < kLook && page.calls.size() < query.max; ++row, ++looked) {
      after = row->first;
      if (query.until && row->first.start >= *query.until) continue;
      if (query.from && row->first.start < *query.from) {
        row = rows_.end();
        break;
      }
      v1::Call call = call_of(row->second);
      if (is_asked_for(call, query)) page.calls.push_back(std::move(call));
    }
    more = row != rows_.end();
    page.next = more ? after : std::nullopt;
  }
  done(std::move(page));
}

void MemoryCallIndex::find(std::string_view call_id, FoundDone done) {
  rpc::FoundCall found;
  found.status = rpc::LogStatus::kOk;
  {
    const std::lock_guard lock(mutex_);
    const auto start = starts_.find(std::string(call_id));
    if (start != starts_.end()) found.call = call_of(rows_.at({start->second, start->first}));
  }
  done(std::move(found));
}

std::size_t MemoryCallIndex::size() const {
  const std::lock_guard lock(mutex_);
  return rows_.size();
}

}  // namespace ringtrace::gateway
