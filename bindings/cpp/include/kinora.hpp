// Kinora for C++17: owns what the C interface hands out, and turns its error codes into exceptions.
// Header only. Thread rules are those of kinora.h.
#ifndef KINORA_HPP
#define KINORA_HPP

#include <kinora.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace kinora {

/// A call that failed: what() is the library's sentence.
class Error : public std::runtime_error {
 public:
  explicit Error(std::uint32_t code) : std::runtime_error(kinora_last_error_message()), code_(code) {}
  /// A code of kinora_errors.h.
  std::uint32_t code() const noexcept { return code_; }
  /// What a viewer can do; never null for codes of this library.
  const char *advice() const noexcept { return kinora_error_advice(code_); }

 private:
  std::uint32_t code_;
};

namespace detail {
inline void check(std::uint32_t code) {
  if (code != KINORA_ERROR_NONE) throw Error(code);
}
inline std::string text(const char *value) { return value ? std::string(value) : std::string(); }
template <typename T, void (*Destroy)(T **)>
struct Deleter {
  void operator()(T *object) const noexcept { Destroy(&object); }
};
template <typename T, void (*Destroy)(T **)>
using Owned = std::unique_ptr<T, Deleter<T, Destroy>>;
/// Returns an out-structure that knows its size.
template <typename T>
T sized() noexcept {
  T value{};
  value.struct_size = sizeof(T);
  return value;
}
}  // namespace detail

/// Sets up what the first Player would set up otherwise. May take a second: call it on a thread that may wait.
inline void init() { detail::check(kinora_init()); }

/// A wait without end for Player::wait_event().
inline constexpr std::chrono::milliseconds wait_forever{-1};

/// One event; empty strings where the C structure has NULL.
class Event {
 public:
  explicit Event(kinora_event *event) : event_(event) {}
  kinora_event_type kind() const noexcept { return event_->kind; }
  std::uint64_t command() const noexcept { return event_->command; }
  std::uint32_t error() const noexcept { return event_->error; }
  kinora_state state() const noexcept { return event_->state; }
  std::int64_t time_ns() const noexcept { return event_->time_ns; }
  std::int64_t duration_ns() const noexcept { return event_->duration_ns; }
  std::string text() const { return detail::text(event_->text); }
  std::string json() const { return detail::text(event_->json); }

 private:
  detail::Owned<kinora_event, kinora_event_destroy> event_;
};

/// A track to choose.
struct Track {
  kinora_track_kind kind;
  std::string id, language, label;
  bool selected;
};

/// A video quality to choose.
struct Quality {
  std::string id;
  std::uint64_t bitrate;
  std::uint32_t width, height;
  bool shown;
};

/// A cue on screen. It keeps its snapshot alive, and with it the layout and the spans.
struct Cue {
  std::int64_t start_ns, end_ns;
  std::string text;
  /// Place and look; lives as long as any copy of this cue.
  const kinora_cue_layout *layout;
  /// Owner of what `layout` points to.
  std::shared_ptr<const kinora_snapshot> snapshot;
  /// Returns the runs of text, each in one style. They live as long as the layout.
  std::vector<const kinora_cue_span *> spans() const { return {layout->spans, layout->spans + layout->span_count}; }
};

/// A piece of timed metadata; empty strings where nothing is declared.
struct Metadata {
  kinora_metadata_source source;
  std::string scheme, value, id;
  std::int64_t start_ns;
  /// -1 if unknown.
  std::int64_t duration_ns;
  /// In the format of the scheme; may hold any bytes.
  std::string body;
  /// Everything as JSON; bytes are in hexadecimal.
  std::string json;
};

/// A picture for the seek bar: a tile of the file at `url`.
struct Thumbnail {
  std::string url;
  std::int64_t start_ns, duration_ns;
  /// Bytes of the file; a length of 0 is the rest.
  std::uint64_t range_offset, range_length;
  /// Tile in pixels; a width of 0 is the whole picture.
  std::uint32_t x, y, width, height;
};

