# Warnings for the project's own executables; never part of what a consumer links.
add_library(aecnn_warnings INTERFACE)
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options(aecnn_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow
    $<$<BOOL:${AECNN_WARNINGS_AS_ERRORS}>:-Werror>)
elseif(MSVC)
  target_compile_options(aecnn_warnings INTERFACE /W4 /utf-8 $<$<BOOL:${AECNN_WARNINGS_AS_ERRORS}>:/WX>)
endif()
