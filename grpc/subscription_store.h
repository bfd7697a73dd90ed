#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace ringtrace::rpc {

/// What a named subscription has acknowledged.
struct SubscriptionPlace {
  enum class Status : std::uint8_t {
    kKnown,        ///< `cursor` is what was acknowledged last; empty for a name that is new
    kTooMany,      ///< a new name, and as many as are kept exist
    kUnavailable,  ///< it cannot be read now
  };
  Status status = Status::kUnavailable;
  std::string cursor;
};

/// Where named subscriptions are kept beyond the life of a stream. Any thread may call; `done` is called
/// exactly once, from inside the call or from the store's thread, and does not block.
class SubscriptionStore {
 public:
  using OpenDone = std::function<void(SubscriptionPlace)>;

  virtual ~SubscriptionStore() = default;

  /// The subscription's place; a new name is kept from now on. What was acknowledged before this call counts,
  /// also when it is still on its way.
  virtual void open(std::string_view name, OpenDone done) = 0;

  /// Everything up to and including the cursor has been dealt with. A cursor that the log has not given, and
  /// one behind the subscription's place, change nothing. What cannot be written now is written later.
  virtual void acknowledge(std::string_view name, std::string_view cursor) = 0;
};

}  // namespace ringtrace::rpc
