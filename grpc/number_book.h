#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "pool/number.h"

namespace ringtrace::rpc {

/// What was said last of a number of a pool.
enum class NumberWord : std::uint8_t {
  kAdded,    ///< it is lent, whether the configuration names it or not
  kDrained,  ///< it is not lent
  kNothing,  ///< the configuration decides
};

/// Where AddNumbers and DrainNumbers are kept beyond the life of the gateway, which reads it at start. Any
/// thread may call; `done` is called exactly once, from inside the call or from the store's thread, and does
/// not block.
class NumberBook {
 public:
  /// False: it cannot be kept now.
  using Done = std::function<void(bool kept)>;

  virtual ~NumberBook() = default;

  /// Keeps the same word for all of the numbers. Said again, it changes nothing.
  virtual void keep(std::string_view pool, std::span<const pool::Number> numbers, NumberWord word,
                    Done done) = 0;
};

}  // namespace ringtrace::rpc
