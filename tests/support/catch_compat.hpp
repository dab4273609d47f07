// Catch2, version 2 (one header) or version 3 (a library), under the same names: Approx, TEST_CASE, CHECK, GENERATE, ...
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
