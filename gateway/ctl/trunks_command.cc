#include "gateway/ctl/trunks_command.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <boost/asio/ip/tcp.hpp>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>

#include "gateway/ctl/complaint.h"
#include "gateway/ctl/text.h"

namespace ringtrace::ctl {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

/// The body of the page; nothing when it cannot be had, of which stderr is told.
std::optional<std::string> read_page(const Common& common, const std::string& http) {
  constexpr const char* kAdvice = "--http says where the gateway's HTTP port is ([http] listen).";
  const std::size_t colon = http.rfind(':');
  boost::asio::ip::tcp::iostream stream;
  stream.expires_after(common.timeout);
  stream.connect(http.substr(0, colon), http.substr(colon + 1));
  if (!stream) {
    complain(common.json, Complaint::kUnreachable,
             "cannot reach the gateway's HTTP port at " + http + ": " + stream.error().message(), kAdvice);
    return std::nullopt;
  }
  stream << "GET /trunks HTTP/1.1\r\nHost: " << http << "\r\nConnection: close\r\n\r\n" << std::flush;
  std::string version;
  unsigned status = 0;
  stream >> version >> status;
  std::string line;
  std::getline(stream, line);  // the rest of the status line
  while (std::getline(stream, line) && line != "\r") continue;
  std::string body(std::istreambuf_iterator<char>(stream), {});
  if (status == 200) return body;
  complain(common.json, Complaint::kUnreachable,
           "no gateway tells of its trunks at http://" + http + "/trunks", kAdvice);
  return std::nullopt;
}

std::string cell(const Struct& object, const char* key) {
  const auto found = object.fields().find(key);
  if (found == object.fields().end()) return "-";
  const Value& value = found->second;
  if (value.kind_case() == Value::kBoolValue) return value.bool_value() ? "up" : "down";
  if (value.kind_case() != Value::kNumberValue) return or_dash(printable(value.string_value()));
  std::ostringstream number;
  number << value.number_value();
  return number.str();
}

void print_list(const Common& common, const Struct& page, const char* list,
                const std::vector<const char*>& keys) {
  std::vector<Table::Column> columns;
  for (const char* key : keys) columns.push_back({key, 0});
  Table table(std::cout, columns, common.colour);
  const auto found = page.fields().find(list);
  if (found == page.fields().end()) return;
  for (const Value& value : found->second.list_value().values()) {
    std::vector<std::string> cells;
    for (const char* key : keys) cells.push_back(cell(value.struct_value(), key));
    if (common.json) {
      print_json(value.struct_value());
    } else {
      table.row(cells);
    }
  }
}

}  // namespace

int trunks(const Common& common, const std::string& http) {
  const std::optional<std::string> body = read_page(common, http);
  if (!body) return kExitUnreachable;
  Struct page;
  if (!google::protobuf::util::JsonStringToMessage(*body, &page).ok()) {
    complain(common.json, Complaint::kNoAnswer, "http://" + http + "/trunks is no answer of a gateway");
    return kExitTrouble;
  }
  print_list(common, page, "trunks",
             {"trunk", "state", "registrar", "last_status", "expires_seconds", "refreshes", "failures"});
  if (!common.json) std::cout << '\n';
  print_list(common, page, "lines", {"group", "line", "place", "up"});
  return kExitOk;
}

}  // namespace ringtrace::ctl
