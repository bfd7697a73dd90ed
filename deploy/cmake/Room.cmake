# How every room, program and test of Ringtrace is compiled.

# ringtrace_compile(<target>): our language, our warnings, our include path, the chosen sanitizer.
function(ringtrace_compile target)
  # Quoted includes only, so that our grpc/ can never shadow the library's <grpc/...>.
  target_compile_options(${target} PRIVATE "SHELL:-iquote ${PROJECT_SOURCE_DIR}"
    -Wall -Wextra -Wconversion -Wshadow -Werror)
  # GCC 12 sees an overlap in every `"text" + string` at -O2 and above (GCC bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  ringtrace_sanitize(${target})
endfunction()

# Assertions of ours stay on in Release; _GLIBCXX_ASSERTIONS keeps those of the standard library.
function(ringtrace_sanitize target)
  target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  # A debugger wants everything; stack traces of releases and sanitizers only lines, at half the compile time.
  # Sanitizers walk by frame pointers; a release's stacks are found by its .eh_frame, and its register is free.
  set(plain_debug $<AND:$<CONFIG:Debug>,$<STREQUAL:${RINGTRACE_SANITIZE},>>)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-fno-omit-frame-pointer>
    $<IF:${plain_debug},-g,-g1>)
  if(RINGTRACE_SANITIZE STREQUAL "address")
    # Instrumented code makes GCC 12 see uninitialized values inside <regex> and <optional>.
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all
      -Wno-maybe-uninitialized)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  elseif(RINGTRACE_SANITIZE STREQUAL "thread")
    target_compile_options(${target} PRIVATE -fsanitize=thread)
    target_link_options(${target} PUBLIC -fsanitize=thread)
  elseif(RINGTRACE_SANITIZE STREQUAL "fuzzer")
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
endfunction()

# ringtrace_allocator(<program>): jemalloc in place of the C library's malloc, which takes a fifth of the time of a stream
# of leases. Sanitizers bring their own.
function(ringtrace_allocator program)
  if(NOT RINGTRACE_SANITIZE)
    target_link_libraries(${program} PRIVATE PkgConfig::jemalloc)
  endif()
endfunction()

# ringtrace_room(<room> SOURCES ... LINK ...): the one library target of a room, ringtrace_<room>.
function(ringtrace_room room)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(ringtrace_${room} STATIC ${ARG_SOURCES})
  ringtrace_compile(ringtrace_${room})
  target_link_libraries(ringtrace_${room} PUBLIC ${ARG_LINK})
endfunction()

# ringtrace_test(<room> SOURCES ... LINK ...): the Catch2 program test_<room>, run by ctest under the room's label.
function(ringtrace_test room)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(test_${room} ${ARG_SOURCES})
  ringtrace_compile(test_${room})
  target_link_libraries(test_${room} PRIVATE ringtrace_test_main ${ARG_LINK})
  add_test(NAME ${room}.unit COMMAND test_${room} --durations no)
  set_tests_properties(${room}.unit PROPERTIES LABELS "${room}" TIMEOUT 600)
endfunction()
