#include "sip/registration.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sip/header_rows.h"
#include "sip/text.h"

namespace ringtrace::sip {
namespace {

using std::chrono::seconds;

std::optional<seconds> seconds_of(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return seconds(value);
}

std::optional<seconds> first_seconds(const std::vector<std::string>& rows) {
  return rows.empty() ? std::nullopt : seconds_of(rows.front());
}

}  // namespace

std::string_view registration_state_name(RegistrationState state) {
  constexpr std::array<std::string_view, kRegistrationStateCount> kNames = {"trying", "registered",
                                                                            "rejected", "unreachable"};
  return kNames[static_cast<std::size_t>(state)];
}

Registration::Registration(RegistrationConfig config, std::string contact_user, RandomSource random,
                           SteadyTime now)
    : config_(std::move(config)),
      contact_user_(std::move(contact_user)),
      random_(std::move(random)),
      call_id_(to_hex(random_()) + to_hex(random_())),
      tag_(to_hex(random_())),
      next_(now),
      expires_(config_.expires) {}

std::optional<Registration::Attempt> Registration::due(
    const std::vector<Hop>& places, const std::function<std::string(const Hop&)>& contact_at,
    SteadyTime now) {
  if (waiting_ || now < next_) return std::nullopt;
  if (status_.state == RegistrationState::kRegistered && now >= status_.expires)
    status_.state = RegistrationState::kTrying;
  places_ = places.size();
  if (place_ >= places_) place_ = 0;
  const std::string contact = places_ == 0 ? std::string{} : contact_at(places[place_]);
  if (contact.empty()) {
    next_registrar(now);
    return std::nullopt;
  }
  waiting_ = true;
  status_.registrar = places[place_];
  return Attempt{places[place_], request(contact)};
}

OwnRequest Registration::request(const std::string& contact) {
  const std::string domain = config_.domain.empty() ? config_.registrars.front().host : config_.domain;
  const std::string account = "<sip:" + config_.user + "@" + domain + ">";
  OwnRequest request;
  request.method = "REGISTER";
  request.uri = "sip:" + domain;
  request.from = account + ";tag=" + tag_;
  request.to = account;
  request.call_id = call_id_;
  request.cseq = ++cseq_;
  request.headers = {
      "Contact: <sip:" + contact_user_ + "@" + contact + ">;expires=" + std::to_string(expires_.count()),
      "Expires: " + std::to_string(expires_.count()), "User-Agent: Ringtrace"};
  if (challenge_) {
    const std::string cnonce = to_hex(random_());
    const std::string& user = config_.auth_user.empty() ? config_.user : config_.auth_user;
    request.headers.push_back(std::string(for_proxy_ ? "Proxy-Authorization: " : "Authorization: ") +
                              digest_answer(*challenge_, {user, config_.password, "REGISTER", request.uri,
                                                          cnonce, ++nonce_count_}));
  }
  return request;
}

void Registration::answered(const Message* response, SteadyTime now) {
  waiting_ = false;
  status_.last_status = response == nullptr ? 0 : response->status();
  if (response == nullptr) {
    ++status_.failures;
    next_registrar(now);
  } else if (status_.last_status < 300) {
    registered(*response, now);
  } else if (status_.last_status == 401 || status_.last_status == 407) {
    challenged(*response, now);
  } else if (status_.last_status == 423) {
    const auto wanted = first_seconds(header_rows(*response, "Min-Expires"));
    if (!wanted || *wanted <= expires_ || *wanted > kMostExpires) {
      fail(RegistrationState::kRejected, now);
    } else {
      expires_ = *wanted;
      next_ = now;
    }
  } else if (status_.last_status >= 500 && status_.last_status < 600) {
    ++status_.failures;
    next_registrar(now);
  } else {
    fail(RegistrationState::kRejected, now);
  }
}

void Registration::challenged(const Message& response, SteadyTime now) {
  for_proxy_ = response.status() == 407;
  auto challenge =
      choose_challenge(header_rows(response, for_proxy_ ? "Proxy-Authenticate" : "WWW-Authenticate"));
  // A second refusal of the same credentials is final, unless only the nonce had grown old.
  const bool hopeless = challenges_ > 0 && challenge && !challenge->stale;
  constexpr unsigned kMostChallenges = 3;
  if (!challenge || hopeless || ++challenges_ > kMostChallenges) {
    challenges_ = 0;
    challenge_.reset();
    fail(RegistrationState::kRejected, now);
    return;
  }
  challenge_ = std::move(challenge);
  nonce_count_ = 0;
  next_ = now;
}

void Registration::registered(const Message& response, SteadyTime now) {
  challenges_ = 0;
  pause_ = kFirstPause;
  ++status_.refreshes;
  status_.state = RegistrationState::kRegistered;
  const seconds lifetime = std::clamp(granted(response), kLeastExpires, kMostExpires);
  status_.expires = now + lifetime;
  // Not all accounts of a carrier at once.
  const auto spread = static_cast<std::int64_t>(random_() % 300);
  next_ = now + std::chrono::milliseconds(lifetime) * (500 + spread) / 1000;
}

seconds Registration::granted(const Message& response) const {
  for (const std::string& value : header_rows(response, "Contact", "m")) {
    const std::size_t at = value.find(contact_user_);
    if (at == std::string::npos) continue;
    const std::string_view rest = std::string_view(value).substr(at);
    const std::size_t close = rest.find('>');
    if (close == std::string_view::npos) continue;
    const std::string_view parameters =
        rest.substr(close, std::min(rest.find(',', close), rest.size()) - close);
    const std::size_t semicolon = parameters.find(';');
    if (semicolon == std::string_view::npos) continue;
    const auto expires = find_parameter(parameters.substr(semicolon + 1), "expires");
    if (const auto granted = expires ? seconds_of(*expires) : std::nullopt) return *granted;
  }
  return first_seconds(header_rows(response, "Expires")).value_or(expires_);
}

void Registration::next_registrar(SteadyTime now) {
  challenges_ = 0;
  challenge_.reset();
  if (++place_ < places_) {
    next_ = now;
    return;
  }
  place_ = 0;
  fail(RegistrationState::kUnreachable, now);
}

void Registration::fail(RegistrationState state, SteadyTime now) {
  if (state == RegistrationState::kRejected) ++status_.failures;
  // While an earlier registration lasts, calls still come.
  if (status_.state != RegistrationState::kRegistered || now >= status_.expires) status_.state = state;
  const auto spread = static_cast<std::int64_t>(random_() % 250);
  next_ = now + std::chrono::milliseconds(pause_) * (1000 + spread) / 1000;
  pause_ = std::min(2 * pause_, kLongestPause);
}

}  // namespace ringtrace::sip
