// More calls than SIPp can make: the caller of bench/sip/uac.xml and the line of bench/sip/uas.xml in one
// thread that reads and sends many messages with one system call, for the load in which SIPp itself would be
// the limit.
//
// Open loop: a call begins when it is due, whatever became of those before it. What has no answer is sent
// again as RFC 3261 says (timers A, E, G), so that a proxy that is late has more to do, not less.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringtrace::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTalk{300};
constexpr std::chrono::milliseconds kT1{500};
constexpr std::chrono::milliseconds kT2{4000};
constexpr std::size_t kMostRepeats = 7;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kMaxMessage = 4096;
constexpr int kSocketBuffer = 8 << 20;

struct Plan {
  std::uint16_t proxy = 0;
  std::uint16_t line = 0;
  std::string number;
  double rate = 1000;
  double seconds = 4;
};

/// A UDP socket at a port of 127.0.0.1 whose messages leave together.
class Socket {
 public:
  /// Port 0 takes any.
  explicit Socket(std::uint16_t port) : descriptor_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE})
      setsockopt(descriptor_, SOL_SOCKET, option, &kSocketBuffer, sizeof kSocketBuffer);
    sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    if (bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size) != 0) {
      std::perror("sip_flood: bind");
      std::exit(1);
    }
    getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Socket() { close(descriptor_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return descriptor_; }
  std::uint16_t port() const { return port_; }

  void send(std::string text, std::uint16_t to) {
    if (waiting_ == kBatch) flush();
    out_[waiting_] = std::move(text);
    to_[waiting_] = loopback(to);
    ++waiting_;
  }

  void flush() {
    std::array<iovec, kBatch> parts{};
    std::array<mmsghdr, kBatch> headers{};
    for (std::size_t i = 0; i < waiting_; ++i) {
      parts[i] = {out_[i].data(), out_[i].size()};
      headers[i].msg_hdr = {&to_[i], sizeof to_[i], &parts[i], 1, nullptr, 0, 0};
    }
    for (std::size_t sent = 0; sent < waiting_;) {
      const int count = sendmmsg(descriptor_, &headers[sent], static_cast<unsigned>(waiting_ - sent), 0);
      if (count <= 0) break;  // lost, as UDP may
      sent += static_cast<std::size_t>(count);
    }
    waiting_ = 0;
  }

  /// Hands on what has come, a batch; false when there was nothing.
  template <typename Take>
  bool receive(const Take& take) {
    std::array<iovec, kBatch> parts{};
    std::array<mmsghdr, kBatch> headers{};
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {&in_[i * kMaxMessage], kMaxMessage};
      headers[i].msg_hdr = {&from_[i], sizeof from_[i], &parts[i], 1, nullptr, 0, 0};
    }
    const int count = recvmmsg(descriptor_, headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      take(std::string_view(&in_[at * kMaxMessage], headers[at].msg_len), ntohs(from_[at].sin_port));
    }
    return count > 0;
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int descriptor_;
  std::uint16_t port_ = 0;
  std::array<std::string, kBatch> out_;
  std::array<sockaddr_in, kBatch> to_{};
  std::array<sockaddr_in, kBatch> from_{};
  std::size_t waiting_ = 0;
  std::vector<char> in_ = std::vector<char>(kBatch * kMaxMessage);
};

