/* Plays an address to its end without a window and checks every event on the way.
 * usage: play_to_end URL EXPECTED_SECONDS [FALLBACK_URL...]; exit status 0 when everything was as it must be. */
#include <kinora.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: %s does not hold (last error: %s)\n", __FILE__, __LINE__, #condition,                   \
              kinora_last_error_message());                                                                            \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

/* An out-structure begins with its size. */
#define SIZED(out) ((out)->struct_size = sizeof *(out), (out))

#define MAX_COMMANDS 16

typedef struct {
  uint64_t commands[MAX_COMMANDS];
  unsigned replies[MAX_COMMANDS];
  unsigned count;
  unsigned loaded, first_frames, seeks_started, seeks_completed, tracks_changed, ended, states;
  kinora_state state;
  int64_t duration_ns;
} journal;

static uint64_t *next_command(journal *log) {
  CHECK(log->count < MAX_COMMANDS);
  return &log->commands[log->count++];
}

static void note(journal *log, const kinora_event *event) {
  CHECK(event->json != NULL && event->json[0] == '{');
  switch (event->kind) {
  case KINORA_EVENT_TYPE_REPLY: {
    unsigned known = 0;
    CHECK(event->error == KINORA_ERROR_NONE);
    for (unsigned i = 0; i < log->count; i++) {
      if (log->commands[i] == event->command) {
        log->replies[i]++;
        known++;
      }
    }
    CHECK(known == 1);
    break;
  }
  case KINORA_EVENT_TYPE_STATE_CHANGED:
    CHECK(log->states == 0 || event->state != log->state);
    log->state = event->state;
    log->states++;
    break;
  case KINORA_EVENT_TYPE_LOADED:
    log->loaded++;
    break;
  case KINORA_EVENT_TYPE_TRACKS_CHANGED:
    log->tracks_changed++;
    break;
  case KINORA_EVENT_TYPE_FIRST_FRAME:
    CHECK(log->loaded == 1);
    CHECK(event->duration_ns > 0);
    log->first_frames++;
    break;
  case KINORA_EVENT_TYPE_SEEK_STARTED:
    log->seeks_started++;
    break;
  case KINORA_EVENT_TYPE_SEEK_COMPLETED:
    CHECK(event->duration_ns > 0);
    log->seeks_completed++;
    break;
  case KINORA_EVENT_TYPE_ENDED:
    log->ended++;
    break;
  case KINORA_EVENT_TYPE_FAILED:
    fprintf(stderr, "failed: %u %s: %s\n", event->error, kinora_error_name(event->error), event->text);
    exit(1);
  case KINORA_EVENT_TYPE_WARNING:
    fprintf(stderr, "warning: %u %s: %s\n", event->error, kinora_error_name(event->error), event->text);
    break;
  default:
    break;
  }
}

/* Takes events until `done` says so; a minute without any event is a hang. */
static void until(const kinora_player *player, journal *log, int (*done)(const journal *)) {
  while (!done(log)) {
    kinora_event *event = NULL;
    CHECK(kinora_player_wait_event(player, 60000, &event) == 0);
    CHECK(event != NULL);
    note(log, event);
    kinora_event_destroy(&event);
    CHECK(event == NULL);
  }
}

static int shown(const journal *log) { return log->first_frames > 0; }
static int sought(const journal *log) { return log->seeks_completed > 0; }
static int over(const journal *log) { return log->ended > 0; }

static void misuse(void) {
  kinora_player *player = NULL;
  kinora_event *event = NULL;
  CHECK(kinora_player_play(NULL, NULL) == KINORA_ERROR_INVALID_ARGUMENT);
  CHECK(kinora_last_error_code() == KINORA_ERROR_INVALID_ARGUMENT);
  CHECK(strlen(kinora_last_error_message()) > 0);
  CHECK(kinora_player_create(NULL, NULL) == KINORA_ERROR_INVALID_ARGUMENT);
  CHECK(kinora_player_wait_event(NULL, 0, &event) == KINORA_ERROR_INVALID_ARGUMENT && event == NULL);
  CHECK(kinora_error_name(4) == NULL);
  CHECK(strcmp(kinora_error_name(KINORA_ERROR_NOT_A_MANIFEST), "NotAManifest") == 0);
  kinora_player_destroy(NULL);
  kinora_player_destroy(&player);
  kinora_config config;
  CHECK(kinora_config_init(&config, sizeof config) == 0);
  config.video = 77;
  CHECK(kinora_player_create(&config, &player) == KINORA_ERROR_INVALID_ARGUMENT && player == NULL);
}

