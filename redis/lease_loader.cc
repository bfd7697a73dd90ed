#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include "redis/keys.h"
#include "redis/lease_store.h"
#include "redis/lease_text.h"

namespace ringtrace::redis {
namespace {

// Members of the set of blocks asked for at a time.
constexpr std::string_view kPageOfBlocks = "512";
// Leases asked for at a time: Redis is busy with them for a fraction of a millisecond.
constexpr std::string_view kPage = "1000";
// Blocks under way, each with a page or two asked for and not answered yet: enough to keep Redis busy while
// one is parsed, and at most some megabytes of replies.
constexpr std::size_t kWindow = 8;

/// One pass over a pool's lease blocks: a page of their set, then its blocks, some under way at a time, then
/// the next page of the set.
class Loader : public std::enable_shared_from_this<Loader> {
 public:
  Loader(Connection& connection, std::string pool, RedisLeaseStore::Batch batch,
         RedisLeaseStore::Loaded loaded)
      : connection_(connection),
        pool_(std::move(pool)),
        batch_(std::move(batch)),
        loaded_(std::move(loaded)) {}

  void scan(const std::string& cursor) {
    execute(Command({"SSCAN", blocks_key(pool_), cursor, "COUNT", kPageOfBlocks}),
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
  using Leases = std::vector<LoadedLease>;

  /// A block that is being read.
  struct Block {
    std::uint64_t id = 0;
    std::string leases;  ///< the keys
    std::string attributes;
    bool has_attributes = true;
    bool scanned = false;
    std::size_t waiting = 0;  ///< pages whose attributes are asked for
  };
  using BlockPtr = std::shared_ptr<Block>;

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
    const char* const end = member.data() + member.size();
    const auto [stop, problem] = std::from_chars(member.data(), end, block);
    if (problem != std::errc{} || stop != end) return;
    // SSCAN may name a member twice.
    if (seen_.insert(block).second) blocks_.push_back(block);
  }

  void read_on() {
    while (!finished_ && !blocks_.empty() && under_way_ < kWindow) {
      const std::uint64_t id = blocks_.back();
      blocks_.pop_back();
      read_block(id);
    }
    if (finished_ || under_way_ > 0) return;
    if (cursor_ == "0") return finish(pool::StoreStatus::kDone, {});
    scan(cursor_);
  }

  void read_block(std::uint64_t id) {
    ++under_way_;
    const auto block = std::make_shared<Block>();
    block->id = id;
    block->leases = lease_key_of_block(pool_, id);
    block->attributes = attributes_key_of_block(pool_, id);
    // Answered before the first page.
    execute(Command({"EXISTS", block->attributes}), [block](Loader&, const Reply& reply) {
      block->has_attributes = reply.as_integer().value_or(0) != 0;
    });
    read_page(block, "0");
  }

  void read_page(const BlockPtr& block, const std::string& cursor) {
    execute(Command({"HSCAN", block->leases, cursor, "COUNT", kPage}),
            [block](Loader& self, const Reply& reply) {
              if (reply.elements.size() != 2) {
                return self.finish(pool::StoreStatus::kRefused, "not an answer to HSCAN");
              }
              // Redis goes on with the next page while this one is parsed.
              const std::string& next = reply.elements[0].text;
              block->scanned = next == "0";
              if (!block->scanned) self.read_page(block, next);
              self.take_page(block, reply.elements[1].elements);
            });
  }

  void take_page(const BlockPtr& block, const std::vector<Reply>& pairs) {
    Leases leases;
    leases.reserve(pairs.size() / 2);
    for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
      const auto number = number_at(block->id, pairs[i].text);
      auto lease = number ? parse_lease(*number, pairs[i + 1].text) : std::nullopt;
      if (lease) {
        leases.push_back(std::move(*lease));
      } else {
        ++result_.unreadable;
      }
    }
    if (leases.empty() || !block->has_attributes) return give(block, std::move(leases));
    ask_attributes(block, std::move(leases));
  }

  void ask_attributes(const BlockPtr& block, Leases leases) {
    ++block->waiting;
    Arguments arguments;
    arguments.add("HMGET");
    arguments.add(block->attributes);
    for (const LoadedLease& lease : leases) arguments.add(field_of(lease.number));
    execute(Command(arguments, block->attributes),
            [block, kept = std::make_shared<Leases>(std::move(leases))](Loader& self, const Reply& reply) {
              const std::size_t count = std::min(kept->size(), reply.elements.size());
              for (std::size_t i = 0; i < count; ++i) {
                const Reply& json = reply.elements[i];
                if (!json.is_nil()) (*kept)[i].attributes = attributes_from_json(json.text);
              }
              --block->waiting;
              self.give(block, std::move(*kept));
            });
  }

  void give(const BlockPtr& block, Leases leases) {
    result_.leases += leases.size();
    if (!leases.empty()) batch_(std::move(leases));
    if (finished_ || !block->scanned || block->waiting > 0) return;
    --under_way_;
    read_on();
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
  std::vector<std::uint64_t> blocks_;
  std::size_t under_way_ = 0;
  LoadResult result_;
  bool finished_ = false;
};

}  // namespace

void RedisLeaseStore::load(const std::string& pool, Batch batch, Loaded loaded) {
  std::make_shared<Loader>(connection_, pool, std::move(batch), std::move(loaded))->scan("0");
}

}  // namespace ringtrace::redis
