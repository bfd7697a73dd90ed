#include "sip/dns_client.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

namespace ringtrace::sip {
namespace {

constexpr int kTryMilliseconds = 1500;
constexpr int kTries = 2;
constexpr std::size_t kMaximumSrv = 8;  // targets of one name that are looked up

// "_sip._udp.", "_sip._tcp.", "_sips._tcp." (RFC 3263 section 4.1).
std::string service_of(const Target& name) {
  switch (name.transport) {
    case Transport::kUdp:
      return "_sip._udp." + name.host;
    case Transport::kTcp:
      return "_sip._tcp." + name.host;
    case Transport::kTls:
      break;
  }
  return "_sips._tcp." + name.host;
}

std::optional<IpAddress> address_of(const sockaddr& socket_address) {
  if (socket_address.sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &socket_address, sizeof four);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &four.sin_addr, bytes.size());
    return IpAddress::v4(bytes);
  }
  if (socket_address.sa_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &socket_address, sizeof six);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
    return IpAddress::v6(bytes);
  }
  return std::nullopt;
}

struct Service {
  std::string host;
  std::uint16_t port;
  std::uint32_t priority = 0;
  std::uint32_t weight = 0;  ///< 0: no SRV record
};

// A record without weight is drawn now and then, when it stands beside others with some (RFC 2782).
std::uint32_t share_of(std::uint16_t weight) { return 256u * weight + 1; }

// The targets of an SRV answer by priority, then the heavier first, so that two answers with the same records
// are equal. Each call draws among them by weight.
std::vector<Service> services_of(const unsigned char* answer, int size) {
  ares_srv_reply* first = nullptr;
  if (ares_parse_srv_reply(answer, size, &first) != ARES_SUCCESS) return {};
  std::vector<const ares_srv_reply*> records;
  for (const ares_srv_reply* record = first; record != nullptr; record = record->next)
    records.push_back(record);
  std::sort(records.begin(), records.end(), [](const ares_srv_reply* a, const ares_srv_reply* b) {
    if (a->priority != b->priority) return a->priority < b->priority;
    if (a->weight != b->weight) return a->weight > b->weight;
    return std::strcmp(a->host, b->host) < 0;
  });
  std::vector<Service> services;
  for (const ares_srv_reply* record : records) {
    // A target of "." says that the service is not to be had there.
    const bool useful = record->host != nullptr && *record->host != '\0' && record->port != 0;
    if (useful && services.size() < kMaximumSrv)
      services.push_back({record->host, record->port, record->priority, share_of(record->weight)});
  }
  ares_free_data(first);
  return services;
}

}  // namespace

// One question: first the services of the name, then the addresses of each.
struct DnsClient::Worker {
  struct Question {
    Worker* worker = nullptr;
    Target name;
    Done done;
    std::vector<Service> services;
    std::vector<std::vector<Endpoint>> places;  // by service
    int ttl = -1;
    std::size_t open = 0;  // address look-ups under way
  };
  struct Lookup {
    Question* question = nullptr;
    std::size_t service = 0;
    std::uint16_t port = 0;
  };

  ares_channel channel = nullptr;
  int event = -1;
  std::thread thread;
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> live{0};  // questions asked and not answered
  bool dropping = false;             // thread only: answers are for nobody any more

  std::mutex mutex;
  std::vector<std::unique_ptr<Question>> asked;  // guarded by mutex

  void run();
  void take_questions();
  void begin(std::unique_ptr<Question> question);
  void look_up(Question& question, const std::vector<Service>& services);
  void finish(Question* question);

  static void on_services(void* self, int status, int, unsigned char* answer, int size) {
    Question& question = *static_cast<Question*>(self);
    std::vector<Service> services;
    if (status == ARES_SUCCESS) services = services_of(answer, size);
    // RFC 3263 section 4.2: without SRV records, the name's own addresses and the transport's own port.
    if (services.empty())
      services.push_back({question.name.host, default_port(question.name.transport), 0, 0});
    question.worker->look_up(question, services);
  }

  static void on_addresses(void* self, int status, int, ares_addrinfo* result) {
    const std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(self));
    Question& question = *lookup->question;
    std::vector<Endpoint>& places = question.places[lookup->service];
    if (status == ARES_SUCCESS) {
      for (const ares_addrinfo_node* node = result->nodes; node != nullptr; node = node->ai_next) {
        const auto address = address_of(*node->ai_addr);
        if (!address) continue;
        places.push_back({*address, lookup->port});
        question.ttl = question.ttl < 0 ? node->ai_ttl : std::min(question.ttl, node->ai_ttl);
      }
      ares_freeaddrinfo(result);
    }
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    if (--question.open == 0) question.worker->finish(&question);
  }
};

