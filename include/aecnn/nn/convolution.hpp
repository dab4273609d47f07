// Conv: two-dimensional convolution (cross-correlation, as in ONNX), any groups, strides, dilations and padding, with bias
// and a fused activation.
//
// The input gets its zero border once. Output pixels are taken 16 at a time (a strip); the pixels under one kernel tap are
// copied into a [taps * channels][16] panel, and the register-tiled kernel multiplies it with the weights, which were
// packed when the network was built. With stride 1 the strips run over the padded width, so that every copy is 16
// consecutive floats; the few pixels in the border are computed and dropped. Depthwise convolutions skip the panel.
// Cost: M * C/groups * taps multiply-adds an output pixel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <aecnn/core/error.hpp>
#include <aecnn/nn/matrix_kernel.hpp>
#include <aecnn/nn/node_reader.hpp>
#include <aecnn/nn/operation.hpp>
#include <aecnn/nn/window.hpp>

namespace aecnn::nn {

/// What Conv and ConvTranspose share: weights per output channel, bias, what can be folded into them.
struct convolution_weights {
  std::size_t inputs = 0, outputs = 0, groups = 1; ///< channels in, channels out
  std::vector<float> values, bias;
  activation after{};

  /// Scales and shifts the outputs. `channel_of(i)` is the output channel of weight i.
  template <class ChannelOf>
  bool fold(const channel_affine& f, ChannelOf channel_of) {
    if (after.type != activation::kind::none || (f.scale.size() != 1 && f.scale.size() != outputs)) return false;
    const auto at = [](const std::vector<double>& v, std::size_t c) { return v.size() == 1 ? v[0] : v[c]; };
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(values[i] * at(f.scale, channel_of(i)));
    if (bias.empty()) bias.resize(outputs);
    for (std::size_t c = 0; c < outputs; ++c) bias[c] = static_cast<float>(bias[c] * at(f.scale, c) + at(f.shift, c));
    return true;
  }
  bool fuse(const activation& a) {
    if (after.type != activation::kind::none) return false;
    after = a;
    return true;
  }
  status expect_channels(std::size_t found) const {
    if (found == inputs) return {};
    return aecnn::detail::fail(errc::bad_shape, "input has ", found, " channels, expected ", inputs);
  }
};

class convolution final : public operation {
public:
  convolution(convolution_weights weights, const window& w, instruction_set level)
      : weights_(std::move(weights)), window_(w), kernel_(kernel_for(level)) {}

  result<shape3> output_shape(std::span<const shape3> in) const override {
    if (auto s = weights_.expect_channels(in[0].channels); !s) return s.error();
    const auto g = place(window_, in[0]);
    if (!g) return g.error();
    return shape3{weights_.outputs, g->height, g->width};
  }

  std::uint64_t workspace(std::span<const shape3> in) const override {
    const window_geometry g = *place(window_, in[0]);
    const std::uint64_t plane = std::uint64_t{g.padded_height} * g.padded_width;
    if (depthwise()) return plane + tile_columns * stride(1);
    return panel_floats() + (g.padded(in[0]) ? group_inputs() * plane : 0);
  }

  std::uint64_t multiply_adds(std::span<const shape3> in) const override {
    const window_geometry g = *place(window_, in[0]);
    return std::uint64_t{g.height} * g.width * weights_.outputs * depth();
  }

  void run(std::span<const operand> in, float* out, shape3 shape, float* workspace) const noexcept override {
    const result<window_geometry> g = place(window_, in[0].shape);
    if (!g) return;
    if (depthwise()) return run_depthwise(in[0], *g, out, workspace);
    float* border = workspace + panel_floats();
    const std::size_t plane = g->padded_height * g->padded_width;
    for (std::size_t group = 0; group < weights_.groups; ++group) {
      const float* from = in[0].data + group * group_inputs() * in[0].shape.area();
      if (g->padded(in[0].shape)) {
        for (std::size_t c = 0; c < group_inputs(); ++c)
          copy_padded(from + c * in[0].shape.area(), in[0].shape, *g, border + c * plane);
        from = border;
      }
      run_group(group, from, *g, out + group * group_outputs() * shape.area(), workspace);
    }
  }

  bool fold(const channel_affine& f) override {
    return weights_.fold(f, [n = depth()](std::size_t i) { return i / n; });
  }
  bool fuse(const activation& a) override { return weights_.fuse(a); }

  /// Packs the weights as [group][8 output channels][tap][input channel][8].
  void seal() override {
    if (weights_.bias.empty()) weights_.bias.resize(weights_.outputs);
    if (depthwise()) return;
    const std::size_t taps = window_.taps();
    std::vector<float> packed(weights_.groups * panels() * depth() * tile_rows);
    for (std::size_t m = 0; m < weights_.outputs; ++m) {
      const std::size_t group = m / group_outputs(), row = m % group_outputs();
      float* to = packed.data() + (group * panels() + row / tile_rows) * depth() * tile_rows + row % tile_rows;
      for (std::size_t c = 0; c < group_inputs(); ++c)
        for (std::size_t t = 0; t < taps; ++t)
          to[(t * group_inputs() + c) * tile_rows] = weights_.values[(m * group_inputs() + c) * taps + t];
    }
    weights_.values = std::move(packed);
  }

private:
  /// The 16 output pixels of a strip: where to read them in the bordered input, and in which runs to store them.
  struct strip {
    struct run {
      std::size_t to;
      std::size_t first, count;
    };
    bool consecutive = false;
    std::size_t from[tile_columns];
    std::size_t run_count = 0;
    run runs[tile_columns];
  };

