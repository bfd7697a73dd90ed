#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ringtrace::gateway {

/// A file that records are added to at the end and read from the beginning, for what must survive the
/// process. It survives `kill -9` at any instruction; a power cut may cost what the system had not written.
///
/// After a crash the last record may be there in part, or garbled: each has its length and a CRC-32 before
/// it, and whatever follows the last whole one is cut off when the file is opened. The file is the owner's
/// alone (mode 0600) and locked while it is open. Not thread-safe.
class RecordFile {
 public:
  /// The largest record.
  static constexpr std::size_t kMaxRecord = std::size_t{1} << 20;

  /// Opens the file, or makes it; it never grows beyond `max_bytes`. None, and `problem` says why in one
  /// sentence, when that cannot be done or another process has it open.
  static std::unique_ptr<RecordFile> open(const std::filesystem::path& path, std::uint64_t max_bytes,
                                          std::string& problem);

  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  /// Adds a record. False, and nothing has changed, when it does not fit or the disk refuses it.
  bool append(std::string_view record);

  /// Adds records with one write, as many of the first ones as fit. How many; 0, and nothing has changed,
  /// when the disk refuses.
  std::size_t append(std::span<const std::string> records);

  /// What a record takes in the file.
  static std::size_t size_of(std::string_view record);

  /// Where the first record begins, and where the next one will.
  std::uint64_t begin() const;
  std::uint64_t end() const { return end_; }
  bool empty() const { return end_ == begin(); }

  /// The record at `offset`, which moves behind it; none at the end.
  std::optional<std::string> read(std::uint64_t& offset) const;

  /// Removes all records.
  void clear();

  /// Puts what `change` makes of each record in its place: all of them or, when it returns false, none,
  /// whenever the process is killed. `place`, the offset of a record or of the end, moves with what it stands
  /// before.
  bool rewrite(const std::function<std::string(std::string)>& change, std::uint64_t& place);

  /// Removes the records before `place`, the offset of a record or of the end, which moves with what it
  /// stands before; false, and nothing has changed, when the rest cannot be written, whenever the process is
  /// killed.
  bool forget_before(std::uint64_t& place);

  /// Bytes cut off when the file was opened, because they were no whole record.
  std::uint64_t torn_bytes() const { return torn_bytes_; }

 private:
  RecordFile(int file, std::filesystem::path path, std::uint64_t max_bytes)
      : path_(std::move(path)), max_bytes_(max_bytes), file_(file) {}
  bool recover(std::string& problem);
  bool rewrite_from(std::uint64_t from, const std::function<std::string(std::string)>& change,
                    std::uint64_t& place);
  std::optional<std::string> read_before(std::uint64_t& offset, std::uint64_t limit) const;

  const std::filesystem::path path_;
  const std::uint64_t max_bytes_;
  int file_;
  std::uint64_t end_ = 0;
  std::uint64_t torn_bytes_ = 0;
};

}  // namespace ringtrace::gateway