/// A request that failed and is tried again.
struct PendingRetry {
  /// Purpose of the request, such as "manifest" or "segment".
  std::string stage;
  /// Scheme, host and port of the server.
  std::string host;
  /// Code and sentence of the latest attempt's error.
  std::uint32_t error;
  std::string message;
  /// Attempts that have failed so far.
  std::uint32_t attempt;
  /// Times from the snapshot to the next attempt and to giving up.
  std::chrono::nanoseconds next_attempt, gives_up;
};

/// State of live playback.
struct Live {
  /// Range of times that can be played now, and the time that is live now.
  std::chrono::nanoseconds window_start, window_end, edge;
  /// Time from the production of the picture on screen to now, and the one that is held.
  std::chrono::nanoseconds latency, target;
  /// Playback holds its latency.
  bool is_following;
  /// Playback rate by which it does so; 1 is normal.
  double rate;
  kinora_clock_source clock;
  /// Maximum error of the clock; none if not known.
  std::optional<std::chrono::nanoseconds> clock_error;
  /// Universal time of presentation time zero since 1970-01-01T00:00:00Z; none without dates.
  std::optional<std::chrono::nanoseconds> epoch;
  kinora_live_delivery delivery;
};

/// Everything needed to draw a player, as it was at one moment.
class Snapshot {
 public:
  explicit Snapshot(kinora_snapshot *snapshot)
      : snapshot_(snapshot, [](kinora_snapshot *object) { kinora_snapshot_destroy(&object); }) {}

