#include "tests/store/site.h"

#include <algorithm>
#include <utility>

namespace ringtrace::store_test {
namespace {

bool has(const Books& books, const Showing& showing) {
  const auto found = books.leases.find(std::to_string(showing.number.digits()));
  if (found == books.leases.end() || found->second.visit != showing.visit) return false;
  return found->second.end >= showing.until.time_since_epoch().count();
}

std::string describe(const Showing& showing) {
  return showing.visit + " shows " + showing.number.to_string() + " until " +
         std::to_string(showing.until.time_since_epoch().count()) + (showing.durable ? " durable" : "") +
         (showing.lost ? " lost" : "") + ", told by gateway " + std::to_string(showing.gateway);
}

}  // namespace

const Showing* Site::shown(const std::string& visit) const {
  for (const Showing& showing : showings_) {
    if (showing.visit == visit && !showing.over_at(clock_.now())) return &showing;
  }
  return nullptr;
}

Showing* Site::find(const std::string& visit) {
  return const_cast<Showing*>(static_cast<const Site*>(this)->shown(visit));
}

void Site::forget_old() {
  const pool::Time now = clock_.now();
  std::erase_if(showings_, [&](const Showing& showing) { return showing.until + hold_ <= now; });
}

std::string Site::hear(const std::string& visit, const std::string& browser, const pool::LeaseAnswer& answer,
                       std::size_t gateway) {
  const pool::Time now = clock_.now();
  if (answer.status != pool::LeaseStatus::kLeased || !answer.lease.live || answer.lease.expire <= now)
    return {};
  ++heard_;
  forget_old();
  const std::string& owner = browser.empty() ? visit : browser;
  const bool again = !first_shown_.emplace(std::pair(visit, answer.number.digits()), now).second;
  const bool known = !first_shown_.emplace(std::pair(owner, answer.number.digits()), now).second;
  Showing told{visit, browser, answer.number, now, answer.lease.expire, gateway, answer.lease.durable};
  // What a gateway lends apart it remembers as long, and may tell the visit again when it has the pools.
  pool::Time& apart_until = apart_until_[visit];
  if (unknowable_.memory_apart && !told.durable) apart_until = std::max(apart_until, told.until);
  told.apart = apart_until > now;
  told.out_of_order = again || (known && !browser.empty());
  Showing* before = find(visit);
  std::string broken;
  if (before != nullptr && before->number != told.number) {
    // Another number than the one it shows. Only when all who knew that one are gone.
    const bool excused =
        before->lost || (before->apart || told.apart) || (before->gateway != gateway && !before->in_books);
    if (!excused) broken = "kept word: " + describe(*before) + ", and is told now: ";
    told.apart = told.apart || before->apart;
    before->until = now;
    before = nullptr;
  }
  if (before != nullptr) {
    told.from = before->from;
    // What was lent apart from the store is no part of its word.
    if (!before->apart || !told.durable) told.until = std::max(told.until, before->until);
    told.out_of_order = before->out_of_order;
    told.apart = told.apart || before->apart;
    *before = told;
  } else {
    showings_.push_back(told);
  }
  if (!broken.empty()) return broken + describe(told);
  return double_showing(told, answer.idle ? answer.lease.start : now);
}

std::string Site::double_showing(const Showing& mine, pool::Time lent) const {
  for (const Showing& other : showings_) {
    if (other.visit == mine.visit || other.number != mine.number) continue;
    // The same browser may have a number back in its hold.
    const bool same_browser = !mine.browser.empty() && mine.browser == other.browser;
    if (other.until + (same_browser ? pool::Duration(0) : hold_) <= lent) continue;
    if (other.apart || mine.apart) continue;
    // A number that was lent out of order may stand anywhere in the order once that is forgotten.
    if (other.lost && other.out_of_order) continue;
    if (unknowable_.disks_lost && !other.in_books && other.gateway != mine.gateway) continue;
    // Books that went back in time give a visit back what it had then: whether it shows that still, or
    // another one does since, nobody can tell.
    const auto first = first_shown_.find({mine.visit, mine.number.digits()});
    if (!other.in_books && first != first_shown_.end() && first->second < other.from) continue;
    return "one holder: " + describe(other) + ", and now " + describe(mine);
  }
  return {};
}

void Site::let_go(const std::string& visit) {
  if (Showing* const showing = find(visit)) showing->until = clock_.now();
}

void Site::books_went_back(const Books& books, const Remembered& is_remembered) {
  for (Showing& showing : showings_) {
    if (showing.over_at(clock_.now()) || !showing.durable || has(books, showing)) continue;
    showing.in_books = false;
    if (!is_remembered(showing)) lose(showing);
  }
}

void Site::gateway_died(const Books& books, const Remembered& is_remembered) {
  for (Showing& showing : showings_) {
    if (showing.in_books || showing.over_at(clock_.now())) continue;
    showing.in_books = has(books, showing);
    if (!showing.in_books && !is_remembered(showing)) lose(showing);
  }
}

void Site::lose(Showing& showing) {
  if (!std::exchange(showing.lost, true)) ++lost_;
}

}  // namespace ringtrace::store_test
