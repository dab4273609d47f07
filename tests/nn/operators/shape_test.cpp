#include <aecnn/nn/operators/shape.hpp>

#include "evaluate.hpp"

using namespace evaluate;

TEST_CASE("shape: reshape", "[nn]") {
  const value x = counting({2, 3, 4});
  const auto reshaped = [&](whole_numbers v, attributes a = {}) {
    return first("Reshape", {x, vector_of(std::move(v))}, std::move(a));
  };
  CHECK(reshaped({4, 6}).type.shape == shape{4, 6});
  CHECK(reshaped({0, -1}).type.shape == shape{2, 12});
  CHECK(reshaped({-1}).type.shape == shape{24});
  CHECK(first("Reshape", {counting({0, 3}), vector_of({3, 0})}, {{"allowzero", std::int64_t{1}}}).type.shape ==
        shape{3, 0});
}

TEST_CASE("shape: flatten, squeeze, unsqueeze", "[nn]") {
  const value x = counting({2, 3, 4}), s = counting({1, 3, 1, 2});
  CHECK(first("Flatten", {x}).type.shape == shape{2, 12});
  CHECK(first("Flatten", {x}, {{"axis", std::int64_t{0}}}).type.shape == shape{1, 24});
  CHECK(first("Flatten", {x}, {{"axis", std::int64_t{-1}}}).type.shape == shape{6, 4});
  CHECK(first("Flatten", {x}, {{"axis", std::int64_t{3}}}).type.shape == shape{24, 1});
  CHECK(first("Squeeze", {s}).type.shape == shape{3, 2});
  CHECK(first("Squeeze", {s}, {{"axes", list{-2}}}).type.shape == shape{1, 3, 2});
  CHECK(first("Squeeze", {s, vector_of({0})}).type.shape == shape{3, 1, 2});
  CHECK(first("Unsqueeze", {x, vector_of({-1, 0})}).type.shape == shape{1, 2, 3, 4, 1});
  CHECK(first("Unsqueeze", {x}, {{"axes", list{1}}}).type.shape == shape{2, 1, 3, 4});
  CHECK(first("Unsqueeze", {whole({}, {5}), vector_of({0})}).integers == whole_numbers{5});
  CHECK(first("Flatten", {x}).floats == x.floats);
  CHECK((*make("Flatten", {x}))->is_view());
}

TEST_CASE("shape: identity and dropout", "[nn]") {
  const value x = counting({3});
  CHECK(first("Identity", {x}).floats == x.floats);
  CHECK(first("Identity", {whole({1}, {4})}).integers == whole_numbers{4});
  const auto both = all("Dropout", {x, constant({}, {0.7F}), whole({}, {0})}, {}, 2);
  CHECK(both[0].floats == x.floats);
  CHECK(both[1].integers == whole_numbers{1, 1, 1});
  CHECK(first("Dropout", {x}, {{"ratio", 0.25F}}).floats == x.floats);
  CHECK(error_of("Dropout", {x, constant({}, {0.7F}), whole({}, {1})}) == errc::unsupported);
}

TEST_CASE("shape: extents as values", "[nn]") {
  const value x = counting({2, 3, 4});
  CHECK(first("Shape", {x}).integers == whole_numbers{2, 3, 4});
  CHECK(first("Shape", {x}, {{"start", std::int64_t{-1}}}).integers == whole_numbers{4});
  CHECK(first("Shape", {x}, {{"start", std::int64_t{-9}}, {"end", std::int64_t{2}}}).integers == whole_numbers{2, 3});
  CHECK(first("Shape", {x}, {{"start", std::int64_t{2}}, {"end", std::int64_t{1}}}).type.shape == shape{0});
  CHECK(first("Size", {x}).integers == whole_numbers{24});
  CHECK(first("Size", {x}).type.shape.empty());
}

TEST_CASE("shape: refusals", "[nn]") {
  const value x = counting({2, 3, 4});
  CHECK(error_of("Reshape", {x, vector_of({5, -1})}) == errc::bad_shape);
  CHECK(error_of("Reshape", {x, vector_of({5, 5})}) == errc::bad_shape);
  CHECK(error_of("Reshape", {x, vector_of({-1, -1})}) == errc::bad_field);
  CHECK(error_of("Reshape", {x, vector_of({-2, 12})}) == errc::bad_field);
  CHECK(error_of("Reshape", {x, vector_of({1, 1, 1, 0})}) == errc::bad_field);
  CHECK(error_of("Reshape", {x, vector_of({INT64_MAX, INT64_MAX, 4})}) == errc::bad_field);
  CHECK(error_of("Reshape", {x, vector_of({0, -1})}, {{"allowzero", std::int64_t{1}}}) == errc::bad_shape);
  CHECK(error_of("Reshape", {x, whole({1, 1}, {24})}) == errc::bad_shape);
  CHECK(error_of("Reshape", {x, vector_of({1, 1, 1, 1, 1, 1, 1, 1, 24})}) == errc::bad_shape);
  value unknown = vector_of({24});
  unknown.constant = false;
  CHECK(error_of("Reshape", {x, unknown}) == errc::unsupported);
  CHECK(error_of("Flatten", {x}, {{"axis", std::int64_t{4}}}) == errc::bad_field);
  CHECK(error_of("Flatten", {computed({}, {1})}) == errc::bad_shape); // the default axis is 1
  CHECK(error_of("Squeeze", {x, vector_of({0})}) == errc::bad_shape);
  CHECK(error_of("Squeeze", {x, vector_of({3})}) == errc::bad_field);
  CHECK(error_of("Unsqueeze", {x}) == errc::missing_field);
  CHECK(error_of("Unsqueeze", {x, vector_of({0, -5})}) == errc::bad_field);
  CHECK(error_of("Unsqueeze", {x, vector_of({0, 1, 2, 3, 4, 5})}) == errc::limit_exceeded);
}
