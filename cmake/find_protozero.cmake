# protozero::protozero, header-only: from a package that defines it (vcpkg, Conan), else where its headers are installed.
if(NOT TARGET protozero::protozero)
  find_package(protozero QUIET CONFIG)
endif()
if(NOT TARGET protozero::protozero)
  find_path(AECNN_PROTOZERO_INCLUDE_DIR protozero/pbf_reader.hpp DOC "Folder of protozero/pbf_reader.hpp, for aecnn::onnx")
  mark_as_advanced(AECNN_PROTOZERO_INCLUDE_DIR)
  if(AECNN_PROTOZERO_INCLUDE_DIR)
    add_library(protozero::protozero INTERFACE IMPORTED GLOBAL)
    set_target_properties(protozero::protozero PROPERTIES
      INTERFACE_INCLUDE_DIRECTORIES "${AECNN_PROTOZERO_INCLUDE_DIR}")
  endif()
endif()
