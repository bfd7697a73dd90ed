#pragma once

// Included before everything else by what is built under ThreadSanitizer and speaks protobuf. Its map fields
// have two members more when they see that sanitizer, but Debian's library was built without: they must be
// laid out as it knows them.

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#undef __SANITIZE_THREAD__
#include <google/protobuf/map_field.h>
#define __SANITIZE_THREAD__ 1
