#include "tests/proto/proto_lint.h"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace ringtrace::proto_lint {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::SourceLocation;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool is_lower_snake(const std::string& text) {
  const auto allowed = [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '_';
  };
  return !text.empty() && std::islower(static_cast<unsigned char>(text.front())) != 0 &&
         std::all_of(text.begin(), text.end(), allowed) && text.find("__") == std::string::npos &&
         text.back() != '_';
}

/// "CallEventType" gives "CALL_EVENT_TYPE".
std::string upper_snake(const std::string& name) {
  std::string result;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    if (i != 0 && std::isupper(c) != 0) result += '_';
    result += static_cast<char>(std::toupper(c));
  }
  return result;
}

class Linter {
 public:
  explicit Linter(const FileDescriptor& file) : file_(file) {}

  std::vector<std::string> run() {
    check_package();
    for (int i = 0; i < file_.message_type_count(); ++i) check(*file_.message_type(i));
    for (int i = 0; i < file_.enum_type_count(); ++i) check(*file_.enum_type(i));
    for (int i = 0; i < file_.service_count(); ++i) check(*file_.service(i));
    return std::move(found_);
  }

 private:
  void say(const std::string& name, const std::string& what) { found_.push_back(name + " " + what); }

  template <typename Thing>
  void check_comment(const Thing& thing) {
    SourceLocation location;
    const bool has = thing.GetSourceLocation(&location) &&
                     (!location.leading_comments.empty() || !location.trailing_comments.empty());
    if (!has) say(thing.full_name(), "has no comment");
  }

  void check_package() {
    const std::string& package = file_.package();
    const std::size_t dot = package.rfind('.');
    const std::string version = dot == std::string::npos ? "" : package.substr(dot + 1);
    const bool versioned =
        version.size() >= 2 && version[0] == 'v' &&
        std::all_of(version.begin() + 1, version.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!versioned) say(file_.name(), "has a package that does not end in a version such as .v1");
    std::string directory = package;
    std::replace(directory.begin(), directory.end(), '.', '/');
    const std::size_t slash = file_.name().rfind('/');
    if (slash == std::string::npos || file_.name().substr(0, slash) != directory) {
      say(file_.name(), "does not lie in the directory of its package, " + directory);
    }
  }

  void check(const Descriptor& message) {
    if (message.options().map_entry()) return;
    check_comment(message);
    for (int i = 0; i < message.field_count(); ++i) check(*message.field(i));
    for (int i = 0; i < message.real_oneof_decl_count(); ++i) check_comment(*message.oneof_decl(i));
    for (int i = 0; i < message.nested_type_count(); ++i) check(*message.nested_type(i));
    for (int i = 0; i < message.enum_type_count(); ++i) check(*message.enum_type(i));
  }

  void check(const FieldDescriptor& field) {
    check_comment(field);
    if (!is_lower_snake(field.name())) say(field.full_name(), "is not lower_snake");
    const bool is_time = field.type() == FieldDescriptor::TYPE_MESSAGE &&
                         field.message_type()->full_name() == "google.protobuf.Timestamp";
    if (is_time && !ends_with(field.name(), "_time"))
      say(field.full_name(), "is a time and does not end in _time");
    if (!is_time && ends_with(field.name(), "_time"))
      say(field.full_name(), "ends in _time and is no Timestamp");
  }

  void check(const EnumDescriptor& type) {
    check_comment(type);
    const std::string prefix = upper_snake(type.name()) + "_";
    for (int i = 0; i < type.value_count(); ++i) {
      const auto& value = *type.value(i);
      check_comment(value);
      if (value.name().rfind(prefix, 0) != 0) say(value.full_name(), "does not begin with " + prefix);
      if ((value.number() == 0) != (value.name() == prefix + "UNSPECIFIED")) {
        say(value.full_name(), "breaks the rule that zero, and only zero, is " + prefix + "UNSPECIFIED");
      }
    }
  }

  void check(const ServiceDescriptor& service) {
    check_comment(service);
    if (!ends_with(service.name(), "Service")) say(service.full_name(), "does not end in Service");
    for (int i = 0; i < service.method_count(); ++i) {
      const auto& method = *service.method(i);
      check_comment(method);
      check_message_of(method.full_name(), method.input_type()->name(), method.name() + "Request");
      check_message_of(method.full_name(), method.output_type()->name(), method.name() + "Response");
    }
  }

  void check_message_of(const std::string& method, const std::string& type, const std::string& expected) {
    if (type != expected) say(method, "uses " + type + " and not " + expected);
    if (!used_.insert(type).second) say(method, "uses " + type + ", which is another rpc's");
  }

  const FileDescriptor& file_;
  std::set<std::string> used_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> lint(const FileDescriptor& file) { return Linter(file).run(); }

}  // namespace ringtrace::proto_lint
