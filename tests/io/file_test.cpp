#include <aecnn/io/file.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#if __has_include(<unistd.h>)
#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <catch_compat.hpp>

#include "io_support.hpp"

using aecnn::errc;
using aecnn::io::try_read_file;
using aecnn::io::try_write_file;
using namespace io_test;

namespace {
std::vector<std::byte> pattern(std::size_t n) {
  std::vector<std::byte> b(n);
  for (std::size_t i = 0; i < n; ++i) b[i] = static_cast<std::byte>((i * 2654435761U) >> 13);
  return b;
}
} // namespace

TEST_CASE("what is written is read", "[file]") {
  const scratch_directory scratch;
  for (const std::size_t n : {0U, 1U, 4095U, 4096U, 65535U, 65536U, 65537U, 300000U}) {
    const auto bytes = pattern(n);
    const auto path = scratch / std::to_string(n);
    REQUIRE(try_write_file(path, bytes));
    const auto back = try_read_file(path);
    REQUIRE(back);
    CHECK(*back == bytes);
  }
  CHECK(scratch.files() == 8); // no temporary file is left
}

TEST_CASE("an existing file is replaced, with its permissions", "[file]") {
  const scratch_directory scratch;
  const auto path = scratch / "file";
  REQUIRE(try_write_file(path, pattern(100)));
  namespace fs = std::filesystem;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  const auto before = fs::status(path).permissions();
  REQUIRE(try_write_file(path, text_bytes("new")));
  CHECK(to_text(aecnn::io::read_file(path)) == "new");
  CHECK(fs::status(path).permissions() == before);
  CHECK(scratch.files() == 1);
}

TEST_CASE("a symbolic link is followed, not replaced", "[file]") {
  const scratch_directory scratch;
  namespace fs = std::filesystem;
  fs::create_directory(scratch / "far");
  fs::create_symlink("far/target", scratch / "link");
  fs::create_symlink("link", scratch / "link-to-link");
  REQUIRE(try_write_file(scratch / "link-to-link", text_bytes("first"))); // the target does not exist yet
  REQUIRE(try_write_file(scratch / "link", text_bytes("second")));
  CHECK(fs::is_symlink(scratch / "link"));
  CHECK(fs::is_symlink(scratch / "link-to-link"));
  CHECK(to_text(aecnn::io::read_file(scratch / "far/target")) == "second");
  CHECK(scratch.files() == 3);
}

TEST_CASE("failures name the file and the system's reason", "[file]") {
  const scratch_directory scratch;
  const auto absent = scratch / "absent.npy";
  const auto read = try_read_file(absent);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == errc::io_error);
  CHECK(contains(read.error().message, absent.string()));
  CHECK(contains(read.error().message, "No such file"));
  CHECK_THROWS_AS(aecnn::io::read_file(absent), aecnn::error);

  const auto directory = try_read_file(scratch.path);
  REQUIRE_FALSE(directory);
  CHECK(directory.error().code == errc::io_error);

  const auto nowhere = scratch / "no/such/directory/file";
  const auto write = try_write_file(nowhere, pattern(3));
  REQUIRE_FALSE(write);
  CHECK(write.error().code == errc::io_error);
  CHECK(contains(write.error().message, nowhere.string()));
  CHECK(contains(write.error().message, "No such file"));
  CHECK_THROWS_AS(aecnn::io::write_file(nowhere, pattern(3)), aecnn::error);

  CHECK(try_write_file(scratch.path, pattern(3)).error().code == errc::io_error);
  CHECK(try_write_file("", pattern(3)).error().code == errc::io_error);
  REQUIRE(try_write_file(scratch / "file", pattern(3)));
  CHECK(try_write_file(scratch / "file/below", pattern(3)).error().code == errc::io_error);
  CHECK(scratch.files() == 1);
}

TEST_CASE("reading stops at the limit", "[file]") {
  const scratch_directory scratch;
  const auto path = scratch / "file";
  aecnn::io::write_file(path, pattern(1000));
  CHECK(try_read_file(path, {.max_file_bytes = 1000}));
  const auto over = try_read_file(path, {.max_file_bytes = 999});
  REQUIRE_FALSE(over);
  CHECK(over.error().code == errc::limit_exceeded);
  CHECK(contains(over.error().message, path.string()));
  CHECK(contains(over.error().message, "999"));
  CHECK(try_read_file(path, {.max_file_bytes = static_cast<std::size_t>(-1)})->size() == 1000);
  CHECK_FALSE(try_read_file(path, {.max_file_bytes = 0}));
  aecnn::io::write_file(path, {});
  CHECK(try_read_file(path, {.max_file_bytes = 0})->empty());
}

#if __has_include(<unistd.h>)
TEST_CASE("an endless device ends at the limit", "[file]") {
  const auto zeros = try_read_file("/dev/zero", {.max_file_bytes = 100000});
  REQUIRE_FALSE(zeros);
  CHECK(zeros.error().code == errc::limit_exceeded);
}

TEST_CASE("devices are written directly", "[file]") {
  CHECK(try_write_file("/dev/null", pattern(1000)));
  CHECK_FALSE(std::filesystem::is_regular_file("/dev/null"));
  if (std::filesystem::exists("/dev/full")) {
    const auto full = try_write_file("/dev/full", pattern(1000));
    REQUIRE_FALSE(full);
    CHECK(full.error().code == errc::io_error);
    CHECK(contains(full.error().message, "No space left"));
  }
}

