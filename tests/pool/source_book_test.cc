#include "pool/source_book.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/pool/deterministic_atomic.h"
#include "tests/pool/park_points.h"

namespace ringtrace::pool::testing {
namespace {

using Book = SourceBook<>;
const SipKey kKey{11, 22};

TEST_CASE("a label has one id in each pool, and the id the label, of every length") {
  Book book(kKey, 2);
  std::set<std::uint16_t> ids;
  for (std::size_t size = 1; size <= 64; ++size) {
    for (const std::uint32_t pool : {0U, 1U}) {
      const std::string label(size, static_cast<char>('a' + size % 26));
      const std::uint16_t id = book.intern(pool, label);
      CHECK(id > 2);
      CHECK(ids.insert(id).second);
      CHECK(book.intern(pool, label) == id);
      CHECK(book.label(id).view() == label);
    }
  }
  CHECK(book.intern(0, std::string(64, 'x')) == book.intern(0, std::string(65, 'x')));
  CHECK(book.intern(0, std::string("a\0b", 3)) != book.intern(0, std::string("a\0c", 3)));
  CHECK(book.intern(0, std::string("a\0", 2)) != book.intern(0, "a"));
  CHECK(book.intern(1, "") == 0);
  CHECK(book.label(0).empty());
  CHECK(book.label(60'000).empty());
}

TEST_CASE("two labels of one hash are told apart by their text") {
  Book book(kKey, 1);
  const std::string first = "google/cpc/brand";
  // placing_hash after one word of a text of 16 bytes, for who knows the key.
  const auto after = [](std::uint64_t word) {
    constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15ULL;
    const auto product = static_cast<unsigned __int128>(kKey.k0 ^ (16 * kOdd) ^ word) *
                         static_cast<std::uint64_t>(kKey.k1 | 1);
    return (static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64)) + kOdd;
  };
  std::string second = "yandex/c        ";
  store_word(load_word(first.data() + 8) ^ after(load_word(first.data())) ^ after(load_word(second.data())),
             second.data() + 8);
  REQUIRE(placing_hash(kKey, first) == placing_hash(kKey, second));
  const std::uint16_t id = book.intern(0, first);
  CHECK(book.intern(0, second) != id);
  CHECK(book.label(book.intern(0, second)).view() == second);
  CHECK(book.intern(0, first) == id);
}

TEST_CASE("labels beyond the last id are their pool's other, and known ones stay themselves") {
  Book book(kKey, 2, 12);
  std::vector<std::uint16_t> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(book.intern(0, "source-" + std::to_string(i)));
  for (int i = 0; i < 10; ++i)
    CHECK(book.label(ids[static_cast<std::size_t>(i)]).view() == "source-" + std::to_string(i));
  for (int i = 10; i < 50; ++i) {
    CHECK(book.label(book.intern(0, "source-" + std::to_string(i))).view() == "(other)");
  }
  CHECK(book.intern(0, "source-10") == book.intern(0, "(other)"));
  CHECK(book.intern(1, "source-10") == book.intern(1, "(other)"));
  CHECK(book.intern(0, "(other)") != book.intern(1, "(other)"));
  for (int i = 0; i < 10; ++i)
    CHECK(book.intern(0, "source-" + std::to_string(i)) == ids[static_cast<std::size_t>(i)]);
}

TEST_CASE("all ids can be given, none twice, and nothing beyond") {
  Book book(kKey, 1);
  std::set<std::uint16_t> ids;
  std::size_t others = 0;
  for (int i = 0; i < 65'534; ++i) {
    const std::uint16_t id = book.intern(0, "https://example.org/" + std::to_string(i));
    if (id == 1)
      ++others;
    else
      ids.insert(id);
  }
  CHECK(others == 0);
  CHECK(ids.size() == 65'534);
  CHECK(book.intern(0, "one more") == 1);
  CHECK(book.label(65'535).view() == "https://example.org/65533");
}

TEST_CASE("counts are read by pool: the empty label, labels as they came, other last") {
  Book book(kKey, 2, 4);
  const auto show = [&](std::uint32_t pool, std::string_view label) {
    book.count(pool, book.intern(pool, label));
  };
  show(0, "ads");
  show(1, "mail");
  show(0, "does not fit");
  show(0, "ads");
  show(0, "");
  std::vector<ShownCount> out(10);
  REQUIRE(book.read(0, out) == 3);
  CHECK(out[0].source.empty());
  CHECK(out[0].shown == 1);
  CHECK(out[1].source.view() == "ads");
  CHECK(out[1].shown == 2);
  CHECK(out[2].source.view() == "(other)");
  CHECK(out[2].shown == 1);
  REQUIRE(book.read(1, out) == 1);
  CHECK(out[0].source.view() == "mail");
  CHECK(book.read(0, std::span(out).first(2)) == 2);
  CHECK(book.read(0, {}) == 0);
}

/// Interns the labels in turns, counts each, and notes ids that change or that do not say their label.
template <typename TestBook>
auto bring(TestBook& book, std::uint32_t pool, const std::vector<std::string>& labels, bool& exact,
           std::map<std::string, std::uint16_t>& known) {
  return [&book, pool, labels, &exact, &known] {
    for (const std::string& label : labels) {
      const std::uint16_t id = book.intern(pool, label);
      const Source text = book.label(id);
      if (text.view() != label && text.view() != "(other)") exact = false;
      book.count(pool, id);
      const auto [place, is_new] = known.try_emplace(std::to_string(pool) + label, id);
      if (!is_new && place->second != id) exact = false;
    }
  };
}

TEST_CASE("in no schedule has a label two ids, or an id another label, or a count is lost") {
  using TestBook = SourceBook<DeterministicAtomic>;
  std::uint64_t steps = 0, spent = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    TestBook book(kKey, 2, 20);
    bool exact = true;
    std::map<std::string, std::uint16_t> known;
    const std::vector<std::string> labels = {"google/cpc", "a", "yandex/organic/long", "google/cpc"};
    const auto reader = [&] {
      std::vector<ShownCount> out(8);
      for (int i = 0; i < 5; ++i) {
        const std::size_t count = book.read(0, out);
        for (const ShownCount& shown : std::span(out).first(count)) {
          if (std::find(labels.begin(), labels.end(), shown.source.view()) == labels.end()) exact = false;
        }
      }
    };
    Schedule schedule(seed);
    schedule.run({bring(book, 0, labels, exact, known), bring(book, 0, labels, exact, known),
                  bring(book, 1, labels, exact, known), reader});
    REQUIRE(exact);
    std::vector<ShownCount> out(8);
    REQUIRE(book.read(0, out) == 3);
    std::uint64_t sum = 0;
    for (const ShownCount& shown : std::span(out).first(3)) sum += shown.shown;
    REQUIRE(sum == 8);
    for (const auto& [label, id] : known) {
      REQUIRE(book.intern(label[0] == '0' ? 0 : 1, label.substr(1)) == id);
      if (id > 8) ++spent;
    }
    steps += schedule.steps();
  }
  CHECK(spent > 10);  // two threads did bring one label at once
  WARN("schedules run: 400, steps: " << steps << ", ids used up by two at once: " << spent);
}

TEST_CASE("a thread stopped at any access of the book stops nobody") {
  using TestBook = SourceBook<DeterministicAtomic>;
  const ParkPoints points = stop_at_each_access([&](Schedule& schedule) {
    TestBook book(kKey, 1, 20);
    bool exact = true;
    std::map<std::string, std::uint16_t> known;
    const std::vector<std::string> labels = {"google/cpc", "a", "google/cpc"};
    const auto body = bring(book, 0, labels, exact, known);
    schedule.run({body, body, body});
    REQUIRE(exact);
    REQUIRE(known.size() == 2);
  });
  WARN("park points run: " << points.stops);
  CHECK(points.stuck == 0);
  CHECK(points.stops > 15);
}

TEST_CASE("threads that bring the same labels at once agree on their ids") {
  Book book(kKey, 1, 2000);
  constexpr std::size_t kLabels = 500;
  std::vector<std::vector<std::uint16_t>> ids(3, std::vector<std::uint16_t>(kLabels));
  std::vector<std::thread> threads;
  for (auto& mine : ids) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        for (std::size_t i = 0; i < kLabels; ++i) {
          mine[i] = book.intern(0, "campaign/" + std::to_string(i));
          book.count(0, mine[i]);
        }
      }
    });
  }
  std::vector<ShownCount> out(kLabels + 10);
  for (int i = 0; i < 20; ++i) book.read(0, out);
  for (std::thread& thread : threads) thread.join();
  CHECK(ids[0] == ids[1]);
  CHECK(ids[0] == ids[2]);
  REQUIRE(book.read(0, out) == kLabels);
  for (std::size_t i = 0; i < kLabels; ++i) REQUIRE(out[i].shown == 60);
}

}  // namespace
}  // namespace ringtrace::pool::testing
