// More calls than SIPp can make: the caller of bench/sip/uac.xml and the line of bench/sip/uas.xml in one
// thread that reads and sends many messages with one system call, for the load in which SIPp itself would be
// the limit.
//
// Open loop: a call begins when it is due, whatever became of those before it. What has no answer is sent
// again as RFC 3261 says (timers A, E, G), so that a proxy that is late has more to do, not less.

#include <poll.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "bench/batched_socket.h"
#include "bench/flood_messages.h"

namespace ringtrace::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTalk{300};
constexpr std::chrono::milliseconds kT1{500};
constexpr std::chrono::milliseconds kT2{4000};
constexpr std::size_t kMostRepeats = 7;

struct Plan {
  std::uint16_t proxy = 0;
  std::uint16_t line = 0;
  std::string number;
  double rate = 1000;
  double seconds = 4;
};

class Flood {
 public:
  explicit Flood(Plan plan)
      : plan_(std::move(plan)),
        caller_(0),
        line_(plan_.line),
        messages_(plan_.number, {caller_.port(), line_.port(), plan_.proxy}) {}

  void run() {
    began_ = Clock::now();
    const auto load = seconds(plan_.seconds);
    const Clock::time_point over = began_ + load + kAfter;
    std::uint64_t at_first_second = 0;
    std::uint64_t at_end = 0;
    bool first_second_over = false;
    bool load_over = false;
    for (Clock::time_point now = began_; now < over && !(load_over && open_ == 0); now = Clock::now()) {
      if (!first_second_over && now - began_ >= std::chrono::seconds(1)) {
        first_second_over = true;
        at_first_second = completed_;
        first_second_ = now;
      }
      if (!load_over && now - began_ >= load) {
        load_over = true;
        at_end = completed_;
        load_over_ = now;
      }
      begin_calls(now);
      repeat(now);
      hang_up(now);
      bool busy = caller_.receive([&](std::string_view text, std::uint16_t) { answer_to_caller(text); });
      busy = line_.receive([&](std::string_view text, std::uint16_t from) { request_to_line(text, from); }) ||
             busy;
      caller_.flush();
      line_.flush();
      if (!busy) wait();
    }
    const std::chrono::duration<double> measured = load_over_ - first_second_;
    report(static_cast<double>(at_end - at_first_second) / measured.count());
  }

 private:
  enum class State : std::uint8_t { kNone, kInvited, kTalking, kLeaving, kOver };
  enum class What : std::uint8_t { kInvite, kBye, kAnswer };

  struct Call {
    State state = State::kNone;
    bool proceeding = false;  ///< some answer has come
    bool line_acknowledged = false;
    bool completed = false;  ///< the line has heard its end
    std::string bye;         ///< ready to be sent
    std::string answer;      ///< the line's 200, until its ACK
    std::uint16_t answer_to = 0;
  };
  struct Due {
    Clock::time_point at;
    std::uint64_t index;
    What what;
  };

  // How long calls may take to end once the load is over.
  static constexpr std::chrono::seconds kAfter{8};