namespace {
/// Lowers one of the process's limits while it exists.
class lowered_limit {
public:
  lowered_limit(int which, rlim_t most) : which_(which) {
    REQUIRE(::getrlimit(kind(), &before_) == 0);
    rlimit lower = before_;
    lower.rlim_cur = most;
    REQUIRE(::setrlimit(kind(), &lower) == 0);
  }
  lowered_limit(const lowered_limit&) = delete;
  lowered_limit& operator=(const lowered_limit&) = delete;
  ~lowered_limit() { static_cast<void>(::setrlimit(kind(), &before_)); }

private:
#if defined(__GLIBC__)
  __rlimit_resource kind() const { return static_cast<__rlimit_resource>(which_); }
#else
  int kind() const { return which_; }
#endif
  int which_;
  rlimit before_{};
};
} // namespace

TEST_CASE("a file that cannot be opened or written in full stays as it was", "[file]") {
  const scratch_directory scratch;
  const auto path = scratch / "file", other = scratch / "other";
  REQUIRE(try_write_file(path, text_bytes("old")));
  aecnn::status existing, absent, large;
  // A sanitizer opens files of its own where it meets the message's objects for the first time: here, not below.
  CHECK_FALSE(try_write_file(scratch / "none" / "file", pattern(10)));
  {
    const lowered_limit descriptors(RLIMIT_NOFILE, 0);
    existing = try_write_file(path, pattern(10));
    absent = try_write_file(other, pattern(10));
  }
  for (const aecnn::status* s : {&existing, &absent}) {
    REQUIRE_FALSE(*s);
    CHECK(s->error().code == errc::io_error);
    CHECK(contains(s->error().message, "Too many open files"));
  }
  CHECK(contains(existing.error().message, path.string()));
  CHECK(contains(absent.error().message, other.string()));
  {
    const auto before = std::signal(SIGXFSZ, SIG_IGN);
    const lowered_limit bytes(RLIMIT_FSIZE, 100000);
    large = try_write_file(path, pattern(100001));
    std::signal(SIGXFSZ, before);
  }
  REQUIRE_FALSE(large);
  CHECK(large.error().code == errc::io_error);
  CHECK(contains(large.error().message, path.string()));
  CHECK(contains(large.error().message, "File too large"));
  CHECK(to_text(aecnn::io::read_file(path)) == "old");
  CHECK(scratch.files() == 1); // no temporary file is left
}

TEST_CASE("pipes are read and written", "[file]") {
  const scratch_directory scratch;
  const auto pipe = scratch / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto bytes = pattern(200001);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(try_write_file(pipe, bytes) ? 0 : 1);
  const auto back = try_read_file(pipe);
  int state = -1;
  ::waitpid(child, &state, 0);
  CHECK(state == 0);
  REQUIRE(back);
  CHECK(*back == bytes);
  CHECK(std::filesystem::is_fifo(pipe));
}

TEST_CASE("a redirected standard output is written through, after what was printed before", "[file]") {
  const scratch_directory scratch;
  const auto target = scratch / "out";
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (std::freopen(target.c_str(), "wb", stdout) == nullptr) ::_exit(2);
    std::fputs("before ", stdout);
    const bool done = static_cast<bool>(try_write_file("/dev/stdout", text_bytes("content")));
    std::fputs(" after", stdout);
    std::fflush(stdout);
    ::_exit(done ? 0 : 1);
  }
  int state = -1;
  ::waitpid(child, &state, 0);
  CHECK(state == 0);
  CHECK(to_text(aecnn::io::read_file(target)) == "before content after");
  CHECK(scratch.files() == 1);
}

TEST_CASE("a write that fails midway leaves the existing file and no other", "[file]") {
  const scratch_directory scratch;
  const auto path = scratch / "file";
  aecnn::io::write_file(path, text_bytes("precious"));
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) { // no file may grow beyond 64 KiB here
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{65536, 65536};
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) ::_exit(2);
    const auto failed = try_write_file(path, pattern(100000));
    const bool right =
        !failed && failed.error().code == errc::io_error && contains(failed.error().message, "too large");
    const auto failed_new = try_write_file(scratch / "other", pattern(100000));
    ::_exit(right && !failed_new ? 0 : 1);
  }
  int state = -1;
  ::waitpid(child, &state, 0);
  CHECK(state == 0);
  CHECK(to_text(aecnn::io::read_file(path)) == "precious");
  CHECK(scratch.files() == 1);
}

TEST_CASE("a file without write permission is not replaced", "[file]") {
  if (::geteuid() == 0) {
    SUCCEED("root may write everything");
    return;
  }
  const scratch_directory scratch;
  const auto path = scratch / "file";
  aecnn::io::write_file(path, text_bytes("precious"));
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  const auto refused = try_write_file(path, text_bytes("new"));
  REQUIRE_FALSE(refused);
  CHECK(contains(refused.error().message, "Permission denied"));
  CHECK(to_text(aecnn::io::read_file(path)) == "precious");
}
#endif
