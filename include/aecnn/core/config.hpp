// The library's configuration macros: all of them, and nothing else.
//
// AECNN_EXCEPTIONS   1 where the compiler supports exceptions, else 0: functions that would throw end the program,
//                    their try_ forms return the failure.
// AECNN_SEPARATE_NETWORK   where defined, for all sources of a program alike, the kernels and operators of networks are
//                    compiled once, in the one source that includes aecnn/nn/separate.hpp (CMake: aecnn::separate),
//                    instead of in every source that includes a network. Only the time to compile differs.
#pragma once

#ifndef AECNN_EXCEPTIONS
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define AECNN_EXCEPTIONS 1
#else
#define AECNN_EXCEPTIONS 0
#endif
#endif

/// The library's version, also the CMake package's.
#define AECNN_VERSION_MAJOR 0
#define AECNN_VERSION_MINOR 1
#define AECNN_VERSION_PATCH 0
