#include "redis/call_log_page.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "redis/call_event_text.h"
#include "redis/call_persons.h"

namespace ringtrace::redis {
namespace {

/// The events of the function's answer, each with what is personal of it.
std::vector<v1::CallEvent> events_of(const std::vector<Reply>& parts,
                                     std::atomic<std::uint64_t>& unreadable) {
  std::unordered_map<std::string, Persons> persons;
  for (std::size_t i = 2; i + 1 < parts.size(); i += 2) {
    persons.emplace(parts[i].text, persons_from(parts[i + 1]));
  }
  std::vector<v1::CallEvent> events;
  for (const Reply& entry : parts[1].elements) {
    auto event = event_from_entry(entry);
    if (!event) {
      ++unreadable;
      continue;
    }
    const auto known = persons.find(event->call().call_id());
    if (known != persons.end()) put_persons(known->second, *event);
    events.push_back(std::move(*event));
  }
  return events;
}

}  // namespace

CallLogPage page_of(const Answer& answer, const std::string& cursor, std::atomic<std::uint64_t>& unreadable) {
  CallLogPage page;
  const std::vector<Reply>& parts = answer.reply.elements;
  if (answer.outcome != Outcome::kReplied || parts.size() < 2) {
    page.detail = answer.reply.is_error() ? answer.reply.text : answer.detail;
    return page;
  }
  const auto after = Cursor::parse(cursor);
  const auto gone = Cursor::parse(parts[0].text);
  if (after && gone && *after < *gone) {
    page.status = CallLogPage::Status::kOutOfRange;
    page.next = parts[0].text;
    return page;
  }
  page.status = CallLogPage::Status::kDone;
  const std::vector<Reply>& entries = parts[1].elements;
  page.next = entries.empty() || entries.back().elements.empty() ? cursor : entries.back().elements[0].text;
  page.events = events_of(parts, unreadable);
  return page;
}

}  // namespace ringtrace::redis
