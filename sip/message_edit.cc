// The changes a proxy makes to a message (RFC 3261 section 16.6 and 16.7).

#include <algorithm>

#include "sip/message_content.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

// The Via with these parameters in place of what it had; the others stay, in their order. No rport where it
// is empty.
std::string stamped(std::string_view value, const std::string& received, const std::string& rport) {
  const std::size_t semicolon = std::min(value.find(';'), value.size());
  std::string text(value.substr(0, semicolon));
  std::string_view parameters = value.substr(std::min(semicolon + 1, value.size()));
  bool has_received = false;
  bool has_rport = false;
  while (!parameters.empty()) {
    const std::string_view parameter = take_parameter(parameters);
    const std::string_view name = parameter.substr(0, parameter.find('='));
    text += ';';
    if (equals_ignoring_case(name, "received")) {
      text += received;
      has_received = true;
    } else if (equals_ignoring_case(name, "rport")) {
      text += rport;
      has_rport = true;
    } else {
      text += parameter;
    }
  }
  if (!has_received) text.append(";").append(received);
  if (!has_rport && !rport.empty()) text.append(";").append(rport);
  return text;
}

}  // namespace

Message Message::clone() const {
  Message copy;
  if (!content_) return copy;
  copy.content_ = std::make_shared<Content>();
  Content& content = *copy.content_;
  content.origin = content_;
  content.start_line = content_->start_line;
  content.rows.reserve(content_->rows.size() + 8);
  content.rows = content_->rows;
  content.body = content_->body;
  content.is_request = content_->is_request;
  content.method_name = content_->method_name;
  content.request_uri = content_->request_uri;
  content.status = content_->status;
  content.defect = content_->defect;
  content.top_via = content_->top_via;
  content.from_tag = content_->from_tag;
  content.to_tag = content_->to_tag;
  return copy;
}

Hop Message::stamp_received(const Hop& source) {
  const std::size_t at = content_->index_of(Field::kVia);
  if (at == Content::kNowhere) return source;
  content_->part_first(at);
  const Row row = content_->rows[at];
  const Hop back = read_via(row.value).answers_at(source);
  const std::string rport = back == source ? "rport=" + std::to_string(source.endpoint.port) : std::string{};
  const std::string value = stamped(row.value, "received=" + source.endpoint.address.to_string(), rport);
  content_->rows[at] = content_->make_row(Field::kVia, row.name, value);
  content_->changed(Field::kVia);
  return back;
}

void Message::prepend_via(const std::string& value) {
  const std::size_t at = content_->index_of(Field::kVia);
  content_->insert(at == Content::kNowhere ? 0 : at, content_->make_row(Field::kVia, "Via", value));
}

void Message::pop_via() {
  const std::size_t at = content_->index_of(Field::kVia);
  if (at == Content::kNowhere) return;
  content_->part_first(at);
  content_->remove(at);
}

void Message::set_request_uri(const std::string& uri) {
  content_->start_line = content_->written.keep({content_->method_name, " ", uri, " SIP/2.0"});
  content_->request_uri = content_->start_line.substr(content_->method_name.size() + 1, uri.size());
  content_->changed(Field::kOther);
}

void Message::set_max_forwards(std::uint32_t count) {
  const Row row = content_->make_row(Field::kMaxForwards, "Max-Forwards", std::to_string(count));
  const std::size_t at = content_->index_of(Field::kMaxForwards);
  if (at == Content::kNowhere) {
    content_->insert(content_->last_index_of(Field::kVia) + 1, row);
  } else {
    content_->rows[at] = row;
    content_->changed(Field::kMaxForwards);
  }
}

void Message::prepend_record_route(const std::string& uri) {
  const std::size_t at = content_->index_of(Field::kRecordRoute);
  content_->insert(at == Content::kNowhere ? content_->last_index_of(Field::kVia) + 1 : at,
                   content_->make_row(Field::kRecordRoute, "Record-Route", "<" + uri + ">"));
}

void Message::pop_route() {
  const std::size_t at = content_->index_of(Field::kRoute);
  if (at == Content::kNowhere) return;
  content_->part_first(at);
  content_->remove(at);
}

void Message::restore_request_uri() {
  const std::size_t at = content_->last_index_of(Field::kRoute);
  if (at == Content::kNowhere) return;
  content_->part_last(at);
  const std::size_t last = content_->last_index_of(Field::kRoute);
  set_request_uri(std::string(read_address(content_->rows[last].value).uri));
  content_->remove(last);
}

void Message::remove_extension_headers(std::string_view prefix) {
  const std::size_t removed = std::erase_if(content_->rows, [prefix](const Row& row) {
    return row.field == Field::kOther && starts_with_ignoring_case(row.name, prefix);
  });
  if (removed > 0) content_->changed(Field::kOther);
}

void Message::remove_extension_header(std::string_view name) {
  const std::size_t removed = std::erase_if(content_->rows, [name](const Row& row) {
    return row.field == Field::kOther && equals_ignoring_case(row.name, name);
  });
  if (removed > 0) content_->changed(Field::kOther);
}

void Message::add_extension_header(const std::string& name, const std::string& value) {
  content_->insert(content_->rows.size(), content_->make_row(Field::kOther, name, value));
}

bool Message::prepare() {
  if (!content_) return false;
  if (!content_->wire.empty()) return true;
  if (content_->start_line.empty()) return false;
  if (content_->index_of(Field::kContentLength) == Content::kNowhere) {
    const Row row =
        content_->make_row(Field::kContentLength, "Content-Length", std::to_string(content_->body.size()));
    content_->insert(content_->rows.size(), row);
  }
  content_->wire = content_->write();
  return true;
}

}  // namespace ringtrace::sip
