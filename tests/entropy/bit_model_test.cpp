#include <aecnn/entropy/bit_model.hpp>

#include <cstdint>

#include <catch_compat.hpp>
#include <random.hpp>

using aecnn::bit_model;

TEST_CASE("a model converges to the frequency of the bits") {
  for (const std::uint32_t p1 : {656U, 6554U, 32768U, 50000U, 64881U}) {
    random_integers random(p1);
    bit_model m;
    double sum = 0;
    constexpr int warm = 500, n = 20000;
    for (int i = 0; i < warm + n; ++i) {
      m.update(random.below(65536) < p1 ? 1 : 0);
      if (i >= warm) sum += m.p1();
    }
    // Truncation of the steps lets the averages sink by less than a rate's denominator: 128/65536 for the slow one.
    CHECK(sum / n == Approx(p1).margin(400));
  }
}

TEST_CASE("the first bits count as in an arithmetic mean") {
  bit_model m;
  m.update(1);
  // 1/2 + (1 - 1/2) / 1.5
  CHECK(m.p1() / 65536.0 == Approx(0.5 + 0.5 / 1.5).margin(1e-3));
  m.update(0);
  CHECK(m.p1() / 65536.0 == Approx((0.5 + 0.5 / 1.5) * (1 - 1 / 2.5)).margin(1e-3));
  CHECK(m.count == 2);
}

TEST_CASE("the two averages have the documented rates once settled") {
  bit_model m = bit_model::from(32768, bit_model::max_count);
  m.update(1);
  CHECK(m.quick == 32768 + (65535 - 32768) / 16);
  CHECK(m.slow == 32768 + (65535 - 32768) / 128);
  CHECK(m.count == bit_model::max_count);
}

TEST_CASE("probabilities stay inside 32 to 65504 for bits of any kind and from any state") {
  for (const unsigned bit : {0U, 1U}) {
    bit_model m;
    std::uint32_t last = m.p1();
    for (int i = 0; i < 5000; ++i) {
      m.update(bit);
      REQUIRE((m.p1() >= 32 && m.p1() <= 65504));
      REQUIRE((bit ? m.p1() >= last : m.p1() <= last));
      last = m.p1();
    }
    CHECK((bit ? last > 65000 : last < 500));
  }
  random_integers random(3);
  for (int i = 0; i < 100000; ++i) {
    bit_model m{static_cast<std::uint16_t>(random.below(65536)), static_cast<std::uint16_t>(random.below(65536)),
                static_cast<std::uint16_t>(random.below(128))};
    const auto bit = random.below(2);
    const bit_model before = m;
    m.update(bit);
    REQUIRE(m.count <= bit_model::max_count);
    REQUIRE((bit ? m.quick >= before.quick && m.slow >= before.slow : m.quick <= before.quick && m.slow <= before.slow));
    REQUIRE((m.p1() >= 32 && m.p1() <= 65504));
  }
  CHECK(bit_model{0, 0, 127}.p1() == 32);
  CHECK(bit_model{65535, 65535, 127}.p1() == 65504);
}

TEST_CASE("a confident state moves less than one without confidence") {
  bit_model sure = bit_model::from(20000, 127), open = bit_model::from(20000, 0);
  sure.update(1);
  open.update(1);
  CHECK(open.p1() > sure.p1() + 10000);
}
