/* Fifty players that were played and destroyed leave at most a quarter of the memory that they took.
 * usage: memory URL SECONDS */
#include <kinora.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAYERS = 50, PATIENCE_MS = 60000 };

/* Resident memory of the process in KiB. It includes pages of libraries, which are given back at the first picture of the
 * process: what one player takes depends on whether that has happened, so that it is printed and decides nothing. */
static long resident(void) {
  char line[256];
  long kib = -1;
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status)) sscanf(line, "VmRSS: %ld kB", &kib);
  if (status) fclose(status);
  return kib;
}

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, kinora_last_error_message());
  exit(1);
}

static kinora_player *load(const char *url) {
  kinora_config config;
  kinora_player *player = NULL;
  if (kinora_config_init(&config, sizeof config) != 0) fail("config");
  config.video = KINORA_VIDEO_OUTPUT_FRAMES;
  config.audio = KINORA_AUDIO_OUTPUT_SILENT;
  config.max_height = 240;
  if (kinora_player_create(&config, &player) != 0) fail("create");
  if (kinora_player_load(player, url, NULL, NULL) != 0) fail("load");
  return player;
}

/* Waits until a video frame was shown and so many segments have been loaded, in whichever order. */
static void await(const kinora_player *player, int segments) {
  for (int shown = 0; !shown || segments > 0;) {
    kinora_event *event = NULL;
    if (kinora_player_wait_event(player, PATIENCE_MS, &event) != 0 || event == NULL) fail("no event for a minute");
    if (event->kind == KINORA_EVENT_TYPE_FAILED) fail(event->text);
    if (event->kind == KINORA_EVENT_TYPE_FIRST_FRAME) shown = 1;
    if (event->kind == KINORA_EVENT_TYPE_SEGMENT_LOADED) segments--;
    kinora_event_destroy(&event);
  }
}

int main(int argc, char **argv) {
  kinora_player *players[PLAYERS];
  if (argc < 2) return 2;
  long before = resident();
  players[0] = load(argv[1]);
  /* What it buffers first belongs to what it takes. */
  await(players[0], 5);
  long one = resident() - before;
  kinora_player_destroy(&players[0]);
  for (int i = 0; i < PLAYERS; i++) players[i] = load(argv[1]);
  for (int i = 0; i < PLAYERS; i++) await(players[i], 0);
  long all = resident() - before;
  for (int i = 0; i < PLAYERS; i++) kinora_player_destroy(&players[i]);
  long left = resident() - before;
  /* Threads free what is theirs a moment later. */
  for (int waited = 0; left > all / 4 && waited < PATIENCE_MS; waited += 50) {
    poll(NULL, 0, 50);
    left = resident() - before;
  }
  fprintf(stderr, "one takes %ld KiB, %d take %ld KiB and leave %ld KiB\n", one, PLAYERS, all, left);
  if (left > all / 4) return 1;
  printf("played %d\n", PLAYERS);
  return 0;
}
