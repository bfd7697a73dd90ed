#pragma once

#include <string_view>

#include "grpc/call_index.h"
#include "redis/call_index.h"

namespace ringtrace::gateway {

/// The store's index of calls as the services ask it. The store's index outlives it.
class StoreCallIndex final : public rpc::CallIndex {
 public:
  explicit StoreCallIndex(redis::RedisCallIndex& index) : index_(index) {}

  void search(rpc::CallQuery query, PageDone done) override;
  void find(std::string_view call_id, FoundDone done) override;

 private:
  redis::RedisCallIndex& index_;
};

}  // namespace ringtrace::gateway
