#include "grpc/lease_stream.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "grpc/long_stream.h"
#include "pool/answer_round.h"

namespace ringtrace::rpc {
namespace {

v1::LeaseNumbersError to_message(const Error& error) {
  v1::LeaseNumbersError message;
  message.set_code(static_cast<int>(code_of(error.reason)));
  message.set_reason(std::string(to_string(error.reason)));
  message.set_message(error.message);
  message.mutable_metadata()->insert(error.metadata.begin(), error.metadata.end());
  if (error.retry_after) {
    *message.mutable_retry_delay() =
        google::protobuf::util::TimeUtil::MillisecondsToDuration(error.retry_after->count());
  }
  return message;
}

/// A message as it was read. Its asks are begun as there is room for them; those under way keep it.
struct Asked {
  bool is_one() const { return message.asks().empty(); }
  int count() const { return is_one() ? 1 : message.asks_size(); }
  std::uint64_t tag(int i) const { return is_one() ? message.tag() : message.asks(i).tag(); }
  const v1::LeaseNumberRequest& request(int i) const {
    return is_one() ? message.request() : message.asks(i).request();
  }

  // A message is hundreds of small objects, which go all at once.
  google::protobuf::Arena arena;
  v1::LeaseNumbersRequest& message = *google::protobuf::Arena::CreateMessage<v1::LeaseNumbersRequest>(&arena);
  std::vector<v1::LeaseNumberResponse> responses;  // of each ask
  Outcome refused;                                 // all of it
  int begun = 0;
};

/// What has been answered and not been sent.
struct Answer {
  bool alone = false;  ///< to be sent in a message of its own
  v1::LeaseNumbersResult result;
};

using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

/// One client's stream. The asks under way keep it alive until they are answered.
class LeaseStream final : public LongStream<Reactor> {
 public:
  LeaseStream(grpc::CallbackServerContext& context, LeaseCore& core, EventStreams& streams, Front& front)
      : LongStream(context, streams, front, Method::kLeaseNumbers), core_(core) {}

  void begin() {
    if (enter()) change([this] { admitted_ = true; });
  }

  void OnReadDone(bool ok) override {
    if (!ok) return end(std::nullopt);
    auto asked = std::make_shared<Asked>();
    if (Outcome refused = read_message(front_, read_, asked->message)) return end(std::move(refused));
    asked->responses.resize(static_cast<std::size_t>(asked->count()));
    if (asked->message.has_request() && !asked->is_one()) {
      asked->refused = field_malformed("asks", "given without request");
    }
    change([&] {
      reading_ = false;
      asked_ = std::move(asked);
    });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return give_up();
    change([this] {
      under_way_ -= writing_;
      writing_ = 0;
    });
  }

 private:
  bool may_end() const override { return under_way_ == 0 && !asked_; }

  bool act(std::unique_lock<std::mutex>& lock) override {
    if (writing_ == 0 && !gathering_ && !answers_.empty()) {
      take_answers();
      lock.unlock();
      write_message(response_, written_);
      StartWrite(&written_);
    } else if (asked_ && under_way_ < kMaxLeasesUnderWay) {
      const std::shared_ptr<Asked> asked = asked_;
      const int from = asked->begun;
      asked->begun = std::min(asked->count(), from + static_cast<int>(kMaxLeasesUnderWay - under_way_));
      under_way_ += static_cast<std::size_t>(asked->begun - from);
      if (asked->begun == asked->count()) asked_.reset();
      lock.unlock();
      begin_some(asked, from, asked->begun);
    } else if (admitted_ && !reading_ && !asked_ && !is_ending() && under_way_ < kMaxLeasesUnderWay) {
      reading_ = true;
      lock.unlock();
      StartRead(&read_);
    } else {
      return false;
    }
    return true;
  }

  /// With the mutex held: what is ready goes into the next message, but for answers that are to come alone.
  void take_answers() {
    response_.Clear();
    while (!answers_.empty() && writing_ < kMaxResultsOfMessage) {
      Answer& answer = answers_.front();
      if (answer.alone && writing_ > 0) break;
      ++writing_;
      const bool alone = answer.alone;
      if (alone) {
        response_.set_tag(answer.result.tag());
        if (answer.result.has_error()) response_.mutable_error()->Swap(answer.result.mutable_error());
        if (answer.result.has_lease()) response_.mutable_lease()->Swap(answer.result.mutable_lease());
      } else {
        response_.add_results()->Swap(&answer.result);
      }
      answers_.pop_front();
      if (alone) break;
    }
  }

  void begin_some(const std::shared_ptr<Asked>& asked, int from, int to) {
    const pool::AnswerRound round;  // of the answers that need not wait for anything
    Outcome refused = asked->refused;
    if (!refused && context_.deadline() < std::chrono::system_clock::now()) refused = deadline_passed();
    if (!refused) refused = ticket_->check_still_valid();
    for (int i = from; i < to; ++i) {
      const v1::LeaseNumberRequest& request = asked->request(i);
      Outcome own = refused;
      if (!own) own = restrict_request(*ticket_, request);
      if (own) {
        answer(*asked, i, own);
        continue;
      }
      const auto stream = std::static_pointer_cast<LeaseStream>(shared_from_this());
      core_.lease_number(request, asked->responses[static_cast<std::size_t>(i)],
                         [stream, asked, i](const Outcome& error) { stream->answer(*asked, i, error); });
    }
  }

  void answer(Asked& asked, int i, const Outcome& error) {
    Answer answer;
    answer.alone = asked.is_one();
    answer.result.set_tag(asked.tag(i));
    if (error) {
      *answer.result.mutable_error() = to_message(of_request(*error, asked.request(i).request_id()));
    } else {
      answer.result.mutable_lease()->Swap(asked.responses[static_cast<std::size_t>(i)].mutable_lease());
    }
    send(std::move(answer));
  }

  /// At once, or with all others of the round.
  void send(Answer answer) {
    if (!pool::AnswerRound::is_open()) {
      return change([&] { answers_.push_back(std::move(answer)); });
    }
    {
      const std::lock_guard lock(mutex_);
      answers_.push_back(std::move(answer));
      if (std::exchange(gathering_, true)) return;
    }
    pool::AnswerRound::at_end([stream = std::static_pointer_cast<LeaseStream>(shared_from_this())] {
      stream->change([&] { stream->gathering_ = false; });
    });
  }

  LeaseCore& core_;

  // The library's while an operation is under way.
  grpc::ByteBuffer read_;
  grpc::ByteBuffer written_;
  v1::LeaseNumbersResponse response_;  // what is being written

  // By mutex_.
  std::shared_ptr<Asked> asked_;  // read, and not all of it begun
  std::deque<Answer> answers_;
  bool gathering_ = false;     // answers, until the end of a round
  std::size_t under_way_ = 0;  // begun and not sent yet
  std::size_t writing_ = 0;    // answers of the write under way
  bool admitted_ = false;
  bool reading_ = false;
};

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* open_lease_stream(
    grpc::CallbackServerContext& context, LeaseCore& core, EventStreams& streams, Front& front) {
  const auto stream = std::make_shared<LeaseStream>(context, core, streams, front);
  stream->begin();
  return stream.get();
}

}  // namespace ringtrace::rpc
