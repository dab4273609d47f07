# Installs the headers and the CMake package. Three exports, because a machine without the dependencies of aecnn::aecnn can
# still use aecnn::headers, and one without protozero aecnn::aecnn.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

target_include_directories(aecnn_headers INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

set(aecnn_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/aecnn)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/aecnn
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT aecnn_development FILES_MATCHING PATTERN "*.hpp" PATTERN "*.inc")
install(TARGETS aecnn_headers EXPORT aecnn_headers_export COMPONENT aecnn_development)
install(TARGETS aecnn EXPORT aecnn_export COMPONENT aecnn_development)
install(TARGETS aecnn_onnx EXPORT aecnn_onnx_export COMPONENT aecnn_development)
install(EXPORT aecnn_headers_export FILE aecnnHeadersTargets.cmake NAMESPACE aecnn::
  DESTINATION ${aecnn_package_dir} COMPONENT aecnn_development)
install(EXPORT aecnn_export FILE aecnnTargets.cmake NAMESPACE aecnn::
  DESTINATION ${aecnn_package_dir} COMPONENT aecnn_development)
install(EXPORT aecnn_onnx_export FILE aecnnOnnxTargets.cmake NAMESPACE aecnn::
  DESTINATION ${aecnn_package_dir} COMPONENT aecnn_development)

# While the major version is 0, a new minor version may change the interface.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(aecnn_compatibility SameMinorVersion)
else()
  set(aecnn_compatibility SameMajorVersion)
endif()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/aecnnConfig.cmake.in
  ${PROJECT_BINARY_DIR}/aecnnConfig.cmake INSTALL_DESTINATION ${aecnn_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/aecnnConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY ${aecnn_compatibility} ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/aecnnConfig.cmake ${PROJECT_BINARY_DIR}/aecnnConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/find_protozero.cmake
  DESTINATION ${aecnn_package_dir} COMPONENT aecnn_development)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT aecnn_development)
