// Runs ONNX's own node tests: every test below DIRECTORY whose operators the library has.
//
//   aecnn_onnx_node_tests DIRECTORY [LEAST [TEST...]]
//
// A test is a folder with model.onnx and data sets of input_*.pb and output_*.pb. Each is run twice: folded, where all
// inputs are constants, and, where its outputs are floats, compiled, where the floats are the network's inputs. Values
// are compared as ONNX's own runner does, |y - expected| <= 1e-7 + 1e-3 |expected|; integers exactly, after a Cast to
// float32. A test with integers may be skipped where the library does not have them; one of floats alone only where it is
// listed below. Prints one line an operator, and what was skipped and why. Exit status 1 where a test fails, or where fewer
// than LEAST pass.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <aecnn/io/file.hpp>
#include <aecnn/nn/graph_index.hpp>
#include <aecnn/nn/infer.hpp>
#include <aecnn/nn/network.hpp>
#include <aecnn/nn/onnx.hpp>
#include <aecnn/nn/operators/standard.hpp>

namespace {

namespace fs = std::filesystem;
namespace nn = aecnn::nn;
using aecnn::errc;
using nn::detail::onnx_message;

/// Why a test of floats is skipped although its operator is there; empty for all others.
std::string known_limitation(const std::string& test) {
  if (test.find("training") != std::string::npos) return "training";
  if (test.find("_3d") != std::string::npos &&
      (test.find("pool") != std::string::npos || test.find("conv") != std::string::npos))
    return "windows of three dimensions";
  if (test.find("_cubic") != std::string::npos) return "cubic interpolation";
  if (test.ends_with("FLOAT_to_BFLOAT16") || test.ends_with("FLOAT_to_BFLOAT16_expanded"))
    return "rounding to bfloat16; a Cast between floats changes nothing";
  if (test == "test_castlike_BFLOAT16_to_FLOAT_expanded")
    return "the data are not of the shape that the model declares";
  if (test.starts_with("test_pow_types_float32_") || test == "test_pow_types_int") return "exponents that are integers";
  return "";
}

struct skipped : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a model says of itself before it is imported.
struct model_outline {
  struct value {
    std::string name;
    std::optional<nn::onnx_type> type; ///< none: a sequence, an optional value, a map
  };
  std::vector<value> inputs, outputs;
  std::vector<std::string> operators; ///< sorted
};

model_outline::value read_value(onnx_message m) {
  model_outline::value v;
  while (m.next())
    if (m.field() == 1) {
      v.name = m.text();
    } else if (m.field() == 2) {
      for (onnx_message type = m.message("TypeProto"); type.next();)
        if (type.field() == 1)
          for (onnx_message tensor = type.message("TypeProto.Tensor"); tensor.next();)
            if (tensor.field() == 1)
              v.type = static_cast<nn::onnx_type>(tensor.integer());
            else
              tensor.skip();
        else
          type.skip();
    } else {
      m.skip();
    }
  return v;
}

std::string_view text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

model_outline read_outline(std::string_view bytes) {
  model_outline out;
  std::set<std::string> operators;
  const auto read_node = [&](onnx_message m) {
    std::string name, domain;
    while (m.next())
      if (m.field() == 4)
        name = m.text();
      else if (m.field() == 7)
        domain = m.text();
      else
        m.skip();
    operators.insert(domain.empty() ? name : domain + "::" + name);
  };
  for (onnx_message m(bytes, "ModelProto"); m.next();)
    if (m.field() == 7) {
      for (onnx_message g = m.message("GraphProto"); g.next();)
        if (g.field() == 1)
          read_node(g.message("NodeProto"));
        else if (g.field() == 11)
          out.inputs.push_back(read_value(g.message("ValueInfoProto")));
        else if (g.field() == 12)
          out.outputs.push_back(read_value(g.message("ValueInfoProto")));
        else
          g.skip();
    } else {
      m.skip();
    }
  out.operators.assign(operators.begin(), operators.end());
  return out;
}

std::vector<nn::weight> read_tensors(const fs::path& folder, const char* prefix,
                                     const std::vector<model_outline::value>& values) {
  std::vector<nn::weight> out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bytes = aecnn::io::read_file(folder / (prefix + std::to_string(i) + ".pb"));
    out.push_back(nn::detail::read_tensor(text_of(bytes), prefix, {}));
    nn::weight& w = out.back();
    w.name = values[i].name;
    // NumPy has no bfloat16: the files hold the bits as uint16.
    if (*values[i].type != nn::onnx_type::bfloat16 || w.type == nn::element_type::float32) continue;
    for (const std::int64_t bits : w.integers)
      w.values.push_back(aecnn::io::bfloat16_to_float(static_cast<std::uint16_t>(bits)));
    w.integers.clear();
    w.type = nn::element_type::float32;
  }
  return out;
}

