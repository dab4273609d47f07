// How long an inference takes that is run locally, sent as an image, or split at an operating point: what the device computes, what crosses
// the channel, what the edge computes. Times of the machines are estimates that grow with use (duration_estimate.hpp); the channel's are
// those of rate_estimator.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>

#include <aecnn/offload/duration_estimate.hpp>
#include <aecnn/offload/rate_estimator.hpp>

namespace aecnn::offload {

/// What a transport adds to bytes.
struct transport_model {
  double packet_bytes = 1200;  ///< of the bytes in a packet, at most
  double header_bytes = 60;    ///< more for each packet: IP, UDP, DTLS or what there is
  double message_bytes = 0;    ///< more for each message: a frame of HTTP/2, gRPC's
  double loss = 0;             ///< share of packets that are lost and sent again, below 1

  /// Bytes on the wire, on average, for a message of `bytes`.
  double wire_bytes(double bytes) const {
    const double content = bytes + message_bytes;
    const double packets = packet_bytes > 0 ? std::ceil(content / packet_bytes) : 1;
    const double kept = loss > 0 && loss < 0.99 ? 1 - loss : loss <= 0 ? 1 : 0.01;
    return (content + header_bytes * (packets < 1 ? 1 : packets)) / kept;
  }
};

enum class strategy_kind { local, image, split };

/// A way to an answer. Local ones have neither bytes nor decode.
struct strategy {
  std::string name;
  strategy_kind kind = strategy_kind::local;
  std::size_t operating_point = 0; ///< of a profile, where kind is split
  double accuracy = 0;             ///< share of right answers, 0 to 1, as measured on data like the user's
  double bytes = 0;                ///< of a message, on average
  duration_estimate head;          ///< of the device: the network up to the split, all of it where kind is local, none for an image
  duration_estimate encode;        ///< of the device: the codec or the image's compression
  duration_estimate decode;        ///< of the edge
  duration_estimate tail;          ///< of the edge: the rest of the network, all of it for an image

  /// Seconds that machines compute, and their variance; stages that were never measured count as nothing.
  double computing() const { return head.mean() + encode.mean() + decode.mean() + tail.mean(); }
  double computing_variance() const { return head.variance() + encode.variance() + decode.variance() + tail.variance(); }
};

/// The time of one inference begun at `now` as a distribution: computing is normal, the logarithm of the rate is.
class completion_time {
public:
  completion_time(const strategy& s, const transport_model& t, const rate_estimator& channel, double now)
      : computing_(s.computing()), deviation_(std::sqrt(s.computing_variance() + floor_variance(s.computing()))) {
    if (s.kind == strategy_kind::local) return;
    bits_ = 8 * t.wire_bytes(s.bytes);
    round_trip_ = channel.round_trip() + channel.jitter();
    log_rate_ = std::log(channel.rate());
    spread_ = channel.spread(now);
  }

  /// The probability of at most `seconds`.
  double within(double seconds) const {
    if (bits_ == 0) return detail::normal_below((seconds - computing_) / deviation_);
    // By what computing leaves for sending: the rate's distribution is the wider one, so that what is integrated is smooth.
    return detail::normal_expectation([&](double z) {
      const double left = seconds - round_trip_ - (computing_ + deviation_ * z);
      return left > 0 ? detail::normal_below((log_rate_ - std::log(bits_ / left)) / spread_) : 0.0;
    });
  }

  /// Seconds that suffice with probability p, 0 < p < 1; at most 1e7.
  double quantile(double p) const {
    double low = 0, high = 1e-3;
    while (high < 1e7 && within(high) < p) high *= 2;
    for (int i = 0; i < 60; ++i) {
      const double middle = (low + high) / 2;
      (within(middle) < p ? low : high) = middle;
    }
    return high;
  }

private:
  // No machine is as regular as a few equal samples say.
  static double floor_variance(double seconds) { return 1e-4 * seconds * seconds + 1e-12; }

  double computing_ = 0, deviation_ = 1e-6, bits_ = 0, round_trip_ = 0, log_rate_ = 0, spread_ = 0;
};

} // namespace aecnn::offload
