/* Loads a film with one subtitle track and reads from C where its cue stands and how its runs of text look.
 * usage: cue_style URL; exit status 0 when everything was as it must be. */
#include <kinora.h>
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

/* Takes events until the cues have come; a minute without any event is a hang. */
static void until_cues(const kinora_player *player) {
  for (int come = 0; !come;) {
    kinora_event *event = NULL;
    CHECK(kinora_player_wait_event(player, 60000, &event) == 0);
    CHECK(event != NULL);
    CHECK(event->kind != KINORA_EVENT_TYPE_FAILED && event->kind != KINORA_EVENT_TYPE_ENDED);
    come = event->kind == KINORA_EVENT_TYPE_CUES_CHANGED;
    kinora_event_destroy(&event);
  }
}

static void check_spans(const kinora_cue_layout *layout) {
  CHECK(layout->span_count == 2 && layout->spans != NULL);
  const kinora_cue_span *plain = layout->spans[0], *styled = layout->spans[1];
  CHECK(strcmp(plain->text, "plain") == 0 && strcmp(styled->text, "styled") == 0);
  CHECK(!plain->bold && !plain->has_color && plain->background == 0);
  CHECK(styled->bold && !styled->italic && styled->has_color);
  CHECK(styled->color == 0xffff00ffu && styled->background == 0x0000ffffu);
  CHECK(styled->font_family == KINORA_FONT_FAMILY_DEFAULT && styled->edge == KINORA_EDGE_KIND_NONE);
  CHECK(styled->font_size == 0.0 && styled->from_ns == -1 && styled->voice == NULL);
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: cue_style URL\n");
    return 2;
  }
  kinora_config config;
  CHECK(kinora_config_init(&config, sizeof config) == 0);
  config.audio = KINORA_AUDIO_OUTPUT_SILENT;
  kinora_player *player = NULL;
  CHECK(kinora_player_create(&config, &player) == 0);
  kinora_load_options options;
  CHECK(kinora_load_options_init(&options, sizeof options) == 0);
  options.text_language = "en";
  CHECK(kinora_player_load(player, argv[1], &options, NULL) == 0);
  until_cues(player);
  kinora_snapshot *snapshot = NULL;
  CHECK(kinora_player_snapshot(player, &snapshot) == 0);
  kinora_player_destroy(&player);

  const kinora_cue_layout *layout = NULL, *again = NULL;
  CHECK(kinora_snapshot_cue_layout(snapshot, 1000000000, 0, &layout) == 0 && layout != NULL);
  CHECK(layout->line_kind == KINORA_LINE_KIND_PERCENT && layout->line == 10.0);
  CHECK(layout->line_align == KINORA_ALIGN_START && layout->size == 60.0);
  CHECK(layout->position == 20.0 && layout->position_align == KINORA_ALIGN_START);
  CHECK(layout->text_align == KINORA_ALIGN_START && layout->writing == KINORA_WRITING_HORIZONTAL);
  CHECK(layout->wrap == 1 && !layout->has_area && !layout->has_region && layout->area_id == NULL);
  check_spans(layout);
  kinora_cue cue;
  cue.struct_size = sizeof cue;
  uint32_t found = 0;
  CHECK(kinora_snapshot_cue_at(snapshot, 1000000000, 0, &cue, &found) == 0 && found == 1);
  CHECK(strcmp(cue.text, "plainstyled") == 0 && cue.json[0] == '{');
  /* The same cue has the same address as long as the snapshot lives; there is no second one. */
  CHECK(kinora_snapshot_cue_layout(snapshot, 2000000000, 0, &again) == 0 && again == layout);
  CHECK(kinora_snapshot_cue_layout(snapshot, 1000000000, 1, &again) == 0 && again == NULL);
  CHECK(kinora_snapshot_cue_layout(NULL, 0, 0, &again) == KINORA_ERROR_INVALID_ARGUMENT && again == NULL);
  CHECK(kinora_snapshot_cue_layout(snapshot, 0, 0, NULL) == KINORA_ERROR_INVALID_ARGUMENT);
  kinora_snapshot_destroy(&snapshot);
  return 0;
}
