#include "redis/claims.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <random>
#include <utility>

#include "redis/claim_grant.h"
#include "redis/keys.h"

namespace ringtrace::redis {
namespace {

// A refused claim is asked for again after so long at most.
constexpr std::chrono::milliseconds kAskAgain{1'000};
constexpr int kBeatsInLength = 3;

/// No two processes draw the same.
std::string draw_instance() {
  std::random_device random;
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%08x%08x", random(), random());
  return text.data();
}

std::string utc(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace

class Claims::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Connection& connection, ClaimOptions options, Log log)
      : connection_(connection),
        options_(std::move(options)),
        log_(std::move(log)),
        instance_(draw_instance()),
        alarm_(connection.make_alarm()) {
    for (const std::string& name : options_.pools) {
      Pool pool;
      pool.known.pool = name;
      for (const ClaimMemory& memory : options_.memories) {
        if (memory.pool == name) pool.known = memory;
      }
      pools_.push_back(std::move(pool));
    }
  }

  void start() {
    connection_.on_state([weak = weak_from_this()](bool ready, const std::string&) {
      const auto self = weak.lock();
      if (!self || self->over()) return;
      self->alarm_->cancel();
      for (Pool& pool : self->pools_) pool.fresh = false;
      if (ready) self->ask();
    });
  }

  void stop() {
    stopped_ = true;
    alarm_->cancel();
  }

  State state() const { return state_.load(); }

  std::string owner() const {
    const std::lock_guard lock(mutex_);
    return owner_;
  }

  std::string_view token(const std::string& name) {
    const Pool* const pool = find(name);
    // On a fresh connection the claim comes first: what is written before it would be counted in place of
    // what this Redis has forgotten.
    return pool == nullptr || !pool->fresh || state() == State::kLost ? std::string_view() : pool->token;
  }

  void written(const std::string& name, std::uint64_t writes) {
    if (Pool* const pool = find(name)) pool->known.writes = std::max(pool->known.writes, writes);
  }

  void fenced(const std::string& pool, const std::string& name, std::int64_t since) {
    if (!over()) refuse(State::kLost, pool, name, since);
  }

  void unclaimed(const std::string& name) {
    Pool* const pool = find(name);
    if (pool == nullptr || pool->asking || over()) return;
    pool->fresh = false;
    claim(*pool, {});
  }

  std::vector<ClaimMemory> memories() const {
    std::vector<ClaimMemory> all;
    for (const Pool& pool : pools_) all.push_back(pool.known);
    return all;
  }

  void give_up() {
    for (Pool& pool : pools_) {
      if (pool.token.empty()) continue;
      give_up(pool.known.pool, pool.token);
      pool.token.clear();
    }
    stop();
  }

  std::vector<std::function<void(const Claim&)>> claimed_listeners;
  std::vector<std::function<void()>> state_listeners;

 private:
  struct Pool {
    ClaimMemory known;
    std::string token;
    bool asking = false;
    bool asked_before = false;
    bool fresh = false;  ///< claimed on this connection
  };

  bool over() const { return stopped_ || state() == State::kLost; }

  Pool* find(const std::string& name) {
    const auto found =
        std::find_if(pools_.begin(), pools_.end(), [&](const Pool& pool) { return pool.known.pool == name; });
    return found == pools_.end() ? nullptr : &*found;
  }

  /// Asks for every pool; then again, or extends the claims, after a while.
  void ask() {
    for (Pool& pool : pools_) claim(pool, {});
    wait(std::min(kAskAgain, options_.length / kBeatsInLength));
  }

  void wait(std::chrono::milliseconds time) {
    alarm_->set(time, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->over() || !self->connection_.ready()) return;
      const bool all =
          std::all_of(self->pools_.begin(), self->pools_.end(), [](const Pool& pool) { return pool.fresh; });
      if (self->state() != State::kOurs || !all) return self->ask();
      for (Pool& pool : self->pools_) self->extend(pool);
      self->wait(self->options_.length / kBeatsInLength);
    });
  }

  void extend(Pool& pool) {
    const std::string length = std::to_string(options_.length.count());
    execute(
        Command({"FCALL", "ringtrace_v1_keep_claim", "1", owner_key(pool.known.pool), pool.token, length}),
        [&pool](Impl& self, const Reply& reply) {
          const std::vector<Reply>& parts = reply.elements;
          if (parts[0].is("FENCED") && parts.size() == 3) {
            self.fenced(pool.known.pool, parts[1].text, static_cast<std::int64_t>(number_of(parts[2])));
          } else if (parts[0].is("UNCLAIMED")) {
            self.unclaimed(pool.known.pool);
          }
        });
  }

