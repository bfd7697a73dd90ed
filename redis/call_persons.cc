#include "redis/call_persons.h"

#include <algorithm>

#include "proto/json_reader.h"
#include "proto/json_text.h"

namespace ringtrace::redis {
namespace {

constexpr char kTab = '\t';

/// Calls with each visit the event names.
template <typename Do>
void for_each_visit(v1::CallEvent& event, const Do& apply) {
  const auto visit_of = [&](v1::Resolution& resolution) {
    if (resolution.has_visit()) apply(*resolution.mutable_visit());
  };
  if (event.call().has_resolution()) visit_of(*event.mutable_call()->mutable_resolution());
  if (event.attribution_updated().has_previous_resolution()) {
    visit_of(*event.mutable_attribution_updated()->mutable_previous_resolution());
  }
}

}  // namespace

Persons take_persons(v1::CallEvent& event) {
  Persons persons;
  persons.caller.swap(*event.mutable_call()->mutable_caller());
  persons.forwarded_from.swap(*event.mutable_call()->mutable_forwarded_from());
  for_each_visit(event, [&](v1::Visit& visit) {
    if (visit.visitor_id().empty() && !visit.has_attributes()) return;
    v1::Visit told;
    told.set_visit_id(visit.visit_id());
    visit.Swap(&told);
    std::string id;
    id.swap(*told.mutable_visit_id());
    const bool is_known = std::any_of(persons.visits.begin(), persons.visits.end(),
                                      [&](const auto& known) { return known.first == id; });
    if (!is_known) persons.visits.emplace_back(std::move(id), to_json(told));
  });
  return persons;
}

void put_persons(const Persons& persons, v1::CallEvent& event) {
  v1::Call& call = *event.mutable_call();
  if (call.caller().empty()) call.set_caller(persons.caller);
  if (call.forwarded_from().empty()) call.set_forwarded_from(persons.forwarded_from);
  for_each_visit(event, [&](v1::Visit& visit) {
    if (!visit.visitor_id().empty() || visit.has_attributes()) return;
    for (const auto& [id, json] : persons.visits) {
      if (id != visit.visit_id()) continue;
      v1::Visit told;
      if (!from_json(json, told)) return;
      told.set_visit_id(id);
      visit.Swap(&told);
      return;
    }
  });
}

std::string numbers_text(const Persons& persons) {
  return persons.forwarded_from.empty() ? persons.caller : persons.caller + kTab + persons.forwarded_from;
}

Persons persons_from(const Reply& reply) {
  Persons persons;
  if (reply.elements.empty()) return persons;
  const std::string& numbers = reply.elements[0].text;
  const std::size_t tab = std::min(numbers.find(kTab), numbers.size());
  persons.caller = numbers.substr(0, tab);
  persons.forwarded_from = numbers.substr(std::min(tab + 1, numbers.size()));
  for (std::size_t i = 1; i + 1 < reply.elements.size(); i += 2) {
    persons.visits.emplace_back(reply.elements[i].text, reply.elements[i + 1].text);
  }
  return persons;
}

}  // namespace ringtrace::redis
