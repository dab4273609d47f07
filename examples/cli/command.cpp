#include "command.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <aecnn/core/limits.hpp>

namespace program {

std::vector<double> parse_numbers(std::string_view option, const std::string& text) {
  std::vector<double> numbers;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    char* rest = nullptr;
    const double v = std::strtod(item.c_str(), &rest);
    if (item.empty() || *rest != '\0' || !std::isfinite(v) || v <= 0)
      throw command_error(std::string(option) + ": '" + text + "', expected numbers above 0, separated by commas");
    numbers.push_back(v);
    begin = end + 1;
  }
  return numbers;
}

aecnn::shape3 parse_shape(std::string_view option, const std::string& text) {
  constexpr std::uint64_t most = aecnn::limits{}.max_elements; // below 2^32, so that no product overflows
  std::uint64_t extents[3] = {}, product = 1;
  std::size_t at = 0;
  for (int d = 0; d < 3; ++d) {
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && extents[d] <= most; ++at)
      extents[d] = extents[d] * 10 + static_cast<std::uint64_t>(text[at] - '0');
    const bool ends = d == 2 ? at == text.size() : at < text.size() && text[at++] == 'x';
    product = extents[d] > most ? 0 : product * extents[d];
    if (!ends || product == 0 || product > most)
      throw command_error(std::string(option) + ": '" + text + "', expected CxHxW, as in 32x16x16, of at most " +
                          std::to_string(most) + " elements");
  }
  return {static_cast<std::size_t>(extents[0]), static_cast<std::size_t>(extents[1]),
          static_cast<std::size_t>(extents[2])};
}

std::string joined(std::span<const std::size_t> extents) {
  std::string text;
  for (const std::size_t e : extents) {
    if (!text.empty()) text += 'x';
    text += std::to_string(e);
  }
  return text.empty() ? "scalar" : text;
}

std::string decimal(double v, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, v);
  return text;
}

std::string hexadecimal(unsigned long long v) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", v);
  return text;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(widths[c] - row[c].size(), ' ');
      line += c == 0 ? row[c] + space : "  " + space + row[c];
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

} // namespace program
