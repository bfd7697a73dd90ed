#pragma once

#include <span>
#include <string_view>

#include "grpc/number_book.h"
#include "redis/number_book.h"

namespace ringtrace::gateway {

/// Keeps changes to pools' numbers in the store, whose book outlives it.
class StoreNumberBook final : public rpc::NumberBook {
 public:
  explicit StoreNumberBook(redis::RedisNumberBook& book) : book_(book) {}

  void keep(std::string_view pool, std::span<const pool::Number> numbers, rpc::NumberWord word,
            Done done) override;

 private:
  redis::RedisNumberBook& book_;
};

/// Without a store, changes to pools' numbers live in the pools alone, and end with the process like all
/// else.
class MemoryNumberBook final : public rpc::NumberBook {
 public:
  void keep(std::string_view, std::span<const pool::Number>, rpc::NumberWord, Done done) override {
    done(true);
  }
};

}  // namespace ringtrace::gateway
