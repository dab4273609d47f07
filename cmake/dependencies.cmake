# What aecnn::aecnn links: an installed package where there is one, else the upstream release named here.
include(${CMAKE_CURRENT_LIST_DIR}/fetch_headers.cmake)

find_package(Eigen3 3.4 QUIET NO_MODULE)
if(NOT TARGET Eigen3::Eigen)
  aecnn_fetch_headers(Eigen3::Eigen eigen https://gitlab.com/libeigen/eigen.git 3.4.0 .)
endif()

find_package(xtensor 0.24 QUIET)
if(NOT TARGET xtensor)
  find_package(xtl 0.7 QUIET)
  if(NOT TARGET xtl)
    aecnn_fetch_headers(xtl xtl https://github.com/xtensor-stack/xtl.git 0.7.7 include)
  endif()
  aecnn_fetch_headers(xtensor xtensor https://github.com/xtensor-stack/xtensor.git 0.25.0 include)
  target_link_libraries(xtensor INTERFACE xtl)
endif()

find_package(nlohmann_json 3.10 QUIET)
if(NOT TARGET nlohmann_json::nlohmann_json)
  aecnn_fetch_headers(nlohmann_json::nlohmann_json nlohmann_json https://github.com/nlohmann/json.git v3.11.3 include)
endif()

include(${CMAKE_CURRENT_LIST_DIR}/find_protozero.cmake)
