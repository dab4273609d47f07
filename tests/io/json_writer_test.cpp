#include <aecnn/io/json_writer.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <catch_compat.hpp>

TEST_CASE("JSON text is compact and in the order of the calls", "[json_writer]") {
  aecnn::io::json_writer w;
  w.open('{');
  w.field("z", "a{[:\"\\\n");
  w.field("a", 3);
  w.field("low", std::int64_t{-9223372036854775807} - 1);
  w.texts("list", std::vector<std::string>{"x", "[", ""});
  w.texts("none", std::vector<std::string>{});
  w.key("nested");
  w.open('[');
  w.open('{');
  w.close('}');
  w.open('[');
  w.number(std::uint64_t{18446744073709551615U});
  w.number(1);
  w.close(']');
  w.close(']');
  w.field("end", 0.5);
  w.close('}');
  CHECK(w.result() == R"({"z":"a{[:\"\\\n","a":3,"low":-9223372036854775808,"list":["x","[",""],"none":[],)"
                      R"("nested":[{},[18446744073709551615,1]],"end":0.5})");
}

TEST_CASE("numbers are the shortest that read back", "[json_writer]") {
  const auto text = [](double v) {
    aecnn::io::json_writer w;
    w.number(v);
    return w.result();
  };
  CHECK(text(0) == "0");
  CHECK(text(0.1) == "0.1");
  CHECK(text(1e-300) == "1e-300");
  CHECK(text(123456.789) == "123456.789");
  CHECK(text(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(text(4.9406564584124654e-324) == "5e-324");
}
