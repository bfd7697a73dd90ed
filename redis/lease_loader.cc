#include <charconv>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "redis/keys.h"
#include "redis/lease_store.h"
#include "redis/lease_text.h"

namespace ringtrace::redis {
namespace {

// Members of the set of blocks asked for at a time.
constexpr std::string_view kPage = "512";
// Blocks asked for and not answered yet: enough to keep Redis busy while one is parsed, and at most some
// megabytes of replies.
constexpr std::size_t kWindow = 32;

/// One pass over a pool's lease blocks: a page of their set, then its blocks, some under way at a time, then
/// the next page.
class Loader : public std::enable_shared_from_this<Loader> {
 public:
  Loader(Connection& connection, std::string pool, RedisLeaseStore::Batch batch,
         RedisLeaseStore::Loaded loaded)
      : connection_(connection),
        pool_(std::move(pool)),
        batch_(std::move(batch)),
        loaded_(std::move(loaded)) {}

  void scan(const std::string& cursor) {
    execute(Command({"SSCAN", blocks_key(pool_), cursor, "COUNT", kPage}),
            [](Loader& self, const Reply& reply) {
              if (reply.elements.size() != 2) {
                return self.finish(pool::StoreStatus::kRefused, "not an answer to SSCAN");
              }
              self.cursor_ = reply.elements[0].text;
              for (const Reply& member : reply.elements[1].elements) self.note_block(member.text);
              self.read_on();
            });
  }

 private:
  using Take = std::function<void(Loader&, const Reply&)>;
  using Attributes = std::unordered_map<std::string, std::string>;

  void execute(Command command, Take take) {
    connection_.execute(std::move(command),
                        [self = shared_from_this(), take = std::move(take)](Answer answer) {
                          if (self->finished_) return;
                          if (answer.outcome != Outcome::kReplied) {
                            return self->finish(pool::StoreStatus::kUnavailable, std::move(answer.detail));
                          }
                          if (answer.reply.is_error()) {
                            return self->finish(pool::StoreStatus::kRefused, std::move(answer.reply.text));
                          }
                          take(*self, answer.reply);
                        });
  }

  void note_block(const std::string& member) {
    std::uint64_t block = 0;
    std::from_chars(member.data(), member.data() + member.size(), block);
    // SSCAN may name a member twice.
    if (seen_.insert(block).second) blocks_.push_back(member);
  }

  void read_on() {
    while (!finished_ && !blocks_.empty() && under_way_ < kWindow) {
      const std::string block = std::move(blocks_.back());
      blocks_.pop_back();
      read_block(block);
    }
    if (finished_ || under_way_ > 0) return;
    if (cursor_ == "0") return finish(pool::StoreStatus::kDone, {});
    scan(cursor_);
  }

  void read_block(const std::string& block) {
    ++under_way_;
    // The attributes come first, so that the leases find them.
    const auto attributes = std::make_shared<Attributes>();
    execute(Command({"HGETALL", attributes_key_of_block(pool_, block)}),
            [attributes](Loader&, const Reply& reply) {
              for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
                attributes->emplace(reply.elements[i].text, reply.elements[i + 1].text);
              }
            });
    execute(Command({"HGETALL", lease_key_of_block(pool_, block)}),
            [attributes](Loader& self, const Reply& reply) {
              self.take_block(reply, *attributes);
              --self.under_way_;
              self.read_on();
            });
  }

  void take_block(const Reply& reply, const Attributes& attributes) {
    std::vector<LoadedLease> leases;
    leases.reserve(reply.elements.size() / 2);
    for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
      const std::string& digits = reply.elements[i].text;
      std::optional<LoadedLease> lease = parse_lease(digits, reply.elements[i + 1].text);
      if (!lease) {
        ++result_.unreadable;
        continue;
      }
      const auto found = attributes.find(digits);
      if (found != attributes.end()) lease->attributes = attributes_from_json(found->second);
      leases.push_back(std::move(*lease));
    }
    result_.leases += leases.size();
    if (!leases.empty()) batch_(std::move(leases));
  }

  void finish(pool::StoreStatus status, std::string detail) {
    finished_ = true;
    result_.status = status;
    result_.detail = std::move(detail);
    loaded_(result_);
  }

  Connection& connection_;
  const std::string pool_;
  const RedisLeaseStore::Batch batch_;
  const RedisLeaseStore::Loaded loaded_;
  std::string cursor_;
  std::unordered_set<std::uint64_t> seen_;
  std::vector<std::string> blocks_;
  std::size_t under_way_ = 0;
  LoadResult result_;
  bool finished_ = false;
};

}  // namespace

void RedisLeaseStore::load(const std::string& pool, Batch batch, Loaded loaded) {
  std::make_shared<Loader>(connection_, pool, std::move(batch), std::move(loaded))->scan("0");
}

}  // namespace ringtrace::redis