/// The values of a message's rows of one name, in order; the name is written as RFC 3261 writes it.
template <typename Take>
void for_each_value(std::string_view message, std::string_view name, const Take& take) {
  for (std::size_t at = message.find("\r\n"); at + 4 < message.size(); at = message.find("\r\n", at + 2)) {
    const std::string_view row = message.substr(at + 2);
    if (row.starts_with("\r\n")) return;
    if (!row.starts_with(name) || row.size() <= name.size() || row[name.size()] != ':') continue;
    std::string_view value = row.substr(name.size() + 1, row.find("\r\n") - name.size() - 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    take(value);
  }
}

std::string_view value_of(std::string_view message, std::string_view name) {
  std::string_view found;
  for_each_value(message, name, [&found](std::string_view value) { found = found.empty() ? value : found; });
  return found;
}

int status_of(std::string_view message) {
  int status = 0;
  if (message.starts_with("SIP/2.0 "))
    std::from_chars(message.data() + 8, message.data() + message.size(), status);
  return status;
}

class Flood {
 public:
  explicit Flood(Plan plan) : plan_(std::move(plan)), caller_(0), line_(plan_.line) {}

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
    for (std::size_t i = 0; i < kBatch && calls_.size() < due; ++i) {
      const std::uint64_t index = calls_.size();
      const auto intended = began_ + seconds(static_cast<double>(index) / plan_.rate);
      latest_ = std::max(latest_, now - intended);
      calls_.emplace_back().state = State::kInvited;
      ++open_;
      caller_.send(invite(index), plan_.proxy);
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
        caller_.send(invite(due.index), plan_.proxy);
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
    const int status = status_of(text);
    Call* const call = call_of(text);
    if (call == nullptr || status == 0) return;
    const bool to_invite = value_of(text, "CSeq").ends_with("INVITE");
    if (!to_invite) {
      if (call->state == State::kLeaving && status >= 200) end(*call);
      return;
    }
    call->proceeding = true;
    if (status < 200) return;
    if (status >= 300) {
      caller_.send(acknowledgement(text), plan_.proxy);
      if (call->state != State::kInvited) return;
      ++(status == 503 ? refused_ : failed_);
      end(*call);
    } else {
      caller_.send(in_dialog(text, "ACK", 1), plan_.proxy);
      if (call->state != State::kInvited) return;
      call->state = State::kTalking;
      call->bye = in_dialog(text, "BYE", 2);
      talks_.push_back({Clock::now() + kTalk, index_of(text), What::kBye});
    }
  }

  void request_to_line(std::string_view text, std::uint16_t from) {
    Call* const call = call_of(text);
    if (call == nullptr) return;
    if (text.starts_with("ACK ")) {
      call->line_acknowledged = true;
      std::string().swap(call->answer);
    } else if (text.starts_with("INVITE ")) {
      line_.send(response(text, "180 Ringing", ""), from);
      const bool is_new = call->answer.empty() && !call->line_acknowledged;
      call->answer = response(text, "200 OK", kLineSdp);
      call->answer_to = from;
      line_.send(call->answer, from);
      if (is_new) repeats_[0].push_back({Clock::now() + kT1, index_of(text), What::kAnswer});
    } else if (text.starts_with("BYE ")) {
      line_.send(response(text, "200 OK", ""), from);
      call->line_acknowledged = true;
      if (!std::exchange(call->completed, true)) ++completed_;
    }
  }

  void end(Call& call) {
    call.state = State::kOver;
    std::string().swap(call.bye);
    --open_;
  }

  static std::uint64_t index_of(std::string_view text) {
    const std::string_view id = value_of(text, "Call-ID");
    std::uint64_t index = ~std::uint64_t{0};
    if (id.starts_with(kCallId)) std::from_chars(id.data() + kCallId.size(), id.data() + id.size(), index);
    return index;
  }
  Call* call_of(std::string_view text) {
    const std::uint64_t index = index_of(text);
    return index < calls_.size() ? &calls_[index] : nullptr;
  }

  static constexpr std::string_view kCallId = "flood-";
  static constexpr const char* kLineSdp =
      "v=0\r\no=desk 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
      "m=audio 6000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";
  static constexpr const char* kCallerSdp =
      "v=0\r\no=caller 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
      "m=audio 6000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n";

  static std::string with_body(std::string head, std::string_view body) {
    if (!body.empty()) head += "Content-Type: application/sdp\r\n";
    head.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    return head;
  }
  std::string at_caller() const { return "127.0.0.1:" + std::to_string(caller_.port()); }
  std::string via(std::string_view branch) const {
    return "Via: SIP/2.0/UDP " + at_caller() + ";branch=z9hG4bK-flood-" + std::string(branch) + "\r\n";
  }
  std::string called() const { return "sip:" + plan_.number + "@127.0.0.1:" + std::to_string(plan_.proxy); }

  std::string invite(std::uint64_t index) const {
    const std::string name = std::to_string(index);
    return with_body("INVITE " + called() + " SIP/2.0\r\n" + via(name) + "From: <sip:+12025550190@" +
                         at_caller() + ">;tag=a" + name + "\r\nTo: <" + called() +
                         ">\r\nCall-ID: " + std::string(kCallId) + name +
                         "@127.0.0.1\r\nCSeq: 1 INVITE\r\nContact: <sip:caller@" + at_caller() +
                         ">\r\nMax-Forwards: 70\r\n",
                     kCallerSdp);
  }

  /// Of a refusal: it belongs to the INVITE's transaction.
  std::string acknowledgement(std::string_view refusal) const {
    return with_body("ACK " + called() + " SIP/2.0\r\n" + via(std::to_string(index_of(refusal))) +
                         dialog_rows(refusal) + "CSeq: 1 ACK\r\nMax-Forwards: 70\r\n",
                     "");
  }

  std::string in_dialog(std::string_view answer, std::string_view method, int cseq) const {
    std::string_view target = value_of(answer, "Contact");
    target = target.substr(std::min(target.find('<') + 1, target.size()));
    target = target.substr(0, target.find('>'));
    std::string routes;
    for_each_value(answer, "Record-Route", [&routes](std::string_view value) {
      routes = "Route: " + std::string(value) + "\r\n" + routes;
    });
    std::string head(method);
    head.append(" ").append(target).append(" SIP/2.0\r\n");
    head += via(std::to_string(index_of(answer)) + "-" + std::string(method));
    head.append(routes).append(dialog_rows(answer)).append("CSeq: ").append(std::to_string(cseq));
    head.append(" ").append(method).append("\r\nMax-Forwards: 70\r\n");
    return with_body(std::move(head), "");
  }

  static std::string dialog_rows(std::string_view message) {
    std::string rows;
    for (const char* const name : {"From", "To", "Call-ID"})
      rows.append(name).append(": ").append(value_of(message, name)).append("\r\n");
    return rows;
  }

  std::string response(std::string_view request, std::string_view status, std::string_view body) const {
    std::string head = "SIP/2.0 " + std::string(status) + "\r\n";
    for (const char* const name : {"Via", "Record-Route"})
      for_each_value(request, name, [&](std::string_view value) {
        head.append(name).append(": ").append(value).append("\r\n");
      });
    head.append("From: ")
        .append(value_of(request, "From"))
        .append("\r\nTo: ")
        .append(value_of(request, "To"));
    if (value_of(request, "To").find(";tag=") == std::string_view::npos)
      head.append(";tag=b").append(std::to_string(index_of(request)));
    head.append("\r\nCall-ID: ").append(value_of(request, "Call-ID")).append("\r\nCSeq: ");
    head.append(value_of(request, "CSeq")).append("\r\nContact: <sip:desk@127.0.0.1:");
    head.append(std::to_string(line_.port())).append(">\r\n");
    return with_body(std::move(head), body);
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
  Socket caller_;
  Socket line_;
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
