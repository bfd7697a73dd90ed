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

/// Keys looked at with each SCAN. A page is parsed within one turn of the loop, which others wait for.
constexpr std::string_view kPage = "200";

/// One pass over a pool's lease blocks: a page of SCAN, then the page's blocks all at once, then the next.
class Loader : public std::enable_shared_from_this<Loader> {
 public:
  Loader(Connection& connection, std::string pattern, RedisLeaseStore::Batch batch,
         RedisLeaseStore::Loaded loaded)
      : connection_(connection),
        pattern_(std::move(pattern)),
        batch_(std::move(batch)),
        loaded_(std::move(loaded)) {}

  void scan(const std::string& cursor) {
    execute(Command({"SCAN", cursor, "MATCH", pattern_, "COUNT", kPage}),
            [](Loader& self, const Reply& reply) {
              if (reply.elements.size() != 2)
                return self.finish(pool::StoreStatus::kRefused, "not an answer to SCAN");
              self.cursor_ = reply.elements[0].text;
              for (const Reply& key : reply.elements[1].elements) self.read_block(key.text);
              if (self.waiting_ == 0) self.page_done();
            });
  }

 private:
  using Take = std::function<void(Loader&, const Reply&)>;

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

  void read_block(const std::string& key) {
    // SCAN may name a key twice.
    if (!seen_.insert(key).second) return;
    ++waiting_;
    // The attributes come first, so that the leases find them.
    const auto attributes = std::make_shared<std::unordered_map<std::string, std::string>>();
    execute(Command({"HGETALL", attributes_key_beside(key)}), [attributes](Loader&, const Reply& reply) {
      for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
        attributes->emplace(reply.elements[i].text, reply.elements[i + 1].text);
      }
    });
    execute(Command({"HGETALL", key}), [attributes](Loader& self, const Reply& reply) {
      for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
        self.take_lease(reply.elements[i].text, reply.elements[i + 1].text, *attributes);
      }
      if (--self.waiting_ == 0) self.page_done();
    });
  }

  void take_lease(const std::string& digits, const std::string& text,
                  const std::unordered_map<std::string, std::string>& attributes) {
    std::optional<LoadedLease> lease = parse_lease(digits, text);
    if (!lease) {
      ++result_.unreadable;
      return;
    }
    const auto found = attributes.find(digits);
    if (found != attributes.end()) lease->attributes = attributes_from_json(found->second);
    ++result_.leases;
    leases_.push_back(std::move(*lease));
  }

  void page_done() {
    if (!leases_.empty()) batch_(std::exchange(leases_, {}));
    if (cursor_ == "0") return finish(pool::StoreStatus::kDone, {});
    scan(cursor_);
  }

  void finish(pool::StoreStatus status, std::string detail) {
    finished_ = true;
    result_.status = status;
    result_.detail = std::move(detail);
    loaded_(result_);
  }

  Connection& connection_;
  const std::string pattern_;
  const RedisLeaseStore::Batch batch_;
  const RedisLeaseStore::Loaded loaded_;
  std::string cursor_;
  std::unordered_set<std::string> seen_;
  std::size_t waiting_ = 0;
  std::vector<LoadedLease> leases_;
  LoadResult result_;
  bool finished_ = false;
};

}  // namespace

void RedisLeaseStore::load(const std::string& pool, Batch batch, Loaded loaded) {
  std::make_shared<Loader>(connection_, lease_key_pattern(pool), std::move(batch), std::move(loaded))
      ->scan("0");
}

}  // namespace ringtrace::redis