DnsClient::DnsClient(const std::vector<std::string>& servers) : worker_(std::make_unique<Worker>()) {
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
    problem_ = "c-ares cannot be initialized";
    return;
  }
  ares_options options{};
  options.timeout = kTryMilliseconds;
  options.tries = kTries;
  int status = ares_init_options(&worker_->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  std::string list;
  for (const std::string& server : servers) list += (list.empty() ? "" : ",") + server;
  if (status == ARES_SUCCESS && !list.empty())
    status = ares_set_servers_ports_csv(worker_->channel, list.c_str());
  worker_->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (status != ARES_SUCCESS || worker_->event < 0) {
    problem_ = "names cannot be resolved: " + std::string(ares_strerror(status));
    return;
  }
  worker_->thread = std::thread([worker = worker_.get()] { worker->run(); });
}

DnsClient::~DnsClient() {
  if (worker_->thread.joinable()) {
    worker_->stop = true;
    eventfd_write(worker_->event, 1);
    worker_->thread.join();
  }
  if (worker_->channel != nullptr) ares_destroy(worker_->channel);
  if (worker_->event >= 0) ::close(worker_->event);
  ares_library_cleanup();
}

void DnsClient::ask(const Target& name, Done done) {
  if (problem_ || worker_->live.fetch_add(1) >= kMaximum) {
    if (!problem_) worker_->live.fetch_sub(1);
    done({});
    return;
  }
  auto question = std::make_unique<Worker::Question>();
  question->worker = worker_.get();
  question->name = name;
  question->done = std::move(done);
  {
    const std::lock_guard lock(worker_->mutex);
    worker_->asked.push_back(std::move(question));
  }
  eventfd_write(worker_->event, 1);
}

void DnsClient::Worker::run() {
  while (!stop) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const auto wanted = static_cast<unsigned>(ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM));
    std::vector<pollfd> polled = {{event, POLLIN, 0}};
    for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
      short events = 0;
      if (ARES_GETSOCK_READABLE(wanted, i)) events = POLLIN;
      if (ARES_GETSOCK_WRITABLE(wanted, i)) events = static_cast<short>(events | POLLOUT);
      if (events != 0) polled.push_back({sockets[i], events, 0});
    }
    timeval room{};
    const timeval* next = ares_timeout(channel, nullptr, &room);
    const int timeout =
        next == nullptr ? -1 : static_cast<int>(next->tv_sec * 1000 + next->tv_usec / 1000 + 1);
    poll(polled.data(), polled.size(), timeout);
    for (std::size_t i = 1; i < polled.size(); ++i) {
      const bool readable = (polled[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
      const bool writable = (polled[i].revents & POLLOUT) != 0;
      if (readable || writable) {
        ares_process_fd(channel, readable ? polled[i].fd : ARES_SOCKET_BAD,
                        writable ? polled[i].fd : ARES_SOCKET_BAD);
      }
    }
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    take_questions();
  }
  dropping = true;
  ares_cancel(channel);
}

void DnsClient::Worker::take_questions() {
  eventfd_t count = 0;
  eventfd_read(event, &count);
  std::vector<std::unique_ptr<Question>> fresh;
  {
    const std::lock_guard lock(mutex);
    fresh.swap(asked);
  }
  for (auto& question : fresh) begin(std::move(question));
}

// From here on the question belongs to c-ares' callbacks; finish() ends it.
void DnsClient::Worker::begin(std::unique_ptr<Question> owned) {
  Question* question = owned.release();
  if (question->name.port != 0) {
    look_up(*question, {{question->name.host, question->name.port, 0, 0}});
  } else {
    ares_query(channel, service_of(question->name).c_str(), ns_c_in, ns_t_srv, on_services, question);
  }
}

void DnsClient::Worker::look_up(Question& question, const std::vector<Service>& services) {
  question.services = services;
  question.places.resize(services.size());
  question.open = services.size();
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;
  // A look-up may be answered at once, and the last one ends the question.
  for (std::size_t i = 0; i < services.size(); ++i) {
    ares_getaddrinfo(channel, services[i].host.c_str(), nullptr, &hints, on_addresses,
                     new Lookup{&question, i, services[i].port});
  }
}

void DnsClient::Worker::finish(Question* raw) {
  const std::unique_ptr<Question> question(raw);
  live.fetch_sub(1);
  if (dropping) return;
  NameAnswer answer;
  for (std::size_t i = 0; i < question->places.size(); ++i) {
    const Service& service = question->services[i];
    const auto& found = question->places[i];
    // A target's addresses divide its share among them.
    const auto divisor = static_cast<std::uint32_t>(std::max<std::size_t>(found.size(), 1));
    const std::uint32_t share = service.weight == 0 ? 0 : std::max(service.weight / divisor, 1u);
    for (const Endpoint& endpoint : found) answer.places.emplace_back(endpoint, service.priority, share);
  }
  answer.ttl = std::chrono::seconds(std::max(question->ttl, 0));
  question->done(std::move(answer));
}

}  // namespace ringtrace::sip