  /// One attempt: this connection's id and what its server promises, then the claim. `gone` is the token of
  /// an owner known to be dead.
  void claim(Pool& pool, const std::string& gone) {
    if (pool.asking) return;
    pool.asking = true;
    const std::string key = owner_key(pool.known.pool);
    const auto kept = std::make_shared<bool>(false);  // whether its own death costs it nothing
    connection_.execute(
        Command({"CONFIG", "GET", "appendonly", "appendfsync", "no-appendfsync-on-rewrite"}).routed_by(key),
        [kept](const Answer& answer) { *kept = keeps_all(answer.reply); });
    connection_.execute(Command({"CLIENT", "ID"}).routed_by(key),
                        [weak = weak_from_this(), kept, gone, &pool](const Answer& answer) {
                          const auto self = weak.lock();
                          if (!self) return;
                          if (answer.outcome != Outcome::kReplied || self->over()) {
                            pool.asking = false;
                            return;
                          }
                          self->send_claim(pool, *kept, number_of(answer.reply), gone);
                        });
  }

  void give_up(const std::string& pool, const std::string& token) {
    connection_.execute(Command({"FCALL", "ringtrace_v1_keep_claim", "1", owner_key(pool), token, "0"}),
                        [](const Answer&) {});
  }

  void send_claim(Pool& pool, bool kept, std::uint64_t client, const std::string& gone) {
    execute(
        Command({"FCALL", "ringtrace_v1_claim", "1", owner_key(pool.known.pool), instance_, options_.name,
                 std::to_string(options_.length.count()), std::to_string(pool.known.counter),
                 std::to_string(client), gone}),
        [&pool, kept](Impl& self, const Reply& reply) {
          pool.asking = false;
          const std::vector<Reply>& parts = reply.elements;
          if (parts[0].is("CLAIMED") && parts.size() == 9) {
            self.granted(pool, Granted(parts), kept);
          } else if (parts[0].is("OWNED") && parts.size() == 7) {
            self.owned(pool, parts);
          }
        },
        [&pool] { pool.asking = false; });
  }

  void granted(Pool& pool, const Granted& grant, bool kept) {
    if (was_anothers(pool, grant)) return hand_back(pool, grant);
    Claim claim;
    claim.again = !pool.token.empty();
    // Books that went back may have forgotten another's claim, too.
    claim.others_since = number_of(grant.token_before) != pool.known.counter;
    judge_loss(claim, pool.known, grant, kept && !options_.fails_over);
    pool.token = grant.token;
    pool.known.counter = number_of(grant.token);
    pool.known.writes = grant.writes;
    claim.memory = pool.known;
    if (!claim.again || claim.loss != Loss::kNone) {
      say(claim.loss == Loss::kNone ? LogLevel::kInfo : LogLevel::kWarning,
          "event=pool_claimed pool=" + pool.known.pool + " token=" + grant.token +
              (claim.loss == Loss::kNone ? "" : " loss=\"" + claim.reason + "\""));
    }
    for (const auto& listener : claimed_listeners) listener(claim);
    const bool was_fresh = std::exchange(pool.fresh, true);
    const bool all = std::all_of(pools_.begin(), pools_.end(), [](const Pool& each) { return each.fresh; });
    if (all && (!was_fresh || state() != State::kOurs)) change(State::kOurs, {});
  }

  /// Another gateway had the pool since this process did, and gave it up or let it run out.
  bool was_anothers(const Pool& pool, const Granted& grant) const {
    return !pool.token.empty() && number_of(grant.token_before) >= pool.known.counter &&
           !grant.token_before.ends_with('-' + instance_);
  }

  /// What this process has in memory is out of date: the pool is for the next one, which reads it anew.
  void hand_back(Pool& pool, const Granted& grant) {
    pool.known.counter = number_of(grant.token);
    give_up(pool.known.pool, grant.token);
    change(State::kLost, "pool " + pool.known.pool + " was leased by another gateway meanwhile");
  }

