#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

/// What a mistyped word was meant to be.
namespace ringtrace::gateway {

/// How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that `text` was most likely meant to be; empty when none is near.
std::string_view nearest(std::string_view text, const std::vector<std::string_view>& candidates);

}  // namespace ringtrace::gateway
