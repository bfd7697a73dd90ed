#include "gateway/store_call_log.h"

#include <algorithm>
#include <string>
#include <utility>

namespace ringtrace::gateway {
namespace {

rpc::LogStatus status_of(redis::CallLogPage::Status status) {
  switch (status) {
    case redis::CallLogPage::Status::kDone:
      return rpc::LogStatus::kOk;
    case redis::CallLogPage::Status::kOutOfRange:
      return rpc::LogStatus::kOutOfRange;
    case redis::CallLogPage::Status::kBadCursor:
      return rpc::LogStatus::kMalformed;
    case redis::CallLogPage::Status::kUnavailable:
      break;
  }
  return rpc::LogStatus::kUnavailable;
}

}  // namespace

StoreCallLog::StoreCallLog(redis::RedisCallLog& log) : log_(log) {
  log_.watch([watchers = watchers_] { watchers->notify(); });
}

void StoreCallLog::read_after(std::string_view cursor, std::size_t max, ReadDone done) {
  const std::size_t count = std::clamp<std::size_t>(max, 1, redis::RedisCallLog::kMaxPage);
  log_.read_after(std::string(cursor), count, [done = std::move(done)](redis::CallLogPage page) {
    rpc::LogRead result;
    result.status = status_of(page.status);
    for (v1::CallEvent& event : page.events) {
      result.events.push_back(std::make_shared<const v1::CallEvent>(std::move(event)));
    }
    if (result.status == rpc::LogStatus::kOutOfRange) result.oldest_cursor = std::move(page.next);
    done(std::move(result));
  });
}

void StoreCallLog::latest_cursor(EndDone done) {
  log_.latest_cursor([done = std::move(done)](std::optional<std::string> cursor) {
    rpc::LogEnd end;
    if (cursor) {
      end.status = rpc::LogStatus::kOk;
      end.cursor = std::move(*cursor);
    }
    done(std::move(end));
  });
}

std::unique_ptr<rpc::CallEventLog::Watch> StoreCallLog::watch(std::function<void()> grown) {
  return watchers_->add(std::move(grown));
}

}  // namespace ringtrace::gateway
