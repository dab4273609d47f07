# What a device includes stays light: none of the headers below reaches Eigen, xtensor or JSON, and none names a
# standard header that is expensive to compile. COMPILER lists what a header really includes.
cmake_minimum_required(VERSION 3.22)

file(GLOB_RECURSE headers RELATIVE ${INCLUDE_DIR}
  ${INCLUDE_DIR}/aecnn/core/*.hpp ${INCLUDE_DIR}/aecnn/select/*.hpp ${INCLUDE_DIR}/aecnn/quantize/*.hpp
  ${INCLUDE_DIR}/aecnn/entropy/*.hpp ${INCLUDE_DIR}/aecnn/bitstream/*.hpp)
# The adaptors are for those who already use Eigen or xtensor; core/tensor.hpp is what the decoder returns.
list(FILTER headers EXCLUDE REGEX "^aecnn/core/(adapt_[a-z_]+|tensor)\\.hpp$")
foreach(header aecnn/fwd.hpp aecnn/profile.hpp aecnn/encoder.hpp)
  if(EXISTS ${INCLUDE_DIR}/${header})
    list(APPEND headers ${header})
  endif()
endforeach()

foreach(header IN LISTS headers)
  execute_process(COMMAND ${COMPILER} -std=c++20 -M -I ${INCLUDE_DIR} -x c++ ${INCLUDE_DIR}/${header}
    OUTPUT_VARIABLE dependencies ERROR_VARIABLE errors RESULT_VARIABLE failed)
  if(failed)
    message(SEND_ERROR "${header}: ${errors}")
  elseif(dependencies MATCHES "/(eigen3|unsupported/Eigen|Eigen|xtensor|xtl|nlohmann)/")
    message(SEND_ERROR "${header}: reaches ${CMAKE_MATCH_1}")
  endif()
  file(STRINGS ${INCLUDE_DIR}/${header} heavy
    REGEX "# *include *<(algorithm|filesystem|fstream|functional|iostream|map|memory_resource|numeric|ostream|random|ranges|regex|sstream|thread|unordered_map|unordered_set)>")
  if(heavy)
    message(SEND_ERROR "${header}: ${heavy}, too expensive for the device side")
  endif()
endforeach()
