#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace antiphon::realtime {

/// How much of a run a client has: everything up to and including (seq, index), or all of it.
struct RunPoint {
  std::string key;  ///< run_key() of the run.
  std::int64_t seq = 0;
  std::int64_t index = 0;
  bool ended = false;
  std::int64_t ended_at = 0;  ///< Unix ms when it was seen to end; not on the wire.

  /// True when (seq, index) is included.
  bool covers(std::int64_t other_seq, std::int64_t other_index) const;
};

/// The last twelve characters of a run's id, most of them random (the first ones tell the time): enough
/// to tell a user's recent runs apart.
std::string run_key(std::string_view run_id);

/// How far the outbox has been seen. Every replica writes its own part of it, in the order of its ids,
/// and no order holds between them: so the last id of each, which tells in its lowest bits whose it is.
class Marks {
 public:
  static constexpr int kSlotBits = 10;
  static constexpr std::int64_t kSlots = 1 << kSlotBits;  ///< Replicas told apart.
  static constexpr std::size_t kMax = 32;                 ///< Replicas that have lately written.

  Marks() = default;
  static std::int64_t slot_of(std::int64_t id) { return id % kSlots; }

  /// Takes note of an id. False when it was seen already.
  bool advance(std::int64_t id);
  /// The last one seen of this slot; 0 for none.
  std::int64_t last(std::int64_t slot) const;
  void include(const Marks& other);
  bool covers(const Marks& other) const;
  const std::vector<std::int64_t>& ids() const { return ids_; }  ///< One a slot, in order of slots.

  /// `"<id>+<id>"`, "0" for none. Strict: nothing for what text() could not have written.
  static std::optional<Marks> parse(std::string_view text);
  std::string text() const;

 private:
  std::vector<std::int64_t> ids_;
};

/// What a client has seen of everything that can be replayed. Goes to the client as the offset of
/// each replayable event, `"<epoch>;<outbox>.<floor>;<run>:<seq>.<index>,<run>:*"`, so that any
/// process can go on from there without having known the client.
struct Position {
  std::string epoch;  ///< Of the log: another one means it was restored, so nothing fits.
  Marks outbox;       ///< Outbox events up to these ids.
  /// Unix ms: of runs not listed below, those that had ended by then are known (or older than the
  /// client); those that are live or ended later have not been seen at all.
  std::int64_t floor = 0;
  std::vector<RunPoint> runs;  ///< Live ones and those that ended less than a minute ago.
  /// False once there were too many to list: nobody can go on from here without doubling something,
  /// so whoever shows this position starts afresh.
  bool exact = true;

  static constexpr std::size_t kMaxRuns = 64;
  static constexpr std::size_t kMaxText = 4096;
  static constexpr std::string_view kInexact = "_;0.0;";  ///< text() of one that is not exact.

  /// Strict: nothing for text that text() could not have written.
  static std::optional<Position> parse(std::string_view text);
  std::string text() const;

  const RunPoint* find(std::string_view run_id) const;
  /// Takes note of an event. False when it was included already.
  bool advance_run(std::string_view run_id, std::int64_t seq, std::int64_t index, bool last,
                   std::int64_t now_ms);
  bool advance_outbox(std::int64_t id) { return outbox.advance(id); }
  /// The run is over, and everything of it has been seen. Nothing when it is not listed.
  void end_run(std::string_view run_id, std::int64_t now_ms);
  /// Folds runs that ended `age_ms` ago into the floor. Not earlier: one that ended before it might
  /// still be on its way.
  void fold(std::int64_t now_ms, std::int64_t age_ms = 60'000);
  /// Adds what `other` has seen; of what cannot all be listed, that counts more. Of another epoch, it
  /// is ignored.
  void include(const Position& other);
  /// True when nothing in `other` is beyond this position.
  bool covers(const Position& other) const;

 private:
  void make_room(std::int64_t now_ms);
};

}  // namespace antiphon::realtime