static void check_metadata(const kinora_snapshot *snapshot) {
  uint32_t found = 1;
  size_t count = 0;
  kinora_metadata metadata;
  for (;; count++) {
    CHECK(kinora_snapshot_metadata(snapshot, count, SIZED(&metadata), &found) == 0);
    if (!found) {
      break;
    }
    CHECK(metadata.json[0] == '{' && metadata.scheme != NULL && (metadata.body_length == 0 || metadata.body != NULL));
  }
  CHECK(kinora_snapshot_metadata(NULL, 0, SIZED(&metadata), &found) == KINORA_ERROR_INVALID_ARGUMENT);
  CHECK(kinora_snapshot_metadata(snapshot, 0, SIZED(&metadata), NULL) == KINORA_ERROR_INVALID_ARGUMENT);
  kinora_thumbnail thumbnail;
  char url[1024] = "";
  CHECK(kinora_snapshot_thumbnail_at(snapshot, 0, 100, SIZED(&thumbnail), url, sizeof url, &found) == 0);
  CHECK(found == (url[0] != '\0'));
  CHECK(kinora_snapshot_thumbnail_at(NULL, 0, 0, SIZED(&thumbnail), NULL, 0, &found) == KINORA_ERROR_INVALID_ARGUMENT);
}

static void check_tracks(const kinora_player *player) {
  kinora_snapshot *snapshot = NULL;
  kinora_snapshot_info info;
  CHECK(kinora_player_snapshot(player, &snapshot) == 0 && snapshot != NULL);
  CHECK(kinora_snapshot_state(snapshot, SIZED(&info)) == 0);
  CHECK(info.quality_count > 0);
  for (size_t i = 0; i < info.track_count; i++) {
    kinora_track track;
    CHECK(kinora_snapshot_track(snapshot, i, SIZED(&track)) == 0);
    CHECK(track.id != NULL && track.id[0] != '\0');
  }
  kinora_track none;
  CHECK(kinora_snapshot_track(snapshot, info.track_count, SIZED(&none)) == KINORA_ERROR_INVALID_ARGUMENT);
  uint64_t last = 0;
  for (size_t i = 0; i < info.quality_count; i++) {
    kinora_quality quality;
    CHECK(kinora_snapshot_quality(snapshot, i, SIZED(&quality)) == 0);
    CHECK(quality.bitrate >= last);
    last = quality.bitrate;
  }
  CHECK(kinora_snapshot_stats_json(snapshot)[0] == '{');
  check_metadata(snapshot);
  kinora_snapshot_destroy(&snapshot);
  CHECK(snapshot == NULL);
}

