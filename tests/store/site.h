#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pool/leasing.h"
#include "tests/store/redis_model.h"

namespace ringtrace::store_test {

/// A number as a browser shows it, by what its website was told.
struct Showing {
  std::string visit;
  std::string browser;  ///< of the visitor; empty: one of its own
  pool::Number number;
  pool::Time from, until;  ///< the latest it was told; or when the page let it go
  std::size_t gateway = 0;
  bool durable = false;
  bool in_books = true;       ///< the store has never forgotten it
  bool out_of_order = false;  ///< its visit, or another of its browser, had it before
  bool apart = false;         ///< once lent from memory, by one of several gateways
  bool lost = false;          ///< the store forgot it, and who could have told it again died
  bool over_at(pool::Time now) const { return until <= now; }
};

/// The websites: what they asked for and were told. It is the truth that everything is held against.
class Site {
 public:
  /// What the README says that nobody can know.
  struct Unknowable {
    /// Of several gateways one that cannot reach the store lends from memory, also when another one has taken
    /// over: only what is durable is asked for.
    bool memory_apart = false;
    /// The store may come back empty or old, to a gateway that never had the numbers before.
    bool disks_lost = false;
  };

  Site(const pool::Clock& clock, pool::Duration hold, Unknowable unknowable)
      : clock_(clock), hold_(hold), unknowable_(unknowable) {}

  /// An answer to a lease or a renewal of the visit's: empty, or which promise it breaks.
  std::string hear(const std::string& visit, const std::string& browser, const pool::LeaseAnswer& answer,
                   std::size_t gateway);

  /// The page lets its number go.
  void let_go(const std::string& visit);

  using Remembered = std::function<bool(const Showing&)>;

  /// The store has gone back in time: these are its books now. What it lacks is lost when nobody alive
  /// remembers it.
  void books_went_back(const Books& books, const Remembered& is_remembered);

  /// A gateway died, which might have told the store what it lacks.
  void gateway_died(const Books& books, const Remembered& is_remembered);

  const Showing* shown(const std::string& visit) const;
  const std::vector<Showing>& showings() const { return showings_; }

  std::uint64_t heard() const { return heard_; }
  std::uint64_t lost() const { return lost_; }

 private:
  Showing* find(const std::string& visit);
  void forget_old();
  void lose(Showing& showing);
  std::string double_showing(const Showing& mine, pool::Time lent) const;

  const pool::Clock& clock_;
  const pool::Duration hold_;
  const Unknowable unknowable_;
  std::vector<Showing> showings_;                                            ///< not over, or in their hold
  std::map<std::pair<std::string, std::uint64_t>, pool::Time> first_shown_;  ///< by visit and number
  std::map<std::string, pool::Time> apart_until_;                            ///< by visit
  std::uint64_t heard_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace ringtrace::store_test
