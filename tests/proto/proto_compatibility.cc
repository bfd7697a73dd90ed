#include "tests/proto/proto_compatibility.h"

#include <utility>

namespace ringtrace::proto_compatibility {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::OneofDescriptor;
using google::protobuf::ServiceDescriptor;

/// "repeated shop.v1.Tin", "optional int32".
std::string type_of(const FieldDescriptor& field) {
  std::string type = field.type_name();
  if (field.message_type() != nullptr) type = field.message_type()->full_name();
  if (field.enum_type() != nullptr) type = field.enum_type()->full_name();
  return field.is_repeated() ? "repeated " + type : type;
}

std::string oneof_of(const FieldDescriptor& field) {
  const OneofDescriptor* oneof = field.containing_oneof();
  return oneof == nullptr ? "no oneof" : "oneof " + oneof->name();
}

std::string types_of(const MethodDescriptor& method) {
  const auto side = [](const Descriptor& type, bool streams) {
    return (streams ? "stream " : "") + type.full_name();
  };
  return side(*method.input_type(), method.client_streaming()) + " to " +
         side(*method.output_type(), method.server_streaming());
}

class Comparison {
 public:
  explicit Comparison(const DescriptorPool& after) : after_(after) {}

  std::vector<std::string> run(const FileDescriptor& before) {
    for (int i = 0; i < before.message_type_count(); ++i) compare(*before.message_type(i));
    for (int i = 0; i < before.enum_type_count(); ++i) compare(*before.enum_type(i));
    for (int i = 0; i < before.service_count(); ++i) compare(*before.service(i));
    return std::move(found_);
  }

 private:
  void say(const std::string& name, const std::string& what) { found_.push_back(name + " " + what); }

  void expect_same(const std::string& name, const std::string& was, const std::string& is) {
    if (was != is) say(name, "was " + was + " and is " + is);
  }

  void compare(const Descriptor& before) {
    const Descriptor* after = after_.FindMessageTypeByName(before.full_name());
    if (after == nullptr) return say(before.full_name(), "is gone");
    for (int i = 0; i < before.field_count(); ++i) compare(*before.field(i), *after);
    for (int i = 0; i < before.nested_type_count(); ++i) compare(*before.nested_type(i));
    for (int i = 0; i < before.enum_type_count(); ++i) compare(*before.enum_type(i));
  }

  void compare(const FieldDescriptor& before, const Descriptor& message) {
    const FieldDescriptor* after = message.FindFieldByNumber(before.number());
    if (after == nullptr) return say(before.full_name(), "is gone");
    expect_same(before.full_name(), before.name(), after->name());
    expect_same(before.full_name(), type_of(before), type_of(*after));
    expect_same(before.full_name(), oneof_of(before), oneof_of(*after));
  }

  void compare(const EnumDescriptor& before) {
    const EnumDescriptor* after = after_.FindEnumTypeByName(before.full_name());
    if (after == nullptr) return say(before.full_name(), "is gone");
    for (int i = 0; i < before.value_count(); ++i) {
      const auto* value = after->FindValueByNumber(before.value(i)->number());
      if (value == nullptr) {
        say(before.value(i)->full_name(), "is gone");
      } else {
        expect_same(before.value(i)->full_name(), before.value(i)->name(), value->name());
      }
    }
  }

  void compare(const ServiceDescriptor& before) {
    const ServiceDescriptor* after = after_.FindServiceByName(before.full_name());
    if (after == nullptr) return say(before.full_name(), "is gone");
    for (int i = 0; i < before.method_count(); ++i) {
      const MethodDescriptor& method = *before.method(i);
      const MethodDescriptor* same = after->FindMethodByName(method.name());
      if (same == nullptr) {
        say(method.full_name(), "is gone");
      } else {
        expect_same(method.full_name(), types_of(method), types_of(*same));
      }
    }
  }

  const DescriptorPool& after_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> breaks(const DescriptorPool& after, const FileDescriptor& before) {
  return Comparison(after).run(before);
}

}  // namespace ringtrace::proto_compatibility
