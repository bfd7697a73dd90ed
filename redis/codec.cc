// The only file that knows hiredis.
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <new>
#include <vector>

#include "redis/command.h"
#include "redis/reply.h"
#include "redis/reply_reader.h"

namespace ringtrace::redis {
namespace {

// The first key of FCALL is its third argument; other commands have theirs earlier.
constexpr std::size_t kLastFirstKey = 3;
constexpr std::string_view kTagBegin = "rt:{";

/// The hash slot of one of our keys: CRC16 (XMODEM) of what is in braces, modulo 16384. Redis Cluster
/// specification, "Hash tags".
std::optional<std::uint16_t> slot_of_key(std::string_view key) {
  const auto end = key.find('}');
  if (!key.starts_with(kTagBegin) || end == std::string_view::npos) return std::nullopt;
  unsigned crc = 0;
  for (const char c : key.substr(kTagBegin.size(), end - kTagBegin.size())) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = ((crc << 1U) ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U)) & 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc % 16'384);
}

}  // namespace

std::optional<std::int64_t> Reply::as_integer() const {
  if (kind == Kind::kInteger) return integer;
  if (kind != Kind::kString) return std::nullopt;
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || stop != end) return std::nullopt;
  return value;
}

void Arguments::add(std::string_view argument) {
  std::array<char, 24> length{};
  length[0] = '$';
  const auto end = std::to_chars(length.data() + 1, length.data() + length.size(), argument.size()).ptr;
  bytes_.append(length.data(), end);
  bytes_ += "\r\n";
  bytes_ += argument;
  bytes_ += "\r\n";
  ++count_;
}

void Arguments::add(std::uint64_t number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  add(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

Command::Command(std::span<const std::string_view> arguments) {
  Arguments encoded;
  for (const std::string_view argument : arguments) encoded.add(argument);
  bytes_ = "*" + std::to_string(encoded.count()) + "\r\n" + encoded.bytes();
  for (std::size_t i = 1; i < arguments.size() && !slot_ && i <= kLastFirstKey; ++i) {
    slot_ = slot_of_key(arguments[i]);
  }
}

Command::Command(const Arguments& arguments, std::string_view key) : slot_(slot_of_key(key)) {
  const std::string head = "*" + std::to_string(arguments.count()) + "\r\n";
  bytes_.reserve(head.size() + arguments.bytes().size());
  bytes_ += head;
  bytes_ += arguments.bytes();
}

Command&& Command::routed_by(std::string_view key) && {
  slot_ = slot_of_key(key);
  return std::move(*this);
}

namespace {

// A length that the peer announces is not worth memory before its elements have come.
constexpr int kMostReserved = 1024;

/// Places a value in its array, or makes it the root. Nothing may be thrown through hiredis: nullptr is its
/// word for "out of memory". A pointer into an array stays good as long as hiredis uses it: an element is
/// complete before the next one is placed.
template <typename Fill>
void* place(const redisReadTask* task, const Fill& fill) noexcept {
  try {
    if (task->parent == nullptr) {
      auto root = std::make_unique<Reply>();
      fill(*root);
      return root.release();
    }
    auto& siblings = static_cast<Reply*>(task->parent->obj)->elements;
    fill(siblings.emplace_back());
    return &siblings.back();
  } catch (const std::exception&) {
    return nullptr;
  }
}

Reply::Kind text_kind(int type) {
  if (type == REDIS_REPLY_ERROR) return Reply::Kind::kError;
  return type == REDIS_REPLY_STATUS ? Reply::Kind::kStatus : Reply::Kind::kString;
}

void* create_string(const redisReadTask* task, char* text, std::size_t size) {
  return place(task, [&](Reply& reply) {
    reply.kind = text_kind(task->type);
    reply.text.assign(text, size);
  });
}

void* create_array(const redisReadTask* task, int elements) {
  return place(task, [&](Reply& reply) {
    reply.kind = Reply::Kind::kArray;
    reply.elements.reserve(static_cast<std::size_t>(std::clamp(elements, 0, kMostReserved)));
  });
}

void* create_integer(const redisReadTask* task, long long value) {
  return place(task, [&](Reply& reply) {
    reply.kind = Reply::Kind::kInteger;
    reply.integer = value;
  });
}

void* create_nil(const redisReadTask* task) {
  return place(task, [](Reply&) {});
}

void free_root(void* root) { delete static_cast<Reply*>(root); }

// hiredis takes the table by a pointer to non-const and only reads it.
redisReplyObjectFunctions* reply_functions() {
  static redisReplyObjectFunctions functions = {create_string, create_array, create_integer, create_nil,
                                                free_root};
  return &functions;
}

}  // namespace

struct ReplyReader::Parser {
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader{
      redisReaderCreateWithFunctions(reply_functions()), redisReaderFree};
};

ReplyReader::ReplyReader(std::size_t max_reply_bytes)
    : parser_(std::make_unique<Parser>()), max_reply_bytes_(max_reply_bytes) {
  if (parser_->reader == nullptr) throw std::bad_alloc();
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::string_view bytes) {
  if (!error_.empty()) return;
  bytes_since_reply_ += bytes.size();
  if (redisReaderFeed(parser_->reader.get(), bytes.data(), bytes.size()) != REDIS_OK) {
    error_ = parser_->reader->errstr;
  }
}

ReplyReader::Next ReplyReader::next(Reply& reply) {
  if (!error_.empty()) return Next::kBroken;
  redisReader& reader = *parser_->reader;
  void* found = nullptr;
  if (redisReaderGetReply(&reader, &found) != REDIS_OK) {
    error_ = reader.errstr[0] != '\0' ? reader.errstr : "protocol error";
    return Next::kBroken;
  }
  if (found == nullptr) {
    if (bytes_since_reply_ <= max_reply_bytes_) return Next::kMore;
    error_ = "reply too large";
    return Next::kBroken;
  }
  const std::unique_ptr<Reply> root(static_cast<Reply*>(found));
  reply = std::move(*root);
  bytes_since_reply_ = reader.len - reader.pos;
  return Next::kReply;
}

}  // namespace ringtrace::redis
