# Cross build for 64-bit IBM Z (big-endian) with Debian's g++-s390x-linux-gnu; the programs run under qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR s390x)
set(aecnn_triplet s390x-linux-gnu)
include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