  std::size_t stride(std::size_t axis) const noexcept { return static_cast<std::size_t>(window_.strides[axis]); }
  std::size_t dilation(std::size_t axis) const noexcept { return static_cast<std::size_t>(window_.dilations[axis]); }
  std::size_t group_inputs() const noexcept { return weights_.inputs / weights_.groups; }
  std::size_t group_outputs() const noexcept { return weights_.outputs / weights_.groups; }
  std::size_t depth() const noexcept { return group_inputs() * window_.taps(); }
  std::size_t panels() const noexcept { return (group_outputs() + tile_rows - 1) / tile_rows; }
  bool depthwise() const noexcept { return weights_.groups > 1 && group_inputs() == 1; }

  /// Strips whose panels are held at once. Weights that do not fit the second-level cache are read once a batch.
  std::size_t strips_at_once() const noexcept {
    constexpr std::size_t cache = std::size_t{1} << 17; // floats
    if (panels() * depth() * tile_rows <= cache) return 1;
    const std::size_t n = cache / (depth() * tile_columns);
    return n < 1 ? 1 : n > max_strips ? max_strips : n;
  }
  std::size_t panel_floats() const noexcept { return strips_at_once() * depth() * tile_columns; }

  /// Whether strips run over the padded width: not where that would compute a third more strips.
  bool over_border(const window_geometry& g) const noexcept {
    if (stride(0) != 1 || stride(1) != 1) return false;
    const std::size_t bordered = ((g.height - 1) * g.padded_width + g.width + tile_columns - 1) / tile_columns;
    return 3 * bordered <= 4 * ((g.height * g.width + tile_columns - 1) / tile_columns);
  }

  void locate(strip& s, const window_geometry& g, bool bordered, std::size_t first, std::size_t total) const noexcept {
    const std::size_t pitch = bordered ? g.padded_width : g.width;
    s.consecutive = bordered;
    s.run_count = 0;
    if (bordered) s.from[0] = first;
    std::size_t y = first / pitch, x = first % pitch;
    for (std::size_t j = 0; j < tile_columns; ++j) {
      if (first + j >= total) {
        if (!bordered) s.from[j] = s.from[j - 1];
        continue;
      }
      if (!bordered) s.from[j] = y * stride(0) * g.padded_width + x * stride(1);
      if (x < g.width) {
        const std::size_t to = y * g.width + x;
        if (s.run_count > 0 && s.runs[s.run_count - 1].first + s.runs[s.run_count - 1].count == j &&
            s.runs[s.run_count - 1].to + s.runs[s.run_count - 1].count == to)
          ++s.runs[s.run_count - 1].count;
        else
          s.runs[s.run_count++] = {to, j, 1};
      }
      if (++x == pitch) {
        x = 0;
        ++y;
      }
    }
  }

  void fill_panel(const strip& s, const float* from, const window_geometry& g, float* panel) const noexcept {
    const std::size_t plane = g.padded_height * g.padded_width;
    for (std::size_t ky = 0; ky < static_cast<std::size_t>(window_.kernel[0]); ++ky)
      for (std::size_t kx = 0; kx < static_cast<std::size_t>(window_.kernel[1]); ++kx) {
        const std::size_t offset = ky * dilation(0) * g.padded_width + kx * dilation(1);
        const float* p = from + offset;
        if (!s.consecutive) {
          for (std::size_t c = 0; c < group_inputs(); ++c, p += plane, panel += tile_columns)
            for (std::size_t j = 0; j < tile_columns; ++j) panel[j] = p[s.from[j]];
          continue;
        }
        const std::size_t left = plane - offset - s.from[0]; // floats to the end of the channel
        p += s.from[0];
        if (left >= tile_columns) {
          for (std::size_t c = 0; c < group_inputs(); ++c, p += plane, panel += tile_columns)
            std::memcpy(panel, p, tile_columns * sizeof(float));
        } else {
          for (std::size_t c = 0; c < group_inputs(); ++c, p += plane, panel += tile_columns) {
            std::memset(panel, 0, tile_columns * sizeof(float));
            std::memcpy(panel, p, left * sizeof(float));
          }
        }
      }
  }

