#include "network_info.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <aecnn/nn/network.hpp>
#include <aecnn/nn/onnx.hpp>

#include "network_file.hpp"

namespace program {

report network_info(const std::string& path, std::span<const std::byte> bytes) {
  const auto g = std::make_shared<const aecnn::nn::graph>(in_file(path, aecnn::nn::try_parse_onnx(bytes)));
  report r;
  r.text = "network '" + one_line(g->name) + "': " + std::to_string(g->nodes.size()) + " nodes, " +
           std::to_string(aecnn::nn::parameter_count(*g)) + " parameters\n";
  r.object = {{"kind", "network"},        {"name", g->name},
              {"bytes", bytes.size()},    {"inputs", json::array()},
              {"outputs", json::array()}, {"operators", json::object()},
              {"nodes", g->nodes.size()}, {"parameters", aecnn::nn::parameter_count(*g)}};

  // A batch that is left open is one item.
  auto shapes = g->input_shapes;
  bool closed = !shapes.empty();
  for (auto& shape : shapes)
    for (std::size_t k = 0; k < shape.size(); ++k) {
      if (k == 0 && shape[k] < 0 && shape.size() > 1) shape[k] = 1;
      closed = closed && shape[k] > 0;
    }
  auto net = aecnn::nn::network::create(g);
  std::string why = net ? "" : net.error().message;
  if (net && !closed) why = "an input leaves extents open";
  if (net && closed && !net->prepared())
    if (const auto s = net->prepare(shapes); !s) why = s.error().message;
  const bool prepared = net && net->prepared();

  for (std::size_t i = 0; i < g->inputs.size(); ++i) {
    const bool declared = !g->input_shapes.empty();
    r.object["inputs"].push_back(
        {{"name", g->inputs[i]}, {"shape", declared ? json(g->input_shapes[i]) : json(nullptr)}});
    r.text += "input '" + one_line(g->inputs[i]) + "': " + (declared ? joined(g->input_shapes[i]) : "any shape") + '\n';
  }
  for (std::size_t i = 0; i < g->outputs.size(); ++i) {
    r.object["outputs"].push_back(
        {{"name", g->outputs[i]}, {"shape", prepared ? json(net->output_shapes()[i]) : json(nullptr)}});
    r.text +=
        "output '" + one_line(g->outputs[i]) + "'" + (prepared ? ": " + joined(net->output_shapes()[i]) : "") + '\n';
  }
  std::map<std::string, std::size_t> operators;
  for (const auto& n : g->nodes) ++operators[n.op_type];
  std::vector<std::vector<std::string>> rows{{"operator", "nodes"}};
  for (const auto& [name, count] : operators) {
    rows.push_back({one_line(name), std::to_string(count)});
    r.object["operators"][name] = count;
  }
  r.text += table(rows);
  r.object["multiply_adds"] = prepared ? json(net->multiply_adds()) : json(nullptr);
  r.object["activation_bytes"] = prepared ? json(net->activation_bytes()) : json(nullptr);
  if (prepared)
    r.text += std::to_string(net->multiply_adds()) + " multiply-adds, " + std::to_string(net->activation_bytes()) +
              " bytes of activation memory\n";
  else
    r.text += (net ? "cost unknown: " : "does not run: ") + one_line(why) + '\n';
  r.object["runs"] = static_cast<bool>(net);
  r.object["error"] = prepared ? json(nullptr) : json(why);
  return r;
}

} // namespace program