  kinora_snapshot_info info() const {
    auto value = detail::sized<kinora_snapshot_info>();
    detail::check(kinora_snapshot_state(snapshot_.get(), &value));
    return value;
  }
  std::vector<Track> tracks() const {
    std::vector<Track> all;
    for (std::size_t i = 0, n = info().track_count; i < n; i++) {
      auto t = detail::sized<kinora_track>();
      detail::check(kinora_snapshot_track(snapshot_.get(), i, &t));
      all.push_back({t.kind, detail::text(t.id), detail::text(t.language), detail::text(t.label), t.selected != 0});
    }
    return all;
  }
  std::vector<Quality> qualities() const {
    std::vector<Quality> all;
    for (std::size_t i = 0, n = info().quality_count; i < n; i++) {
      auto q = detail::sized<kinora_quality>();
      detail::check(kinora_snapshot_quality(snapshot_.get(), i, &q));
      all.push_back({detail::text(q.id), q.bitrate, q.width, q.height, q.shown != 0});
    }
    return all;
  }
  std::vector<Cue> cues_at(std::int64_t time_ns) const {
    std::vector<Cue> all;
    for (std::size_t i = 0;; i++) {
      auto cue = detail::sized<kinora_cue>();
      std::uint32_t found = 0;
      detail::check(kinora_snapshot_cue_at(snapshot_.get(), time_ns, i, &cue, &found));
      if (!found) return all;
      const kinora_cue_layout *layout = nullptr;
      detail::check(kinora_snapshot_cue_layout(snapshot_.get(), time_ns, i, &layout));
      all.push_back({cue.start_ns, cue.end_ns, detail::text(cue.text), layout, snapshot_});
    }
  }
  /// Returns the timed metadata that is known so far, ordered by begin.
  std::vector<Metadata> metadata() const {
    std::vector<Metadata> all;
    for (std::size_t i = 0;; i++) {
      auto m = detail::sized<kinora_metadata>();
      std::uint32_t found = 0;
      detail::check(kinora_snapshot_metadata(snapshot_.get(), i, &m, &found));
      if (!found) return all;
      std::string body;
      if (m.body_length > 0) body.assign(reinterpret_cast<const char *>(m.body), m.body_length);
      all.push_back({m.source, detail::text(m.scheme), detail::text(m.value), detail::text(m.id), m.start_ns,
                     m.duration_ns, std::move(body), detail::text(m.json)});
    }
  }
  /// Returns the picture for a time, of tiles at least `width` pixels wide if there are such.
  std::optional<Thumbnail> thumbnail_at(std::chrono::nanoseconds time, std::uint32_t width = 0) const {
    auto t = detail::sized<kinora_thumbnail>();
    std::uint32_t found = 0;
    detail::check(kinora_snapshot_thumbnail_at(snapshot_.get(), time.count(), width, &t, nullptr, 0, &found));
    if (!found) return std::nullopt;
    std::string url(t.url_length + 1, '\0');
    detail::check(
        kinora_snapshot_thumbnail_at(snapshot_.get(), time.count(), width, &t, &url[0], url.size(), &found));
    url.resize(t.url_length);
    return Thumbnail{std::move(url), t.start_ns, t.duration_ns, t.range_offset, t.range_length,
                     t.x,            t.y,        t.width,       t.height};
  }
  /// Returns the failed request that playback depends on most; none while nothing is being tried again.
  std::optional<PendingRetry> pending_retry() const {
    auto r = detail::sized<kinora_pending_retry>();
    std::uint32_t found = 0;
    detail::check(kinora_snapshot_pending_retry(snapshot_.get(), &r, &found));
    if (!found) return std::nullopt;
    return PendingRetry{detail::text(r.stage),    detail::text(r.host), r.error, detail::text(r.message), r.attempt,
                        std::chrono::nanoseconds(r.next_attempt_ns), std::chrono::nanoseconds(r.gives_up_ns)};
  }
  /// Returns the state of live playback; none on demand, and until the live edge is known.
  std::optional<Live> live() const {
    auto l = detail::sized<kinora_live_info>();
    std::uint32_t found = 0;
    detail::check(kinora_snapshot_live(snapshot_.get(), &l, &found));
    if (!found) return std::nullopt;
    using ns = std::chrono::nanoseconds;
    Live live{ns(l.window_start_ns), ns(l.window_end_ns), ns(l.edge_ns), ns(l.latency_ns), ns(l.target_ns),
              l.is_following != 0, l.rate, static_cast<kinora_clock_source>(l.clock), std::nullopt, std::nullopt,
              static_cast<kinora_live_delivery>(l.delivery)};
    if (l.clock_error_ns >= 0) live.clock_error = ns(l.clock_error_ns);
    if (l.has_dates) live.epoch = ns(l.epoch_unix_ns);
    return live;
  }
  std::string stats_json() const { return detail::text(kinora_snapshot_stats_json(snapshot_.get())); }
  /// The C object, for what is not wrapped here.
  const kinora_snapshot *get() const noexcept { return snapshot_.get(); }

 private:
  std::shared_ptr<const kinora_snapshot> snapshot_;
};

/// A decoded picture; read it through `->`.
using Frame = detail::Owned<kinora_frame, kinora_frame_destroy>;

/// What to load besides the main address.
struct LoadOptions {
  std::vector<std::string> fallback_urls;
  std::optional<std::chrono::nanoseconds> start;
  bool play_when_ready = true;
  std::string audio_language, text_language;
  /// ClearKey keys, each written as KID:KEY, and servers that have more.
  std::vector<std::string> keys, licence_servers;
};

/// The defaults of kinora_config, to be changed and handed to Player.
inline kinora_config default_config() {
  kinora_config config;
  detail::check(kinora_config_init(&config, sizeof config));
  return config;
}

/// A player. Commands answer their id; what became of them comes as an event.
class Player {
 public:
  explicit Player(const kinora_config &config = default_config()) {
    kinora_player *player = nullptr;
    detail::check(kinora_player_create(&config, &player));
    held_->player.reset(player);
  }

