# room(PATH [DEPENDS rooms...] [LIBRARIES targets...]): the folder PATH as one static library named after it.
# program(NAME MAIN DEPENDS rooms...): an executable of one main file and rooms.
include_directories(${CMAKE_SOURCE_DIR})

option(MANASTR_PCH "use the precompiled header" ON)
if(NOT MANASTR_PCH)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/pch.cpp CONTENT "")
add_library(manastr-pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
target_precompile_headers(manastr-pch PRIVATE
  <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <cstring> <deque> <expected> <functional>
  <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <thread> <unordered_map> <utility> <variant>
  <vector>)

function(room path)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;LIBRARIES" ${ARGN})
  string(REPLACE "/" "-" name ${path})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${path}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  string(REPLACE "/" "-" depends "${ROOM_DEPENDS}")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${depends} ${ROOM_LIBRARIES})
    target_precompile_headers(${name} REUSE_FROM manastr-pch)
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${depends} ${ROOM_LIBRARIES})
  endif()
endfunction()

function(program name main)
  cmake_parse_arguments(PROGRAM "" "" "DEPENDS" ${ARGN})
  string(REPLACE "/" "-" depends "${PROGRAM_DEPENDS}")
  if(EXISTS ${CMAKE_SOURCE_DIR}/${main})
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE ${depends})
    target_precompile_headers(${name} REUSE_FROM manastr-pch)
  endif()
endfunction()
