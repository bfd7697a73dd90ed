#include "redis/caller_erasure.h"

#include <ringtrace/v1/call.pb.h>

#include <memory>
#include <utility>

#include "redis/call_event_text.h"
#include "redis/functions.h"
#include "redis/keys.h"

namespace ringtrace::redis {
namespace {

/// One erasure on its way.
class Erasing : public std::enable_shared_from_this<Erasing> {
 public:
  Erasing(Connection& connection, std::string caller, const std::string& hash, bool rewrites,
          RedisCallerErasure::Done done)
      : connection_(connection),
        caller_(std::move(caller)),
        callers_key_(callers_key(hash)),
        erased_key_(erased_key(hash)),
        rewrites_(rewrites),
        done_(std::move(done)) {}

  void next_calls() {
    execute(Command({"FCALL", "ringtrace_v1_erase_caller", "3", callers_key_, erased_key_, kLogKey, kMost}),
            3, [](Erasing& self, const std::vector<Reply>& parts) {
              self.erased_.calls += static_cast<std::uint64_t>(parts[0].integer);
              if (parts[1].integer > 0) return self.next_calls();
              self.until_ = parts[2].text;
              self.until_.empty() ? self.rewrite() : self.next_events("-");
            });
  }

 private:
  static constexpr std::string_view kMost = "500";
  static_assert(RedisCallerErasure::kLook == 500);

  void next_events(const std::string& from) {
    execute(Command({"FCALL", "ringtrace_v1_erase_unindexed", "2", kEventsKey, kOpenCallsKey, caller_,
                     caller_in_json(caller_), from, until_, kMost}),
            2, [](Erasing& self, const std::vector<Reply>& parts) {
              self.erased_.calls += static_cast<std::uint64_t>(parts[0].integer);
              parts[1].text.empty() ? self.rewrite() : self.next_events("(" + parts[1].text);
            });
  }

  void rewrite() {
    erased_.done = true;
    if (!rewrites_) return done_(std::move(erased_));
    connection_.execute(Command({"BGREWRITEAOF"}).routed_by(kEventsKey),
                        [self = shared_from_this()](const Answer& answer) {
                          self->erased_.is_rewriting = answer.reply.kind == Reply::Kind::kStatus;
                          if (!self->erased_.is_rewriting) self->note(answer);
                          self->done_(std::move(self->erased_));
                        });
  }

  template <typename Take>
  void execute(Command command, std::size_t parts, Take take) {
    connection_.execute(std::move(command), [self = shared_from_this(), parts, take](const Answer& answer) {
      if (answer.outcome == Outcome::kReplied && answer.reply.elements.size() == parts) {
        return take(*self, answer.reply.elements);
      }
      self->note(answer);
      heed_missing_functions(self->connection_, answer);
      self->done_(std::move(self->erased_));
    });
  }

  void note(const Answer& answer) {
    erased_.detail = answer.reply.is_error() ? answer.reply.text : answer.detail;
  }

  Connection& connection_;
  const std::string caller_;
  const std::string callers_key_;
  const std::string erased_key_;
  const bool rewrites_;
  const RedisCallerErasure::Done done_;
  std::string until_;
  CallerErased erased_;
};

}  // namespace

void RedisCallerErasure::erase(std::string caller, bool rewrites, Done done) {
  const std::string hash = key_.hash(caller);
  std::make_shared<Erasing>(connection_, std::move(caller), hash, rewrites, std::move(done))->next_calls();
}

}  // namespace ringtrace::redis