  /// Sets the function that is called when there are new events, a new snapshot or a new frame; an empty one ends that.
  /// It is called on threads of the player, perhaps once more while this returns, and must only wake a thread of
  /// yours: it must not use the player or throw. What it captures lives until it is replaced and has returned, at the
  /// latest until the player is destroyed.
  void on_wake(std::function<void()> wake) {
    if (!held_) detail::check(kinora_player_set_wakeup(nullptr, nullptr, nullptr));  // moved from: throws
    auto shared = wake ? std::make_shared<const std::function<void()>>(std::move(wake)) : nullptr;
    const bool wanted = shared != nullptr;
    held_->wake.set(std::move(shared));
    detail::check(kinora_player_set_wakeup(get(), wanted ? &Wake::call : nullptr, &held_->wake));
  }

  std::uint64_t load(const std::string &url, const LoadOptions &options = {}) {
    kinora_load_options raw;
    detail::check(kinora_load_options_init(&raw, sizeof raw));
    const auto pointers = [](const std::vector<std::string> &texts) {
      std::vector<const char *> out;
      for (const auto &text : texts) out.push_back(text.c_str());
      return out;
    };
    const auto fallbacks = pointers(options.fallback_urls);
    raw.fallback_urls = fallbacks.data();
    raw.fallback_count = fallbacks.size();
    const auto keys = pointers(options.keys);
    raw.keys = keys.data();
    raw.key_count = keys.size();
    const auto servers = pointers(options.licence_servers);
    raw.licence_servers = servers.data();
    raw.licence_server_count = servers.size();
    raw.start_ns = options.start ? options.start->count() : -1;
    raw.play_when_ready = options.play_when_ready ? 1 : 0;
    raw.audio_language = options.audio_language.empty() ? nullptr : options.audio_language.c_str();
    raw.text_language = options.text_language.empty() ? nullptr : options.text_language.c_str();
    return command([&](std::uint64_t *id) { return kinora_player_load(get(), url.c_str(), &raw, id); });
  }
  std::uint64_t play() { return command([&](auto *id) { return kinora_player_play(get(), id); }); }
  std::uint64_t pause() { return command([&](auto *id) { return kinora_player_pause(get(), id); }); }
  std::uint64_t stop() { return command([&](auto *id) { return kinora_player_stop(get(), id); }); }
  std::uint64_t seek(std::chrono::nanoseconds to, kinora_seek_mode mode = KINORA_SEEK_MODE_EXACT) {
    return command([&](auto *id) { return kinora_player_seek(get(), to.count(), mode, id); });
  }
  /// Goes by a span, negative for backwards.
  std::uint64_t seek_by(std::chrono::milliseconds span, kinora_seek_mode mode = KINORA_SEEK_MODE_EXACT) {
    return command([&](auto *id) { return kinora_player_seek_by(get(), span.count(), mode, id); });
  }
  /// Goes to a universal time of a live presentation with dates.
  std::uint64_t seek_to_date(std::chrono::system_clock::time_point date,
                             kinora_seek_mode mode = KINORA_SEEK_MODE_EXACT) {
    const auto unix_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(date.time_since_epoch()).count();
    return command([&](auto *id) { return kinora_player_seek_to_date(get(), unix_ns, mode, id); });
  }
  /// Goes to the live edge and plays there.
  std::uint64_t go_live() { return command([&](auto *id) { return kinora_player_go_live(get(), id); }); }
  /// Latency of live playback; zero is what the manifest asks for.
  std::uint64_t set_live_latency(std::chrono::milliseconds latency) {
    const auto ms = static_cast<std::uint64_t>(latency.count() > 0 ? latency.count() : 0);
    return command([&](auto *id) { return kinora_player_set_live_latency(get(), ms, id); });
  }
  std::uint64_t set_rate(double rate) {
    return command([&](auto *id) { return kinora_player_set_rate(get(), rate, id); });
  }
  std::uint64_t set_volume(double volume) {
    return command([&](auto *id) { return kinora_player_set_volume(get(), volume, id); });
  }
  std::uint64_t set_muted(bool muted) {
    return command([&](auto *id) { return kinora_player_set_muted(get(), muted ? 1 : 0, id); });
  }
  /// No value chooses automatically, the empty string none.
  std::uint64_t select_audio(const std::optional<std::string> &track) {
    return command([&](auto *id) { return kinora_player_select_audio(get(), raw(track), id); });
  }
  std::uint64_t select_text(const std::optional<std::string> &track) {
    return command([&](auto *id) { return kinora_player_select_text(get(), raw(track), id); });
  }
  std::uint64_t select_quality(const std::optional<std::string> &quality) {
    return command([&](auto *id) { return kinora_player_select_quality(get(), raw(quality), id); });
  }
  /// Data saver, in bits per second; 0 lifts the limit.
  std::uint64_t set_max_bitrate(std::uint64_t bits_per_second) {
    return command([&](auto *id) { return kinora_player_set_max_bitrate(get(), bits_per_second, id); });
  }
  /// The copy protection of the output that the program vouches for.
  std::uint64_t set_output_protection(kinora_output_protection protection) {
    return command([&](auto *id) { return kinora_player_set_output_protection(get(), protection, id); });
  }

