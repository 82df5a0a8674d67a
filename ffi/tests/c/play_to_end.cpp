// The C++ wrapper: plays the last seconds of an address and reads everything that the wrapper offers.
// usage: play_to_end URL EXPECTED_SECONDS
#include <kinora.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>

static void check(bool holds, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "%s does not hold\n", what);
  std::exit(1);
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  try {
    kinora::init();
    kinora_config config = kinora::default_config();
    config.audio = KINORA_AUDIO_OUTPUT_SILENT;
    kinora::Player made(config);
    std::atomic<int> wakes{0}, old{0};
    made.on_wake([&old] { old++; });
    made.on_wake([&wakes] { wakes++; });
    kinora::Player player(std::move(made));
    bool refused = false;
    try {
      player.load("::");
    } catch (const kinora::Error &error) {
      refused = error.code() == KINORA_ERROR_BAD_ADDRESS && error.advice() != nullptr;
    }
    check(refused, "a bad address is an exception with its code");
    const double expected = std::atof(argv[2]);
    kinora::LoadOptions options;
    options.start = std::chrono::nanoseconds(static_cast<long long>((expected - 3.0) * 1e9));
    options.text_language = "fr";
    const auto load = player.load(argv[1], options);
    const auto latency = player.set_live_latency(std::chrono::milliseconds(2500));
    bool replied = false, ended = false, asked = false, answered = false;
    std::uint64_t seek = 0, live = 0, dated = 0;
    int live_replies = 0;
    while (!ended) {
      auto event = player.wait_event(kinora::wait_forever);
      check(event.has_value(), "a wait without end ends with an event");
      check(event->kind() != KINORA_EVENT_TYPE_FAILED, "playback does not fail");
      replied |= event->kind() == KINORA_EVENT_TYPE_REPLY && event->command() == load;
      if (event->kind() == KINORA_EVENT_TYPE_FIRST_FRAME && !asked) {
        seek = player.seek_by(std::chrono::milliseconds(-500));
        asked = true;
        live = player.go_live();
        dated = player.seek_to_date(std::chrono::system_clock::now());
      }
      answered |= event->kind() == KINORA_EVENT_TYPE_REPLY && asked && event->command() == seek && event->error() == 0;
      if (event->kind() == KINORA_EVENT_TYPE_REPLY) {
        live_replies += event->command() == latency && event->error() == 0;
        live_replies += asked && event->command() == live && event->error() == KINORA_ERROR_INVALID_STATE;
        live_replies += asked && event->command() == dated && event->error() == KINORA_ERROR_INVALID_ARGUMENT;
      }
      ended = event->kind() == KINORA_EVENT_TYPE_ENDED;
    }
    check(answered, "the seek was answered");
    check(live_replies == 3, "commands of live playback are answered");
    check(wakes > 0, "the player wakes its host, also after it was moved");
    check(replied, "the load was answered");
    auto snapshot = player.snapshot();
    check(snapshot.info().state == KINORA_STATE_ENDED, "the state is ended");
    check(!snapshot.live() && !snapshot.info().is_live, "a film on demand is not live");
    check(!snapshot.qualities().empty() && !snapshot.tracks().empty(), "there is something to choose");
    std::size_t runs = 0;
    std::vector<kinora::Cue> kept;
    for (std::int64_t time = 0; time < snapshot.info().duration_ns; time += 500000000) {
      for (const auto &cue : snapshot.cues_at(time)) {
        std::string text;
        for (const auto *span : cue.spans()) text += span->text;
        check(text == cue.text && cue.layout->size > 0, "runs of text make the cue");
        runs += cue.spans().size();
        kept.push_back(cue);
      }
    }
    check(runs > 0, "there are subtitles");
    check(player.acquire_frame() != nullptr, "the last picture stays");
    check(!snapshot.stats_json().empty(), "there are counters");
    for (const auto &metadata : snapshot.metadata()) check(metadata.json[0] == '{', "metadata is JSON, too");
    const auto thumbnail = snapshot.thumbnail_at(std::chrono::seconds(1));
    if (thumbnail) check(thumbnail->url.rfind("http://", 0) == 0 && thumbnail->duration_ns > 0, "thumbnails have an address");
    // Cues outlive their snapshot and their player.
    snapshot = player.snapshot();
    player = kinora::Player(config);
    for (const auto &cue : kept) check(cue.layout->span_count == cue.spans().size() && cue.spans()[0]->text, "cues are kept");
    std::printf("played %.3f s\n", expected);
    return 0;
  } catch (const kinora::Error &error) {
    std::fprintf(stderr, "%u: %s\n", error.code(), error.what());
    return 1;
  }
}