/// Throws `wrong` at the first difference.
void compare(const nn::weight& expected, const std::vector<std::int64_t>& shape, const float* found, const char* how) {
  const std::string where = std::string(how) + ": output '" + expected.name + "'";
  if (shape != expected.shape)
    throw wrong(where + " has shape " + nn::to_string(shape) + ", expected " + nn::to_string(expected.shape));
  const bool integers = expected.type == nn::element_type::int64;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double e = integers ? static_cast<double>(expected.integers[i]) : static_cast<double>(expected.values[i]);
    const auto f = static_cast<double>(found[i]);
    const bool equal = std::isnan(e)   ? std::isnan(f)
                       : std::isinf(e) ? e == f
                       : integers      ? static_cast<double>(static_cast<float>(e)) == f
                                       : std::abs(f - e) <= 1e-7 + 1e-3 * std::abs(e);
    if (!equal)
      throw wrong(where + ", element " + std::to_string(i) + " is " + std::to_string(f) + ", expected " +
                  std::to_string(e));
  }
}

/// The graph with these inputs bound, and a Cast to float32 after outputs that are integers.
nn::graph import(const std::vector<std::byte>& model, std::vector<nn::weight> constants,
                 const std::vector<nn::weight>& outputs) {
  nn::graph g = nn::parse_onnx(model, {.bounds = {}, .constants = std::move(constants)});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].type == nn::element_type::float32) continue;
    std::string name = "float of " + g.outputs[i];
    g.nodes.push_back({"Cast", name, {g.outputs[i]}, {name}, {{"to", nn::attribute(std::int64_t{1})}}});
    g.outputs[i] = std::move(name);
  }
  return g;
}

void run_folded(const std::vector<std::byte>& model, const std::vector<nn::weight>& inputs,
                const std::vector<nn::weight>& outputs) {
  nn::graph constant = import(model, inputs, outputs);
  constant.inputs = {"a network has an input"}; // which nothing reads
  const auto g = std::make_shared<const nn::graph>(std::move(constant));
  const auto index = nn::graph_index::create(*g, nn::operator_set::standard(), {});
  if (!index) throw aecnn::error(index.error());
  const std::vector<std::vector<std::int64_t>> input_shapes{{1}};
  const auto typed = nn::infer(g, index->order(), input_shapes, nn::operator_set::standard(), {});
  if (!typed) throw aecnn::error(typed.error());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const nn::typed_value& v = typed->values[typed->outputs[i]];
    if (v.constant.floats == nullptr) throw wrong("folded: output '" + outputs[i].name + "' is not a constant");
    compare(outputs[i], v.type.shape, v.constant.floats, "folded");
  }
}

/// Returns false where no input is left to run with.
bool run_compiled(const std::vector<std::byte>& model, const std::vector<nn::weight>& inputs,
                  const std::vector<nn::weight>& outputs) {
  // What shapes depend on is a constant, too.
  static const std::set<std::string> parameters{"roi", "scales", "start", "limit", "delta"};
  std::vector<nn::weight> constants;
  std::vector<const nn::weight*> running;
  for (const nn::weight& w : inputs)
    if (w.type == nn::element_type::int64 || w.size() == 0 || parameters.contains(w.name))
      constants.push_back(w);
    else
      running.push_back(&w);
  if (running.empty()) return false;
  auto net = nn::network::create(import(model, constants, outputs)).value();
  std::vector<std::vector<std::int64_t>> shapes;
  std::vector<std::span<const float>> in;
  for (const nn::weight* w : running) {
    shapes.push_back(w->shape);
    in.emplace_back(w->values);
  }
  net.prepare(shapes).value();
  std::vector<std::vector<float>> found;
  std::vector<std::span<float>> out;
  for (std::size_t i = 0; i < outputs.size(); ++i) found.emplace_back(outputs[i].size(), 0.0F);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& shape = net.output_shapes()[i];
    if (shape != outputs[i].shape) compare(outputs[i], shape, nullptr, "compiled");
    out.emplace_back(found[i]);
  }
  for (int repeat = 0; repeat < 2; ++repeat) { // the second finds its memory used
    net.run_to(in, out).value();
    for (std::size_t i = 0; i < outputs.size(); ++i) compare(outputs[i], outputs[i].shape, found[i].data(), "compiled");
  }
  return true;
}

