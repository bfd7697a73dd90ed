#include "gateway/trunks_page.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

namespace ringtrace::gateway {
namespace {

using google::protobuf::Struct;

void set(Struct& object, const char* key, const std::string& text) {
  (*object.mutable_fields())[key].set_string_value(text);
}

void set(Struct& object, const char* key, std::uint64_t number) {
  (*object.mutable_fields())[key].set_number_value(static_cast<double>(number));
}

Struct object_of(const sip::TrunkReport& trunk) {
  Struct object;
  set(object, "trunk", trunk.name);
  set(object, "state", trunk.registers ? std::string(registration_state_name(trunk.state)) : "addresses");
  if (!trunk.registers) return object;
  set(object, "registrar", trunk.registrar);
  set(object, "last_status", static_cast<std::uint64_t>(trunk.last_status));
  set(object, "expires_seconds", static_cast<std::uint64_t>(trunk.expires_in.count()));
  set(object, "refreshes", trunk.refreshes);
  set(object, "failures", trunk.failures);
  return object;
}

Struct object_of(const sip::LineReport& line) {
  Struct object;
  set(object, "group", line.group);
  set(object, "line", line.line);
  set(object, "place", line.place);
  (*object.mutable_fields())["up"].set_bool_value(line.up);
  return object;
}

template <typename Report>
void add_list(Struct& page, const char* key, const std::vector<Report>& reports) {
  auto* list = (*page.mutable_fields())[key].mutable_list_value();
  for (const Report& report : reports) *list->add_values()->mutable_struct_value() = object_of(report);
}

}  // namespace

std::string trunks_page(const sip::PeerReport& report) {
  Struct page;
  add_list(page, "trunks", report.trunks);
  add_list(page, "lines", report.lines);
  std::string text;
  // A message made of texts and numbers can always be written.
  static_cast<void>(google::protobuf::util::MessageToJsonString(page, &text));
  return text + "\n";
}

}  // namespace ringtrace::gateway
