#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/config_mistakes.h"
#include "pool/number.h"

namespace ringtrace::gateway {

/// Every number of a configuration and where it stands, to find those that stand in two places. Ten million
/// numbers take 120 MB while the configuration is read.
class NumberRegister {
 public:
  /// Where numbers stand: one range, one key.
  struct Place {
    std::uint32_t index = 0;
  };

  Place place(std::string file, std::uint32_t line, std::string what);

  /// A number that may stand nowhere else.
  void add(pool::Number number, Place place);

  /// A number that may stand in other places with add_shared, but in none with add.
  void add_shared(pool::Number number, Place place);

  /// Numbers added with `add`.
  std::size_t size() const { return own_.size(); }

  /// Notes one mistake for each two places that have numbers in common.
  void note_doubles(Mistakes& mistakes);

 private:
  struct Description {
    std::string file;
    std::uint32_t line = 0;
    std::string what;
  };
  struct Entry {
    std::uint64_t digits = 0;
    std::uint32_t place = 0;
    bool shared = false;
  };

  std::vector<Description> places_;
  std::vector<Entry> own_;
  std::vector<Entry> shared_;
};

}  // namespace ringtrace::gateway
