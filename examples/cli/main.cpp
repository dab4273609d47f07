// The program aecnn: calibrates profiles, encodes and decodes feature tensors, runs networks, looks into files.
// Exit status 0, or 1 with one line on stderr.
#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include <aecnn/core/config.hpp>

#include "command.hpp"

namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "aecnn: %s\n", program::one_line(message).c_str());
  return 1;
}

std::string version() {
  return "aecnn " + std::to_string(AECNN_VERSION_MAJOR) + '.' + std::to_string(AECNN_VERSION_MINOR) + '.' +
         std::to_string(AECNN_VERSION_PATCH);
}

} // namespace

int main(int argc, char** argv) {
  try {
    CLI::App app{"Compression of CNN feature tensors", "aecnn"};
    app.set_version_flag("--version", version());
    app.require_subcommand(1);
    program::invocation chosen;
    program::add_calibrate(app, chosen);
    program::add_encode(app, chosen);
    program::add_decode(app, chosen);
    program::add_info(app, chosen);
    program::add_merge(app, chosen);
    program::add_symbols(app, chosen);
#if PROGRAM_READS_ONNX
    program::add_run(app, chosen);
    program::add_eval(app, chosen);
    program::add_pack(app, chosen);
#endif
    if (argc > 1 && argv[1][0] != '-') {
      std::string names;
      bool known = false;
      for (const CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
        known = known || command->get_name() == argv[1];
        names += (names.empty() ? "" : ", ") + command->get_name();
      }
      if (!known) return fail("no command '" + std::string(argv[1]) + "', expected one of " + names);
    }
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help); // --help and --version
    } catch (const CLI::Error& usage) {
      std::string command = "aecnn";
      for (const CLI::App* a = &app; !a->get_subcommands().empty(); command += ' ' + a->get_name())
        a = a->get_subcommands().front();
      return fail(std::string(usage.what()) + " (see " + command + " --help)");
    }
    const program::report report = chosen.run();
    // Names of files need not be UTF-8; JSON must be.
    const std::string text = chosen.as_json
                                 ? report.object.dump(-1, ' ', false, program::json::error_handler_t::replace) + '\n'
                                 : report.text;
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      return fail("cannot write the report to standard output");
    return 0;
  } catch (const std::bad_alloc&) {
    return fail("out of memory");
  } catch (const std::exception& e) {
    return fail(e.what());
  }
}
