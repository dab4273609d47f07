// A result that may be a failure cannot be dropped, and is no value by itself.
// case 1: nodiscard
// case 2: nodiscard
// case 3: cannot convert|no viable conversion
// case 4: message_part|no matching function for call to 'fail'
#include <aecnn/core/error.hpp>

aecnn::result<int> number();
aecnn::status done();
struct no_text {};

void all() {
  // These compile in every case.
  if (auto n = number()) static_cast<void>(*n + 1);
  if (!done()) return;
  static_cast<void>(aecnn::detail::fail(aecnn::errc::bad_shape, "height ", 3, ' ', 1.5));
#if AECNN_CASE == 1
  number();
#elif AECNN_CASE == 2
  done();
#elif AECNN_CASE == 3
  const int n = number();
#elif AECNN_CASE == 4
  static_cast<void>(aecnn::detail::fail(aecnn::errc::bad_shape, no_text{}));
#endif
}