/// Runs all data sets of a test; throws `skipped`, `wrong` or aecnn::error. Returns whether it ran compiled, too.
bool run_test(const fs::path& folder, const model_outline& outline, const std::vector<std::byte>& model) {
  const auto check_types = [](const std::vector<model_outline::value>& values, const char* what) {
    for (const auto& v : values) {
      if (!v.type) throw skipped(std::string(what) + " that is no tensor");
      if (*v.type == nn::onnx_type::string || *v.type == nn::onnx_type::complex64 ||
          *v.type == nn::onnx_type::complex128)
        throw skipped(std::string(what) + " of " + nn::to_string(*v.type));
    }
  };
  check_types(outline.inputs, "input");
  check_types(outline.outputs, "output");
  if (const auto why = known_limitation(folder.filename().string()); !why.empty()) throw skipped(why);

  bool compiled = true;
  for (const auto& v : outline.outputs) compiled = compiled && nn::is_float(*v.type);
  bool floats_only = compiled;
  for (const auto& v : outline.inputs) floats_only = floats_only && nn::is_float(*v.type);
  std::size_t sets = 0;
  for (; fs::is_directory(folder / ("test_data_set_" + std::to_string(sets))); ++sets) {
    const fs::path data = folder / ("test_data_set_" + std::to_string(sets));
    const auto inputs = read_tensors(data, "input_", outline.inputs);
    const auto outputs = read_tensors(data, "output_", outline.outputs);
    try {
      run_folded(model, inputs, outputs);
    } catch (const aecnn::error& e) {
      if (!floats_only && e.code() == errc::unsupported) throw skipped(std::string("integers: ") + e.what());
      throw;
    }
    compiled = compiled && run_compiled(model, inputs, outputs);
  }
  if (sets == 0) throw wrong("has no data");
  return compiled;
}

struct counts {
  std::size_t passed = 0, compiled = 0, failed = 0, skipped = 0;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY [LEAST [TEST...]]\n", argv[0]);
    return 2;
  }
  const std::size_t least = argc > 2 ? static_cast<std::size_t>(std::strtoul(argv[2], nullptr, 10)) : 1;
  const std::set<std::string> wanted(argv + std::min(argc, 3), argv + argc);
  std::vector<fs::path> folders;
  try {
    for (const auto& entry : fs::directory_iterator(argv[1]))
      if (fs::exists(entry.path() / "model.onnx") &&
          (wanted.empty() || wanted.contains(entry.path().filename().string())))
        folders.push_back(entry.path());
  } catch (const fs::filesystem_error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
  std::sort(folders.begin(), folders.end());

  const nn::operator_set& known = nn::operator_set::standard();
  std::map<std::string, counts> per_operator;
  std::map<std::string, std::size_t> not_listed;
  std::vector<std::string> skips, failures;
  for (const fs::path& folder : folders) {
    const std::string test = folder.filename().string();
    std::string group;
    try {
      const auto model = aecnn::io::read_file(folder / "model.onnx");
      const model_outline outline = read_outline(text_of(model));
      const auto foreign = std::find_if(outline.operators.begin(), outline.operators.end(), [&](const std::string& op) {
        return op != "Constant" && known.find(op) == nullptr;
      });
      if (foreign != outline.operators.end()) {
        ++not_listed[*foreign];
        continue;
      }
      group = outline.operators.size() == 1 ? outline.operators[0] : "several";
      const bool compiled = run_test(folder, outline, model);
      ++per_operator[group].passed;
      if (compiled) ++per_operator[group].compiled;
    } catch (const skipped& e) {
      ++per_operator[group].skipped;
      skips.push_back(test + ": " + e.what());
    } catch (const std::exception& e) {
      ++per_operator[group].failed;
      failures.push_back(test + ": " + e.what());
    }
  }

  counts total;
  std::printf("%-24s %8s %8s %8s %8s\n", "operator", "passed", "compiled", "failed", "skipped");
  const auto print = [](const std::string& name, const counts& c) {
    std::printf("%-24s %8zu %8zu %8zu %8zu\n", name.c_str(), c.passed, c.compiled, c.failed, c.skipped);
  };
  for (const auto& [name, c] : per_operator) {
    print(name, c);
    total.passed += c.passed;
    total.compiled += c.compiled;
    total.failed += c.failed;
    total.skipped += c.skipped;
  }
  print("total", total);
  std::string untested;
  for (const auto& [name, maker] : known)
    if (!per_operator.contains(name)) untested += ' ' + name;
  if (wanted.empty()) std::printf("\nwithout a test of their own:%s\n", untested.c_str());
  std::printf("\nskipped:\n");
  for (const auto& s : skips) std::printf("  %s\n", s.c_str());
  std::printf("operators that the library does not have, and their tests:\n ");
  for (const auto& [name, n] : not_listed) std::printf(" %s %zu", name.c_str(), n);
  std::printf("\n");
  if (!failures.empty()) std::printf("\nfailed:\n");
  for (const auto& s : failures) std::printf("  %s\n", s.c_str());
  if (total.passed < least) std::printf("\nonly %zu tests passed, expected at least %zu\n", total.passed, least);
  return total.failed == 0 && total.passed >= least ? 0 : 1;
}
