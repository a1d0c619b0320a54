# Flags for everything of ours: C++23, warnings are errors, hardened, one precompiled header of the standard library.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_COMPILE_OPTIONS_PIE -fPIC)  # programs too, for they share the precompiled header of the libraries
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2")  # no -DNDEBUG: assertions stay on where money moves
if(MANASTR_FUZZ)
  set(CMAKE_CXX_FLAGS_RELEASE "-O1")
elseif(MANASTR_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELEASE "-O0")  # optimised, the instrumented tree takes three times as long to compile
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wundef -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 in std::expected, std::optional and std::variant at -O2.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                      -Wno-stringop-overread -Wno-dangling-pointer -Wno-free-nonheap-object)
else()
  # std::stable_sort of libstdc++ 12 calls what it has itself deprecated.
  add_compile_options(-Wno-deprecated-declarations)
endif()
add_compile_definitions(_GLIBCXX_ASSERTIONS SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL TOML_HEADER_ONLY=0)
if(MANASTR_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=address,undefined)
elseif(MANASTR_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -g1)
  add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)  # the sanitizer knows no fences; Asio's queues have a mutex
  add_link_options(-fsanitize=thread)
else()
  add_compile_options(-fstack-protector-strong -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
if(MANASTR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -g1)
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(MANASTR_MOLD mold)
if(MANASTR_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(MANASTR_CCACHE ccache)
if(MANASTR_CCACHE)
  # Cached across checkouts: paths are relative, the precompiled header is hashed by content.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${MANASTR_CCACHE})
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()