static void check_frame(const kinora_player *player) {
  kinora_frame *frame = NULL;
  CHECK(kinora_player_acquire_frame(player, 0, &frame) == 0);
  CHECK(frame != NULL && frame->serial > 0 && frame->plane_count >= 2);
  size_t sum = 0;
  for (uint32_t y = 0; y < frame->height; y++) {
    for (uint32_t x = 0; x < frame->width; x++) {
      sum += frame->planes[0].data[y * frame->planes[0].stride + x];
    }
  }
  CHECK(sum > 0);
  uint64_t serial = frame->serial;
  kinora_frame *newer = NULL;
  CHECK(kinora_player_acquire_frame(player, serial + 1000000, &newer) == 0 && newer == NULL);
  kinora_frame_destroy(&frame);
  CHECK(frame == NULL);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: play_to_end URL EXPECTED_SECONDS [FALLBACK_URL...]\n");
    return 2;
  }
  misuse();
  journal log;
  memset(&log, 0, sizeof log);
  kinora_config config;
  CHECK(kinora_config_init(&config, sizeof config) == 0);
  config.audio = KINORA_AUDIO_OUTPUT_SILENT;
  kinora_player *player = NULL;
  config.live_behind = 3;
  CHECK(kinora_player_create(&config, &player) == KINORA_ERROR_INVALID_ARGUMENT && player == NULL);
  config.live_behind = KINORA_BEHIND_LIVE_WINDOW_START;
  config.live_max_rate = NAN;
  CHECK(kinora_player_create(&config, &player) == KINORA_ERROR_INVALID_ARGUMENT && player == NULL);
  config.live_max_rate = 1.02;
  config.live_latency_ms = 3000;
  CHECK(kinora_player_create(&config, &player) == 0 && player != NULL);
  kinora_load_options options;
  CHECK(kinora_load_options_init(&options, sizeof options) == 0);
  options.text_language = "en";
  options.fallback_urls = (const char *const *)(argv + 3);
  options.fallback_count = (size_t)(argc - 3);
  CHECK(kinora_player_load(player, "not an address", NULL, NULL) == KINORA_ERROR_BAD_ADDRESS);
  CHECK(kinora_player_load(player, argv[1], &options, next_command(&log)) == 0);
  CHECK(kinora_player_set_volume(player, 0.5, next_command(&log)) == 0);
  CHECK(kinora_player_set_max_bitrate(player, 20000000, next_command(&log)) == 0);
  CHECK(kinora_player_set_output_protection(player, KINORA_OUTPUT_PROTECTION_HDCP_TYPE0, next_command(&log)) == 0);
  CHECK(kinora_player_set_output_protection(player, 9, NULL) == KINORA_ERROR_INVALID_ARGUMENT);
  CHECK(kinora_player_set_live_latency(player, 2500, next_command(&log)) == 0);
  CHECK(kinora_player_seek_to_date(player, 0, 2, NULL) == KINORA_ERROR_INVALID_ARGUMENT);
  until(player, &log, shown);
  check_tracks(player);
  check_frame(player);

  double expected = atof(argv[2]);
  int64_t target = (int64_t)((expected - 3.0) * 1e9);
  CHECK(kinora_player_pause(player, next_command(&log)) == 0);
  CHECK(kinora_player_seek(player, target, KINORA_SEEK_MODE_EXACT, next_command(&log)) == 0);
  CHECK(kinora_player_play(player, next_command(&log)) == 0);
  until(player, &log, sought);
  int64_t position = 0;
  CHECK(kinora_player_position(player, &position) == 0);
  CHECK(position >= target - 1000000 && position < target + 2000000000);
  until(player, &log, over);

  kinora_snapshot *snapshot = NULL;
  kinora_snapshot_info info;
  CHECK(kinora_player_snapshot(player, &snapshot) == 0);
  CHECK(kinora_snapshot_state(snapshot, SIZED(&info)) == 0);
  CHECK(info.state == KINORA_STATE_ENDED && info.error == 0);
  CHECK(fabs((double)info.duration_ns / 1e9 - expected) < 0.25);
  CHECK(fabs((double)info.position_ns / 1e9 - expected) < 0.25);
  CHECK(!info.is_live && info.buffering_reason == KINORA_BUFFERING_REASON_NONE);
  CHECK(info.volume == 0.5 && info.frames_presented > 0);
  kinora_cue cue;
  uint32_t found = 0, cues = 0;
  for (int64_t time = 0; time < info.duration_ns; time += 500000000) {
    CHECK(kinora_snapshot_cue_at(snapshot, time, 0, SIZED(&cue), &found) == 0);
    cues += found;
  }
  CHECK(cues > 0);
  /* A snapshot outlives its player. */
  kinora_player_destroy(&player);
  CHECK(player == NULL);
  CHECK(kinora_snapshot_state(snapshot, SIZED(&info)) == 0);
  kinora_snapshot_destroy(&snapshot);

  for (unsigned i = 0; i < log.count; i++) {
    CHECK(log.replies[i] == 1);
  }
  CHECK(log.loaded == 1 && log.seeks_started >= 1 && log.ended == 1 && log.tracks_changed > 0);
  printf("played %.3f s, %u state changes, %llu frames\n", expected, log.states,
         (unsigned long long)info.frames_presented);
  return 0;
}