  void owned(Pool& pool, const std::vector<Reply>& parts) {
    const std::string token = parts[1].text;
    const std::string name = parts[2].text;
    const auto since = static_cast<std::int64_t>(number_of(parts[3]));
    // Below what we have had: the books are old ones, brought back.
    if (number_of(token) < pool.known.counter) return claim(pool, token);
    if (!pool.token.empty()) return refuse(State::kLost, pool.known.pool, name, since);
    const bool first = !std::exchange(pool.asked_before, true);
    if (!first || name != options_.name) return refuse(State::kTheirs, pool.known.pool, name, since);
    // An earlier process of this gateway? Then its connection is gone, with it or with that run of Redis.
    execute(Command({"INFO", "server"}).routed_by(owner_key(pool.known.pool)),
            [&pool, name, since, token, run_id = parts[6].text, client = parts[5].text](Impl& self,
                                                                                        const Reply& info) {
              if (info.text.find("run_id:" + run_id) == std::string::npos) return self.claim(pool, token);
              self.execute(Command({"CLIENT", "LIST", "ID", client}).routed_by(owner_key(pool.known.pool)),
                           [&pool, name, since, token](Impl& again, const Reply& list) {
                             if (list.text.empty()) return again.claim(pool, token);
                             again.refuse(State::kTheirs, pool.known.pool, name, since);
                           });
            });
  }

  void refuse(State state, const std::string& pool, const std::string& name, std::int64_t since) {
    change(state, "pool " + pool + " is leased by " + name + " since " + utc(since));
  }

  void change(State to, std::string owner) {
    {
      const std::lock_guard lock(mutex_);
      if (to != State::kOurs && state_.load() == to && owner_ == owner) return;
      owner_ = owner;
      state_.store(to);
    }
    if (!owner.empty()) {
      say(to == State::kLost ? LogLevel::kError : LogLevel::kWarning,
          std::string(to == State::kLost ? "event=pool_lost" : "event=pool_refused") + " reason=\"" + owner +
              "\"");
    }
    for (const auto& listener : state_listeners) listener();
  }

  /// `take` gets an array of one element at least, or a text; `failed` is called when there is neither.
  template <typename Take>
  void execute(Command command, Take take, std::function<void()> failed = {}) {
    connection_.execute(std::move(command), [weak = weak_from_this(), take, failed](const Answer& answer) {
      const auto self = weak.lock();
      if (!self) return;
      const Reply& reply = answer.reply;
      const bool usable = answer.outcome == Outcome::kReplied && !reply.is_error() &&
                          (!reply.is_array() || !reply.elements.empty());
      if (usable && !self->over()) return take(*self, reply);
      if (answer.outcome == Outcome::kReplied && reply.is_error()) {
        self->say(LogLevel::kError, "event=claim_failed reason=\"" + reply.text + "\"");
      }
      if (failed) failed();
    });
  }

  void say(LogLevel level, const std::string& line) {
    if (log_) log_(level, line);
  }

  // Constant after the connection's start.
  Connection& connection_;
  const ClaimOptions options_;
  const Log log_;
  const std::string instance_;

  // Own synchronization.
  std::atomic<State> state_{State::kAsking};
  mutable std::mutex mutex_;
  std::string owner_;  // by mutex_

  // The io thread only. Their number is constant, so that pointers to them stay good.
  std::vector<Pool> pools_;
  bool stopped_ = false;
  const std::unique_ptr<Alarm> alarm_;
};

Claims::Claims(Connection& connection, ClaimOptions options, Log log)
    : impl_(std::make_shared<Impl>(connection, std::move(options), std::move(log))) {
  impl_->start();
}

Claims::~Claims() { impl_->stop(); }

void Claims::on_claimed(std::function<void(const Claim&)> listener) {
  impl_->claimed_listeners.push_back(std::move(listener));
}
void Claims::on_state(std::function<void()> listener) {
  impl_->state_listeners.push_back(std::move(listener));
}
Claims::State Claims::state() const { return impl_->state(); }
std::string Claims::owner() const { return impl_->owner(); }
std::string_view Claims::token(const std::string& pool) const { return impl_->token(pool); }
void Claims::written(const std::string& pool, std::uint64_t writes) { impl_->written(pool, writes); }
void Claims::fenced(const std::string& pool, const std::string& name, std::int64_t since_ms) {
  impl_->fenced(pool, name, since_ms);
}
void Claims::unclaimed(const std::string& pool) { impl_->unclaimed(pool); }
std::vector<ClaimMemory> Claims::memories() const { return impl_->memories(); }
void Claims::give_up() { impl_->give_up(); }

}  // namespace ringtrace::redis
