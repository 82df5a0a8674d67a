/* A program that knows other structures than the library, each right before a page that faults when it is touched.
 * usage: sized URL; exit status 0 when the library stayed within each structure and served it.
 * Compiled against the header as it is, against one without the last field of each structure that carries its size
 * (-DSHRUNK), and against one that has more fields (-DGROWN). */
#include <kinora.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: %s does not hold (last error: %s)\n", __FILE__, __LINE__, #condition,                   \
              kinora_last_error_message());                                                                            \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

/* Memory of `size` bytes, full of rubbish, that ends where a page begins that may not be touched. */
static void *guarded(size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page;
  char *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED && mprotect(memory + room, page, PROT_NONE) == 0);
  memset(memory, 0x5a, room);
  return memory + room - size;
}

#ifdef GROWN
/* Fields that only this program knows are zero. */
#define CHECK_LATER(out)                                                                                               \
  for (size_t later = 0; later < sizeof (out)->later / sizeof (out)->later[0]; later++) CHECK((out)->later[later] == 0)
#else
#define CHECK_LATER(out) ((void)0)
#endif

/* Calls a function that fills a structure: with sizes that have no room for a field it must refuse and write nothing. */
#define FILL(type, out, call)                                                                                          \
  do {                                                                                                                 \
    static const size_t few[] = {0, 1, sizeof(size_t)};                                                                \
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {                                                            \
      type before;                                                                                                     \
      (out)->struct_size = few[i];                                                                                     \
      memcpy(&before, (out), sizeof before);                                                                           \
      CHECK((call) == KINORA_ERROR_INVALID_ARGUMENT && memcmp(&before, (out), sizeof before) == 0);                    \
    }                                                                                                                  \
    (out)->struct_size = sizeof *(out);                                                                                \
    CHECK((call) == 0 && (out)->struct_size == sizeof *(out));                                                         \
  } while (0)

static void until(const kinora_player *player, kinora_event_type kind) {
  for (kinora_event_type got = KINORA_EVENT_TYPE_OTHER; got != kind;) {
    kinora_event *event = NULL;
    CHECK(kinora_player_wait_event(player, 60000, &event) == 0 && event != NULL);
    CHECK(event->kind != KINORA_EVENT_TYPE_FAILED && event->kind != KINORA_EVENT_TYPE_ENDED);
    got = event->kind;
    kinora_event_destroy(&event);
  }
}

static void check_snapshot(const kinora_snapshot *snapshot) {
  kinora_snapshot_info *info = guarded(sizeof *info);
  FILL(kinora_snapshot_info, info, kinora_snapshot_state(snapshot, info));
  CHECK(info->track_count > 0 && info->quality_count > 0 && info->duration_ns > 0);
  CHECK_LATER(info);
  kinora_track *track = guarded(sizeof *track);
  FILL(kinora_track, track, kinora_snapshot_track(snapshot, 0, track));
  CHECK(track->id[0] != '\0');
  CHECK_LATER(track);
  kinora_quality *quality = guarded(sizeof *quality);
  FILL(kinora_quality, quality, kinora_snapshot_quality(snapshot, 0, quality));
  CHECK(quality->id[0] != '\0' && quality->bitrate > 0 && quality->height > 0);
  CHECK_LATER(quality);
  kinora_cue *cue = guarded(sizeof *cue);
  uint32_t found = 0;
  for (int64_t time = 0; time < info->duration_ns && !found; time += 250000000) {
    FILL(kinora_cue, cue, kinora_snapshot_cue_at(snapshot, time, 0, cue, &found));
  }
  CHECK(found && cue->text[0] != '\0' && cue->start_ns < cue->end_ns);
  CHECK_LATER(cue);
  kinora_metadata *metadata = guarded(sizeof *metadata);
  FILL(kinora_metadata, metadata, kinora_snapshot_metadata(snapshot, 0, metadata, &found));
  CHECK(found && strcmp(metadata->scheme, "urn:x") == 0 && metadata->body_length == 2);
  CHECK_LATER(metadata);
  kinora_pending_retry *retry = guarded(sizeof *retry);
  FILL(kinora_pending_retry, retry, kinora_snapshot_pending_retry(snapshot, retry, &found));
  CHECK(!found);
  kinora_live_info *live = guarded(sizeof *live);
  FILL(kinora_live_info, live, kinora_snapshot_live(snapshot, live, &found));
  CHECK(!found);
  kinora_thumbnail *thumbnail = guarded(sizeof *thumbnail);
  char url[1024] = "";
  FILL(kinora_thumbnail, thumbnail,
       kinora_snapshot_thumbnail_at(snapshot, 0, 0, thumbnail, url, sizeof url, &found));
  CHECK(found && strncmp(url, "http://", 7) == 0 && thumbnail->width == 160 && thumbnail->duration_ns > 0);
  CHECK_LATER(thumbnail);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: sized URL\n");
    return 2;
  }
  CHECK(kinora_abi_version() == KINORA_ABI_VERSION);
  CHECK(kinora_init() == 0 && kinora_init() == 0);
  kinora_config *config = guarded(sizeof *config);
  CHECK(kinora_config_init(config, sizeof *config) == 0 && config->struct_size == sizeof *config);
  CHECK(config->live_latency_ms == 0 && config->live_min_rate < 1.0 && config->live_max_rate > 1.0);
  CHECK(config->buffer_goal_ms > 0 && config->max_height == 0 && config->max_bitrate_bps == 0);
  CHECK_LATER(config);
  config->audio = KINORA_AUDIO_OUTPUT_SILENT;
  kinora_load_options *options = guarded(sizeof *options);
  CHECK(kinora_load_options_init(options, sizeof *options) == 0 && options->struct_size == sizeof *options);
  CHECK(options->start_ns == -1 && options->play_when_ready == 1 && options->keys == NULL);
  CHECK_LATER(options);
  options->text_language = "en";
#ifdef GROWN /* A wish that this library does not know yet. */
  config->later[0] = 7;
  options->later[0] = 7;
#endif
  kinora_player *player = NULL;
  CHECK(kinora_player_create(config, &player) == 0);
  CHECK(kinora_player_load(player, argv[1], options, NULL) == 0);
  until(player, KINORA_EVENT_TYPE_CUES_CHANGED);
  kinora_snapshot *snapshot = NULL;
  CHECK(kinora_player_snapshot(player, &snapshot) == 0);
  check_snapshot(snapshot);
  kinora_snapshot_destroy(&snapshot);
  kinora_player_destroy(&player);

  /* A player that keeps no pictures hands none out, and says so. */
  config->video = KINORA_VIDEO_OUTPUT_COUNT;
  CHECK(kinora_player_create(config, &player) == 0);
  kinora_frame *frame = NULL;
  CHECK(kinora_player_acquire_frame(player, 0, &frame) == KINORA_ERROR_INVALID_ARGUMENT && frame == NULL);
  kinora_player_destroy(&player);
  /* The first program of all knew 48 bytes of the configuration. */
  config = guarded(48);
  CHECK(kinora_config_init(config, 48) == 0 && config->struct_size == 48);
  CHECK(kinora_player_create(config, &player) == 0);
  kinora_player_destroy(&player);
  return 0;
}