  void run_group(std::size_t group, const float* from, const window_geometry& g, float* out,
                 float* panel) const noexcept {
    const bool bordered = over_border(g);
    const std::size_t total = bordered ? (g.height - 1) * g.padded_width + g.width : g.height * g.width;
    const std::size_t at_once = strips_at_once(), rows = group_outputs(), area = g.height * g.width;
    const float* packed = weights_.values.data() + group * panels() * depth() * tile_rows;
    const float* bias = weights_.bias.data() + group * rows;
    strip strips[max_strips];
    for (std::size_t first = 0; first < total; first += at_once * tile_columns) {
      std::size_t n = 0;
      for (; n < at_once && first + n * tile_columns < total; ++n) {
        locate(strips[n], g, bordered, first + n * tile_columns, total);
        fill_panel(strips[n], from, g, panel + n * depth() * tile_columns);
      }
      for (std::size_t row = 0; row < rows; row += tile_rows)
        for (std::size_t i = 0; i < n; ++i) {
          alignas(64) float tile[tile_rows * tile_columns];
          kernel_(packed + row * depth(), panel + i * depth() * tile_columns, depth(), tile);
          for (std::size_t r = 0; r < tile_rows && row + r < rows; ++r)
            store(tile + r * tile_columns, bias[row + r], strips[i], out + (row + r) * area);
        }
    }
  }

  void store(float* values, float bias, const strip& s, float* out) const noexcept {
    for (std::size_t j = 0; j < tile_columns; ++j) values[j] += bias;
    weights_.after.apply(values, tile_columns);
    if (s.run_count == 1 && s.runs[0].count == tile_columns) {
      std::memcpy(out + s.runs[0].to, values, tile_columns * sizeof(float));
      return;
    }
    for (std::size_t i = 0; i < s.run_count; ++i)
      for (std::size_t j = 0; j < s.runs[i].count; ++j) out[s.runs[i].to + j] = values[s.runs[i].first + j];
  }

  void run_depthwise(const operand& in, const window_geometry& g, float* out, float* border) const noexcept {
    const std::size_t taps = window_.taps(), step = stride(1);
    // The last strip of the last row reads beyond the channel.
    std::memset(border + g.padded_height * g.padded_width, 0, tile_columns * step * sizeof(float));
    for (std::size_t m = 0; m < weights_.outputs; ++m) {
      if (m % group_outputs() == 0) copy_padded(in.data + m / group_outputs() * in.shape.area(), in.shape, g, border);
      const float* w = weights_.values.data() + m * taps;
      for (std::size_t y = 0; y < g.height; ++y) {
        for (std::size_t x = 0; x < g.width; x += tile_columns) {
          float sum[tile_columns];
          for (float& v : sum) v = weights_.bias[m];
          for (std::size_t t = 0; t < taps; ++t) {
            const std::size_t ky = t / static_cast<std::size_t>(window_.kernel[1]),
                              kx = t % static_cast<std::size_t>(window_.kernel[1]);
            const float* p = border + (y * stride(0) + ky * dilation(0)) * g.padded_width + x * step + kx * dilation(1);
            if (step == 1)
              for (std::size_t j = 0; j < tile_columns; ++j) sum[j] += w[t] * p[j];
            else
              for (std::size_t j = 0; j < tile_columns; ++j) sum[j] += w[t] * p[j * step];
          }
          weights_.after.apply(sum, tile_columns);
          const std::size_t n = g.width - x < tile_columns ? g.width - x : tile_columns;
          for (std::size_t j = 0; j < n; ++j) out[x + j] = sum[j];
        }
        out += g.width;
      }
    }
  }

  static constexpr std::size_t max_strips = 16;
  convolution_weights weights_;
  window window_;
  matrix_kernel kernel_;
};

/// Reads channels, groups and bias of Conv or ConvTranspose; `transposed` swaps the weight's first two axes.
inline convolution_weights read_convolution_weights(node_reader& r, const weight& w, bool transposed) {
  convolution_weights out;
  const auto groups = r.integer("group", 1, 1, 1 << 24);
  if (r.failed()) return out;
  out.groups = static_cast<std::size_t>(groups);
  const auto first = static_cast<std::size_t>(w.shape[0]), second = static_cast<std::size_t>(w.shape[1]);
  if (first % out.groups != 0)
    r.fail(errc::bad_shape, "weight '", w.name, "' has shape ", to_string(w.shape), ", not divisible into ", groups,
           " groups");
  out.inputs = transposed ? first : second * out.groups;
  out.outputs = transposed ? second * out.groups : first;
  out.bias = r.vector(2, "bias", out.outputs, false);
  out.values = w.values;
  return out;
}

/// The weight of Conv or ConvTranspose: rank 4.
inline const weight* read_convolution_weight(node_reader& r) {
  r.expect_inputs(2, 3);
  r.expect_activation(0);
  const weight* w = r.required_weight(1, "weight");
  if (w != nullptr && w->shape.size() != 4)
    r.fail(errc::bad_shape, "weight '", w->name, "' has shape ", to_string(w->shape), ", expected four dimensions");
  return r.failed() ? nullptr : w;
}

inline result<std::unique_ptr<operation>> make_convolution(node_reader& r, instruction_set level) {
  r.expect_attributes({"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  const weight* w = read_convolution_weight(r);
  if (w == nullptr) return r.error();
  convolution_weights weights = read_convolution_weights(r, *w, false);
  const window window = read_window(r, w->shape);
  if (r.failed()) return r.error();
  return std::unique_ptr<operation>(std::make_unique<convolution>(std::move(weights), window, level));
}

} // namespace aecnn::nn
