# Common part of the cross builds on Debian, for aecnn_triplet and CMAKE_SYSTEM_PROCESSOR.
set(CMAKE_CXX_COMPILER ${aecnn_triplet}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${aecnn_triplet})

find_program(aecnn_qemu NAMES qemu-${CMAKE_SYSTEM_PROCESSOR}-static qemu-${CMAKE_SYSTEM_PROCESSOR})
if(aecnn_qemu)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${aecnn_qemu} -L /usr/${aecnn_triplet})
endif()

# The dependencies are header-only, so the build machine's packages serve. Some install their CMake files below the build
# machine's own library folder.
file(GLOB aecnn_host_packages /usr/lib/*-linux-gnu/cmake)
list(APPEND CMAKE_PREFIX_PATH ${aecnn_host_packages})
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
