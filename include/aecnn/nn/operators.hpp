// The operators that a network may use: from a name to the function that turns such a node into an operation.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <aecnn/core/error.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operation.hpp>

namespace aecnn::nn {

/// A table of operators. `standard()` holds every operator of the library; a copy of it takes operators of your own:
///
///   nn::operator_set mine = nn::operator_set::standard();
///   mine.add("MyOperator", make_my_operator);
///   auto net = nn::network::create(graph, {.operators = &mine});
class operator_set {
public:
  operator_set() = default;
  static const operator_set& standard(); // operators/standard.hpp

  /// Adds an operator or replaces the one of that name.
  void add(std::string op_type, operation_maker make) { makers_.insert_or_assign(std::move(op_type), make); }
  /// The maker of an operator, or null where it is unknown.
  operation_maker find(std::string_view op_type) const noexcept {
    const auto it = makers_.find(op_type);
    return it == makers_.end() ? nullptr : it->second;
  }
  auto begin() const noexcept { return makers_.begin(); }
  auto end() const noexcept { return makers_.end(); }

private:
  std::map<std::string, operation_maker, std::less<>> makers_;
};

} // namespace aecnn::nn
