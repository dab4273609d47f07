include_guard(GLOBAL)
include(FetchContent)

# aecnn_fetch_headers(TARGET NAME REPOSITORY TAG INCLUDE) makes the imported target TARGET of a header-only library whose
# headers lie in the folder INCLUDE of REPOSITORY at TAG. The library's own CMakeLists.txt is not run, so none of its
# options, tests and install rules enter the build. FETCHCONTENT_SOURCE_DIR_<NAME> names a local copy.
function(aecnn_fetch_headers target name repository tag include)
  message(STATUS "aecnn: ${target} not found, fetching ${repository} at ${tag}")
  FetchContent_Declare(${name}
    GIT_REPOSITORY ${repository}
    GIT_TAG ${tag}
    GIT_SHALLOW TRUE
    SOURCE_SUBDIR headers-only) # does not exist: nothing to configure
  FetchContent_MakeAvailable(${name})
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${${name}_SOURCE_DIR}/${include}")
endfunction()
