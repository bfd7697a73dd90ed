# Every library Ringtrace links, found once. A missing one stops the configuration with the package to install;
# deploy/install-packages installs all of them.

function(ringtrace_missing what package)
  message(FATAL_ERROR
    "${what} was not found.\n"
    "Install it with:  apt-get install ${package}\n"
    "or everything Ringtrace needs with:  deploy/install-packages")
endfunction()

# ringtrace_package(<CMake package> <Debian package>): a library that ships its own CMake configuration.
macro(ringtrace_package name package)
  find_package(${name} QUIET ${ARGN})
  if(NOT ${name}_FOUND)
    ringtrace_missing("${name}" "${package}")
  endif()
endmacro()

# ringtrace_pkgconfig(<target suffix> <pkg-config module> <Debian package>): gives PkgConfig::<suffix>.
macro(ringtrace_pkgconfig name module package)
  pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
  if(NOT ${name}_FOUND)
    ringtrace_missing("${module}" "${package}")
  endif()
endmacro()

ringtrace_package(PkgConfig pkg-config)
ringtrace_package(Threads g++)
ringtrace_package(Boost libboost-dev 1.74)
if(RINGTRACE_SANITIZE STREQUAL "thread")
  # TSan does not know fences; Asio's are a second guard beside its mutex. One definition in every program.
  set_property(TARGET Boost::headers APPEND PROPERTY
    INTERFACE_COMPILE_DEFINITIONS BOOST_ASIO_DISABLE_FENCED_BLOCK)
endif()
ringtrace_package(OpenSSL libssl-dev)
ringtrace_package(Protobuf libprotobuf-dev)
ringtrace_package(gRPC libgrpc++-dev CONFIG)
ringtrace_package(spdlog libspdlog-dev)
ringtrace_package(CLI11 libcli11-dev)
ringtrace_package(prometheus-cpp prometheus-cpp-dev CONFIG)
ringtrace_package(tomlplusplus libtomlplusplus-dev)
ringtrace_package(Catch2 catch2 2)
ringtrace_pkgconfig(sofia sofia-sip-ua libsofia-sip-ua-dev)
ringtrace_pkgconfig(hiredis hiredis libhiredis-dev)
ringtrace_pkgconfig(regex re2 libre2-dev)
ringtrace_pkgconfig(cares libcares libc-ares-dev)
ringtrace_pkgconfig(jemalloc jemalloc libjemalloc-dev)

# libphonenumber ships neither a CMake nor a pkg-config file.
find_library(PHONENUMBER_LIBRARY phonenumber)
find_path(PHONENUMBER_INCLUDE phonenumbers/phonenumberutil.h)
if(NOT PHONENUMBER_LIBRARY OR NOT PHONENUMBER_INCLUDE)
  ringtrace_missing("libphonenumber" libphonenumber-dev)
endif()
add_library(ringtrace_phonenumber INTERFACE)
target_include_directories(ringtrace_phonenumber SYSTEM INTERFACE ${PHONENUMBER_INCLUDE})
target_link_libraries(ringtrace_phonenumber INTERFACE ${PHONENUMBER_LIBRARY} protobuf::libprotobuf)

# Headers alone, with no configuration of their own.
find_path(CONCURRENTQUEUE concurrentqueue/concurrentqueue.h)
if(NOT CONCURRENTQUEUE)
  ringtrace_missing("concurrentqueue/concurrentqueue.h" libconcurrentqueue-dev)
endif()

find_program(PROTOC protoc)
if(NOT PROTOC)
  ringtrace_missing("protoc" protobuf-compiler)
endif()
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin)
if(NOT GRPC_CPP_PLUGIN)
  ringtrace_missing("grpc_cpp_plugin" protobuf-compiler-grpc)
endif()