  static Clock::duration seconds(double count) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(count));
  }

  void begin_calls(Clock::time_point now) {
    const auto due = static_cast<std::uint64_t>(
        std::min(std::chrono::duration<double>(now - began_).count(), plan_.seconds) * plan_.rate);
    // A few at a time, so that what comes back is served in between.
    for (std::size_t i = 0; i < BatchedSocket::kBatch && calls_.size() < due; ++i) {
      const std::uint64_t index = calls_.size();
      const auto intended = began_ + seconds(static_cast<double>(index) / plan_.rate);
      latest_ = std::max(latest_, now - intended);
      calls_.emplace_back().state = State::kInvited;
      ++open_;
      caller_.send(messages_.invite(index), plan_.proxy);
      repeats_[0].push_back({now + kT1, index, What::kInvite});
    }
  }

  /// Who has had his talk hangs up.
  void hang_up(Clock::time_point now) {
    for (; !talks_.empty() && talks_.front().at <= now; talks_.pop_front()) {
      Call& call = calls_[talks_.front().index];
      if (call.state != State::kTalking) continue;
      call.state = State::kLeaving;
      caller_.send(call.bye, plan_.proxy);
      repeats_[0].push_back({now + kT1, talks_.front().index, What::kBye});
    }
  }

  void repeat(Clock::time_point now) {
    for (std::size_t step = 0; step < repeats_.size(); ++step) {
      auto& queue = repeats_[step];
      for (; !queue.empty() && queue.front().at <= now; queue.pop_front()) {
        const Due due = queue.front();
        if (!send_again(due)) continue;
        ++retransmissions_;
        const auto next = std::min<Clock::duration>(kT1 * (2 << step), kT2);
        if (step + 1 < repeats_.size()) repeats_[step + 1].push_back({now + next, due.index, due.what});
      }
    }
  }

  /// False when nobody waits any more.
  bool send_again(const Due& due) {
    const Call& call = calls_[due.index];
    switch (due.what) {
      case What::kInvite:
        if (call.state != State::kInvited || call.proceeding) return false;
        caller_.send(messages_.invite(due.index), plan_.proxy);
        return true;
      case What::kBye:
        if (call.state != State::kLeaving) return false;
        caller_.send(call.bye, plan_.proxy);
        return true;
      case What::kAnswer:
        if (call.line_acknowledged) return false;
        line_.send(call.answer, call.answer_to);
        return true;
    }
    return false;
  }

  void answer_to_caller(std::string_view text) {
    const int status = FloodMessages::status_of(text);
    Call* const call = call_of(text);
    if (call == nullptr || status == 0) return;
    if (!FloodMessages::is_to_invite(text)) {
      if (call->state == State::kLeaving && status >= 200) end(*call);
      return;
    }
    call->proceeding = true;
    if (status < 200) return;
    if (status >= 300) {
      caller_.send(messages_.acknowledgement(text), plan_.proxy);
      if (call->state != State::kInvited) return;
      ++(status == 503 ? refused_ : failed_);
      end(*call);
    } else {
      caller_.send(messages_.in_dialog(text, "ACK", 1), plan_.proxy);
      if (call->state != State::kInvited) return;
      call->state = State::kTalking;
      call->bye = messages_.in_dialog(text, "BYE", 2);
      talks_.push_back({Clock::now() + kTalk, FloodMessages::index_of(text), What::kBye});
    }
  }

  void request_to_line(std::string_view text, std::uint16_t from) {
    Call* const call = call_of(text);
    if (call == nullptr) return;
    if (text.starts_with("ACK ")) {
      call->line_acknowledged = true;
      std::string().swap(call->answer);
    } else if (text.starts_with("INVITE ")) {
      line_.send(messages_.ringing(text), from);
      const bool is_new = call->answer.empty() && !call->line_acknowledged;
      call->answer = messages_.answer(text);
      call->answer_to = from;
      line_.send(call->answer, from);
      if (is_new) repeats_[0].push_back({Clock::now() + kT1, FloodMessages::index_of(text), What::kAnswer});
    } else if (text.starts_with("BYE ")) {
      line_.send(messages_.goodbye(text), from);
      call->line_acknowledged = true;
      if (!std::exchange(call->completed, true)) ++completed_;
    }
  }

  void end(Call& call) {
    call.state = State::kOver;
    std::string().swap(call.bye);
    --open_;
  }

  Call* call_of(std::string_view text) {
    const std::uint64_t index = FloodMessages::index_of(text);
    return index < calls_.size() ? &calls_[index] : nullptr;
  }

  /// Until something comes, or the next call is due.
  void wait() const {
    std::array<pollfd, 2> sockets{pollfd{caller_.descriptor(), POLLIN, 0},
                                  pollfd{line_.descriptor(), POLLIN, 0}};
    const timespec patience{0, 200'000};
    ppoll(sockets.data(), sockets.size(), &patience, nullptr);
  }

  void report(double goodput) const {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto in_seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    std::printf(
        "{\"offered\": %zu, \"completed\": %llu, \"refused\": %llu, \"failed\": %llu, \"open\": %llu, "
        "\"retransmissions\": %llu, \"goodput\": %.1f, \"latest_ms\": %.1f, \"cpu_seconds\": %.2f}\n",
        calls_.size(), static_cast<unsigned long long>(completed_), static_cast<unsigned long long>(refused_),
        static_cast<unsigned long long>(failed_), static_cast<unsigned long long>(open_),
        static_cast<unsigned long long>(retransmissions_), goodput,
        std::chrono::duration<double, std::milli>(latest_).count(),
        in_seconds(used.ru_utime) + in_seconds(used.ru_stime));
  }

  const Plan plan_;
  BatchedSocket caller_;
  BatchedSocket line_;
  const FloodMessages messages_;
  std::deque<Call> calls_;
  std::deque<Due> talks_;
  std::array<std::deque<Due>, kMostRepeats> repeats_;
  Clock::time_point began_, first_second_, load_over_;
  Clock::duration latest_{};  ///< how late a call began at most
  std::uint64_t open_ = 0, completed_ = 0, refused_ = 0, failed_ = 0, retransmissions_ = 0;
};

}  // namespace
}  // namespace ringtrace::bench

int main(int argc, char** argv) {
  ringtrace::bench::Plan plan;
  CLI::App app{
      "Calls through a SIP proxy at 127.0.0.1, begun at a rate whatever becomes of them; a line of JSON "
      "tells "
      "what became."};
  app.add_option("--proxy", plan.proxy, "the proxy's UDP port")->required();
  app.add_option("--line", plan.line, "the UDP port at which the proxy reaches its line")->required();
  app.add_option("--number", plan.number, "the number that is dialed")->required();
  app.add_option("--rate", plan.rate, "calls begun a second")->check(CLI::Range(1.0, 1e6));
  app.add_option("--seconds", plan.seconds, "how long; goodput is counted from the first second's end on")
      ->check(CLI::Range(2.0, 3600.0));
  CLI11_PARSE(app, argc, argv);
  ringtrace::bench::Flood(plan).run();
  return 0;
}
