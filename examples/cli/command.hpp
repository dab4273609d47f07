// What the commands of the program aecnn share: how they are registered, what they return, how they fail.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <aecnn/core/error.hpp>
#include <aecnn/core/tensor_view.hpp>

namespace program {

using json = nlohmann::ordered_json;

/// What a command has to say: text for people, or, with --json, one object.
struct report {
  std::string text;
  json object;
};

/// A failure that is not the library's; the message names the file or option, what was found and what was expected.
struct command_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The command that the arguments ask for.
struct invocation {
  bool as_json = false;
  std::function<report()> run;
};

// Each adds one command to the program. Its options are read while the arguments are parsed; the work is done by run().
void add_calibrate(CLI::App& program, invocation& chosen);
void add_encode(CLI::App& program, invocation& chosen);
void add_decode(CLI::App& program, invocation& chosen);
void add_info(CLI::App& program, invocation& chosen);
void add_merge(CLI::App& program, invocation& chosen);
void add_symbols(CLI::App& program, invocation& chosen);
// These read ONNX files; they are there where the program was built with protozero (PROGRAM_READS_ONNX).
void add_run(CLI::App& program, invocation& chosen);
void add_eval(CLI::App& program, invocation& chosen);
void add_pack(CLI::App& program, invocation& chosen);

/// Adds the command `name` of `parent`; `fill(command, arguments)` declares its options, `run(arguments, chosen)` does
/// the work.
template <class Arguments, class Fill, class Run>
CLI::App* add_command(CLI::App& parent, invocation& chosen, const char* name, const char* description, Fill fill,
                      Run run) {
  CLI::App* command = parent.add_subcommand(name, description);
  const auto arguments = std::make_shared<Arguments>();
  fill(*command, *arguments);
  command->add_flag("--json", chosen.as_json, "Print one JSON object");
  command->callback(
      [arguments, run, &chosen] { chosen.run = [arguments, run, &chosen] { return run(*arguments, chosen); }; });
  return command;
}

/// Adds an option whose value is one of the names.
template <class T>
CLI::Option* add_choice(CLI::App& command, const char* option, T& value, std::vector<std::pair<std::string, T>> names,
                        const char* description) {
  std::string list;
  for (const auto& n : names) list += (list.empty() ? "" : "|") + n.first;
  const auto set = [&value, names = std::move(names), list, option](const std::string& text) {
    for (const auto& [name, v] : names)
      if (name == text) {
        value = v;
        return;
      }
    throw CLI::ValidationError(std::string(option) + ": '" + text + "', expected " + list);
  };
  return command.add_option_function<std::string>(option, set, description)->type_name(list);
}

/// The value, or a command_error whose message begins with the file's name.
template <class T>
T in_file(const std::filesystem::path& path, aecnn::result<T> r) {
  if (!r) throw command_error("'" + path.string() + "': " + r.error().message);
  return std::move(r).value();
}
inline void in_file(const std::filesystem::path& path, const aecnn::status& s) {
  if (!s) throw command_error("'" + path.string() + "': " + s.error().message);
}

/// "16,32.5" as numbers above 0; `option` is for the message.
std::vector<double> parse_numbers(std::string_view option, const std::string& text);
/// "32x16x16": three extents of at least 1, joined by 'x', whose product is within the library's limits.
aecnn::shape3 parse_shape(std::string_view option, const std::string& text);

/// "60x32x16x16"; "scalar" without extents.
std::string joined(std::span<const std::size_t> extents);

/// A number with so many decimals.
std::string decimal(double v, int decimals);
/// A content hash, 16 hexadecimal digits.
std::string hexadecimal(unsigned long long v);
/// Columns of equal width, the first flush left, the others flush right. The first row is the heading.
std::string table(const std::vector<std::vector<std::string>>& rows);
/// The text on one line: control characters become spaces.
std::string one_line(std::string text);

} // namespace program
