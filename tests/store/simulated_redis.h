#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pool/time.h"
#include "tests/store/faults.h"
#include "tests/store/redis_model.h"
#include "tests/store/virtual_time.h"

namespace ringtrace::store_test {

/// A way to the store as its end sees it: what was sent over it is carried out in order, while it is open.
struct Link {
  Link(std::int64_t id, std::string run_id) : client(id), run(std::move(run_id)) {}

  std::int64_t client;
  std::string run;                         ///< of the Redis it leads to
  bool open = true;                        ///< at the gateway's end
  bool ended = false;                      ///< by Redis; nothing more comes out of it
  std::size_t unread = 0;                  ///< requests on their way
  pool::Time last_arrival = pool::kNever;  ///< of a request, and of a reply: none overtakes another
  pool::Time last_reply = pool::kNever;
};

/// One line of a history: what was asked of the store, what it said, and what befell it.
struct Entry {
  enum class Kind : std::uint8_t { kCommand, kSynced, kCrash, kEmptied };
  Kind kind = Kind::kCommand;
  std::vector<std::string> command;
  redis::Reply reply;
  bool claim_over = false;  ///< a claim that was asked for when the one before had run out
};

/// The store of a simulation: a master with what its disk has of it, and a replica somewhat behind.
class SimulatedRedis {
 public:
  struct Options {
    bool syncs_each_write = true;  ///< appendfsync always; else everysec
    bool has_replica = false;
    bool fences = true;
    bool denies_losses = false;  ///< a wrong store: it never says that it restarted
    bool counts_writes = true;   ///< false, a wrong store: it goes on counting as if it had lost nothing
  };

  SimulatedRedis(VirtualTime& time, Dice& dice, FaultCounts& faults, Options options);

  /// A new way to it; none while it is down or stalled.
  std::shared_ptr<Link> connect();
  /// CLIENT KILL of an older one.
  void end(Link& link) { link.ended = true; }

  /// None when nothing came of it: the server is down, is another one by now, or ended the link.
  std::optional<redis::Reply> execute(const Link& link, const std::vector<std::string>& command);

  bool is_up() const { return up_; }
  pool::Time stalled_until() const { return stalled_until_; }

  void stall(pool::Duration time);
  void refuse_writes(bool refuses) { full_ = refuses; }
  bool refuses_writes() const { return full_; }

  /// kill -9, and what was not synced is gone; it comes back by `start`.
  void crash();
  void start() { up_ = true; }
  /// The replica takes over as it is.
  void fail_over();
  /// The disk is gone with the server.
  void crash_empty();
  /// The disk is one of some time ago.
  void crash_to_old_books();

  const Books& books() const { return master_.books; }
  const Options& options() const { return options_; }

  /// Called whenever the books have gone back in time.
  std::function<void()> lost;

  /// Told of each function call and its answer, when set.
  std::function<void(const std::string&)> tell;

  /// When set, everything is written down.
  std::vector<Entry>* history = nullptr;

 private:
  redis::Reply wait_for_replica(std::int64_t wanted);
  void sync();
  void replicate();
  void keep_old_books();
  void come_back_as(const Books& books);

  VirtualTime& time_;
  Dice& dice_;
  FaultCounts& faults_;
  const Options options_;
  RedisModel master_;
  Books synced_;
  Books replica_;
  std::deque<Books> old_;
  bool up_ = true;
  bool full_ = false;
  bool replica_follows_ = true;
  pool::Time stalled_until_{};
  std::map<std::int64_t, std::shared_ptr<Link>> links_;
  std::uint64_t runs_ = 1;
};

}  // namespace ringtrace::store_test
