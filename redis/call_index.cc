#include "redis/call_index.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "proto/attribution_update.h"
#include "proto/from_pool.h"
#include "redis/call_event_text.h"
#include "redis/call_persons.h"
#include "redis/functions.h"
#include "redis/keys.h"
#include "redis/lease_text.h"

namespace ringtrace::redis {
namespace {

// Calls one function call gives at most; each brings its events' JSON.
constexpr std::size_t kMost = 100;

std::string_view outcome_word(v1::CallOutcome outcome) {
  switch (outcome) {
    case v1::CALL_OUTCOME_ANSWERED:
      return "answered";
    case v1::CALL_OUTCOME_BUSY:
      return "busy";
    case v1::CALL_OUTCOME_NO_ANSWER:
      return "no_answer";
    case v1::CALL_OUTCOME_CANCELLED:
      return "cancelled";
    case v1::CALL_OUTCOME_FAILED:
      return "failed";
    case v1::CALL_OUTCOME_UNKNOWN_END:
      return "unknown_end";
    default:
      return "-";
  }
}

/// The set that has all calls asked for and the fewest others.
std::string narrowest_set(const CallSearch& search) {
  if (!search.dialed_number.empty()) return calls_key("number", escape_word(search.dialed_number));
  if (!search.source.empty()) return calls_key("source", escape_word(search.source));
  if (!search.pool.empty()) return calls_key("pool", escape_word(search.pool));
  return std::string(kCallsKey);
}

/// The event of that text with what is personal of it; none when it is gone.
std::optional<v1::CallEvent> event_of(const Reply& text, const Persons& persons) {
  if (text.text.empty()) return std::nullopt;
  auto event = event_from_json(text.text);
  if (event) put_persons(persons, *event);
  return event;
}

/// The call by the newest event of its own and the newest update of its attribution, of which one may be
/// gone.
std::optional<v1::Call> call_of(const Reply& latest, const Reply& update, const Reply& personal) {
  const Persons persons = persons_from(personal);
  const auto own = event_of(latest, persons);
  const auto updated = event_of(update, persons);
  if (!own) return updated ? std::optional(updated->call()) : std::nullopt;
  return updated ? with_newest_resolution(own->call(), *updated) : own->call();
}

}  // namespace

std::string call_index_text(const CallIndexWords& call) {
  return to_text(std::max(call.start, pool::Time())) + " " + std::string(outcome_word(call.outcome)) + " " +
         escape_word(pool_name_of(call.pool)) + " " + escape_word(call.dialed_number) + " " +
         escape_word(call.source);
}

struct RedisCallIndex::Progress {
  CallSearch search;
  SearchDone done;
  CallsFound found;
  int steps = 0;
};

void RedisCallIndex::search(CallSearch search, SearchDone done) {
  const auto progress = std::make_shared<Progress>();
  progress->search = std::move(search);
  progress->done = std::move(done);
  step(connection_, progress);
}

void RedisCallIndex::step(Connection& connection, const std::shared_ptr<Progress>& progress) {
  const CallSearch& search = progress->search;
  // Sorted sets take "(" for "without this one".
  std::string newest = search.until ? "(" + to_text(*search.until) : "+inf";
  if (search.after && (!search.until || search.after->start < *search.until)) {
    newest = to_text(search.after->start);
  }
  const std::string limit = std::to_string(std::min(kMost, search.max - progress->found.calls.size()));
  Command command(
      {"FCALL_RO", "ringtrace_v2_list_calls", "2", narrowest_set(search), kEventsKey, newest,
       search.from ? to_text(*search.from) : "-inf", search.after ? to_text(search.after->start) : "",
       search.after ? search.after->call_id : "", search.pool.empty() ? "" : escape_word(search.pool),
       search.dialed_number.empty() ? "" : escape_word(search.dialed_number),
       search.source.empty() ? "" : escape_word(search.source),
       search.outcome == v1::CALL_OUTCOME_UNSPECIFIED ? "" : outcome_word(search.outcome), limit,
       std::to_string(kLook)});
  connection.execute(std::move(command), [&connection, progress](const Answer& answer) {
    const std::vector<Reply>& parts = answer.reply.elements;
    if (answer.outcome != Outcome::kReplied || !answer.reply.is_array() || parts.size() < 2) {
      heed_missing_functions(connection, answer);
      return progress->done({});
    }
    CallsFound& found = progress->found;
    found.available = true;
    for (std::size_t i = 2; i + 2 < parts.size(); i += 3) {
      if (auto call = call_of(parts[i], parts[i + 1], parts[i + 2])) found.calls.push_back(std::move(*call));
    }
    const auto start = parts[0].as_integer();
    if (!start) {
      found.next.reset();
      return progress->done(std::move(found));
    }
    found.next = CallPlace{pool::Time{pool::Duration(*start)}, parts[1].text};
    if (found.calls.size() >= progress->search.max || ++progress->steps == kMaxSteps) {
      return progress->done(std::move(found));
    }
    progress->search.after = found.next;
    step(connection, progress);
  });
}

void RedisCallIndex::find(const std::string& call_id, FindDone done) {
  connection_.execute(
      Command({"FCALL_RO", "ringtrace_v2_find_call", "2", call_key(call_id), kEventsKey, call_id}),
      [&connection = connection_, done = std::move(done)](const Answer& answer) {
        if (answer.outcome != Outcome::kReplied || !answer.reply.is_array()) {
          heed_missing_functions(connection, answer);
          return done(false, std::nullopt);
        }
        const std::vector<Reply>& parts = answer.reply.elements;
        done(true, parts.size() == 3 ? call_of(parts[0], parts[1], parts[2]) : std::nullopt);
      });
}

}  // namespace ringtrace::redis
