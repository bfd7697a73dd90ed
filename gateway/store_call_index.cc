#include "gateway/store_call_index.h"

#include <string>
#include <utility>

#include "proto/from_pool.h"

namespace ringtrace::gateway {

void StoreCallIndex::search(rpc::CallQuery query, PageDone done) {
  redis::CallSearch search;
  search.from = query.from;
  search.until = query.until;
  search.pool = std::string(pool_name_of(query.pool));
  search.dialed_number = std::move(query.dialed_number);
  search.source = std::move(query.source);
  search.outcome = query.outcome;
  if (query.after) search.after = redis::CallPlace{query.after->start, std::move(query.after->call_id)};
  search.max = query.max;
  index_.search(std::move(search), [done = std::move(done)](redis::CallsFound found) {
    rpc::CallPage page;
    page.status = found.available ? rpc::LogStatus::kOk : rpc::LogStatus::kUnavailable;
    page.calls = std::move(found.calls);
    if (found.next) page.next = rpc::CallPlace{found.next->start, std::move(found.next->call_id)};
    done(std::move(page));
  });
}

void StoreCallIndex::find(std::string_view call_id, FoundDone done) {
  index_.find(std::string(call_id), [done = std::move(done)](bool available, std::optional<v1::Call> call) {
    done({available ? rpc::LogStatus::kOk : rpc::LogStatus::kUnavailable, std::move(call)});
  });
}

}  // namespace ringtrace::gateway