  /// Returns the next event; none if the time is up or the player has ended. Zero only looks; a negative timeout, by name
  /// `wait_forever`, waits without end. A timeout longer than 49 days is shortened to that.
  std::optional<Event> wait_event(std::chrono::milliseconds timeout) const {
    constexpr std::chrono::milliseconds longest{std::numeric_limits<std::uint32_t>::max() - 1};
    const auto millis = static_cast<std::uint32_t>((timeout < longest ? timeout : longest).count());
    kinora_event *event = nullptr;
    detail::check(kinora_player_wait_event(get(), timeout.count() < 0 ? KINORA_WAIT_FOREVER : millis, &event));
    if (!event) return std::nullopt;
    return Event(event);
  }
  Snapshot snapshot() const {
    kinora_snapshot *snapshot = nullptr;
    detail::check(kinora_player_snapshot(get(), &snapshot));
    return Snapshot(snapshot);
  }
  std::chrono::nanoseconds position() const {
    std::int64_t nanos = 0;
    detail::check(kinora_player_position(get(), &nanos));
    return std::chrono::nanoseconds(nanos);
  }
  /// The newest picture if it is newer than `after_serial`; else null.
  Frame acquire_frame(std::uint64_t after_serial = 0) const {
    kinora_frame *frame = nullptr;
    detail::check(kinora_player_acquire_frame(get(), after_serial, &frame));
    return Frame(frame);
  }
  /// The C handle, for what is not wrapped here.
  kinora_player *get() const noexcept { return held_ ? held_->player.get() : nullptr; }

 private:
  /// Holds the function to call; calls that run keep the one that they began with.
  class Wake {
   public:
    using Function = std::shared_ptr<const std::function<void()>>;
    void set(Function function) {
      const std::lock_guard<std::mutex> lock(mutex_);
      function_.swap(function);
    }
    static void call(void *user) noexcept {
      auto *wake = static_cast<Wake *>(user);
      Function function;
      {
        const std::lock_guard<std::mutex> lock(wake->mutex_);
        function = wake->function_;
      }
      if (function) (*function)();
    }

   private:
    std::mutex mutex_;
    Function function_;
  };
  /// At one address, because the library calls `wake` by it; the player comes last, so that it ends first.
  struct Held {
    Wake wake;
    detail::Owned<kinora_player, kinora_player_destroy> player;
  };

  template <typename Call>
  static std::uint64_t command(Call call) {
    std::uint64_t id = 0;
    detail::check(call(&id));
    return id;
  }
  static const char *raw(const std::optional<std::string> &value) { return value ? value->c_str() : nullptr; }

  std::unique_ptr<Held> held_ = std::make_unique<Held>();
};

}  // namespace kinora

#endif  // KINORA_HPP
