#include "sip/header_template.h"

#include <catch2/catch.hpp>

namespace ringtrace::sip {
namespace {

std::string fill(const std::string& text, const HeaderValues& values) {
  auto parsed = HeaderTemplate::parse("x-test", text);
  REQUIRE(std::holds_alternative<HeaderTemplate>(parsed));
  return std::get<HeaderTemplate>(parsed).fill(values);
}

}  // namespace

TEST_CASE("a header template puts the call's values into its places") {
  const HeaderValues values{"v1", "google/cpc", "+74950000001", "01J", nullptr};
  CHECK(fill("{visit_id}", values) == "v1");
  CHECK(fill("a={source}; b={dialed}{call_id} {{x}}", values) == "a=google/cpc; b=+7495000000101J {x}");
  CHECK(fill("fixed", {}) == "fixed");
}

TEST_CASE("no value can end the header line or begin another") {
  CHECK(fill("{visit_id}", {"a\r\nX-Evil: 1", "", "", "", nullptr}) == "a%0D%0AX-Evil:%201");
  CHECK(fill("{visit_id}", {"50% <\"x\">;\xc3\xa4", "", "", "", nullptr}) ==
        "50%25%20%3C%22x%22%3E%3B%C3%A4");
}

TEST_CASE("any attribute of the visit can be named") {
  v1::VisitAttributes attributes;
  attributes.set_utm_source("google");
  attributes.set_utm_term("tyres & rims");
  (*attributes.mutable_click_ids())["gclid"] = "Cj0K";
  (*attributes.mutable_extra())["city"] = "Berlin\r\n";
  (*attributes.mutable_extra())["long"] = std::string(5000, 'x');
  const HeaderValues values{.attributes = &attributes};
  CHECK(fill("{attr.utm_source}/{attr.utm_term}", values) == "google/tyres%20%26%20rims");
  CHECK(fill("{attr.gclid} {attr.city} {attr.none}", values) == "Cj0K Berlin%0D%0A ");
  CHECK(fill("{attr.long}", values).size() == 512);
  CHECK(fill("{attr.none}", values).empty());
  CHECK(fill("{attr.gclid}", {}).empty());
}

TEST_CASE("a template whose values are all empty leaves the header out") {
  CHECK(fill("visit={visit_id}", {"", "s", "", "", nullptr}).empty());
  CHECK(fill("visit={visit_id} {source}", {"", "s", "", "", nullptr}) == "visit= s");
}

TEST_CASE("mistakes in a template are told in a sentence") {
  const auto error = [](const std::string& name, const std::string& text) {
    auto parsed = HeaderTemplate::parse(name, text);
    return std::holds_alternative<std::string>(parsed) ? std::get<std::string>(parsed) : std::string{};
  };
  CHECK(error("x y", "a") == "'x y' is not a header name");
  CHECK(error("Via", "a") == "the header Via belongs to the protocol itself");
  CHECK(error("content-LENGTH", "a") == "the header content-LENGTH belongs to the protocol itself");
  CHECK(error("x", "{visit}") ==
        "{visit} is unknown; known are {visit_id}, {source}, {dialed}, {call_id}, "
        "{attr.NAME}");
  CHECK(error("x", "{visit_id").find("without its '}'") != std::string::npos);
  CHECK(error("x", "a}").find("without its '{'") != std::string::npos);
  CHECK(error("x", "a\r\nb").find("one line") != std::string::npos);
  CHECK_FALSE(error("x", "").empty());
}

}  // namespace ringtrace::sip
