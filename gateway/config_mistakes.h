#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrace::gateway {

/// One mistake in a configuration.
struct Mistake {
  std::string file;
  std::uint32_t line = 0;  ///< 0: of the file as a whole
  std::string what;        ///< what is wrong
  std::string expected;    ///< what was expected; may be empty
  std::string meant;       ///< the nearest valid word; may be empty

  /// "file:line: what is wrong; expected what; did you mean 'key'?"
  std::string text() const;
};

/// Gathers all mistakes of a configuration. Beyond kMost they are only counted.
class Mistakes {
 public:
  static constexpr std::size_t kMost = 200;

  explicit Mistakes(std::string file) : file_(std::move(file)) {}

  /// The configuration file's name, as mistakes begin with.
  const std::string& file() const { return file_; }

  void add(std::uint32_t line, std::string what, std::string expected = {}, std::string_view meant = {});
  void add_in(std::string file, std::uint32_t line, std::string what, std::string expected = {},
              std::string_view meant = {});

  bool empty() const { return count_ == 0; }

  /// How many there were, also beyond kMost.
  std::size_t count() const { return count_; }

  /// The mistakes by file and line.
  std::vector<Mistake> sorted() const;

  /// One line a mistake, the last saying how many more there are.
  std::string text() const;

 private:
  std::string file_;
  std::vector<Mistake> list_;
  std::size_t count_ = 0;
};

}  // namespace ringtrace::gateway
