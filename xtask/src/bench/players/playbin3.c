/* Plays an address with GStreamer's playbin3 into sinks that show nothing but keep time.
 *
 *   playbin3 ADDRESS [quiet]
 *
 * Standard output has a line for each picture ("frame SECONDS" of presentation time), flush ("flush"), end ("end") and
 * error ("error TEXT"); with "quiet", pictures and flushes are not written. Standard input takes "seek SECONDS".
 * It pauses while less than 100 % are buffered, as GStreamer's documentation of GST_MESSAGE_BUFFERING asks for. */
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

static GstElement *player;
static GMainLoop *loop;
static gboolean quiet;

static void say(const char *line) {
  puts(line);
  fflush(stdout);
}

/* Follows the pictures that reach the sink. */
static GstPadProbeReturn on_data(GstPad *pad, GstPadProbeInfo *info, gpointer unused) {
  if (info->type & GST_PAD_PROBE_TYPE_EVENT_FLUSH) {
    if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_FLUSH_STOP) say("flush");
    return GST_PAD_PROBE_OK;
  }
  GstEvent *event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
  if (event == NULL) return GST_PAD_PROBE_OK;
  const GstSegment *segment;
  gst_event_parse_segment(event, &segment);
  guint64 time = gst_segment_to_stream_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(GST_PAD_PROBE_INFO_BUFFER(info)));
  gst_event_unref(event);
  if (GST_CLOCK_TIME_IS_VALID(time)) {
    printf("frame %.6f\n", time / 1e9);
    fflush(stdout);
  }
  return GST_PAD_PROBE_OK;
}

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer unused) {
  switch (GST_MESSAGE_TYPE(message)) {
    case GST_MESSAGE_ERROR: {
      GError *error = NULL;
      gst_message_parse_error(message, &error, NULL);
      printf("error %s\n", error->message);
      fflush(stdout);
      g_error_free(error);
      g_main_loop_quit(loop);
      break;
    }
    case GST_MESSAGE_EOS:
      say("end");
      g_main_loop_quit(loop);
      break;
    case GST_MESSAGE_BUFFERING: {
      gint percent = 0;
      gst_message_parse_buffering(message, &percent);
      gst_element_set_state(player, percent < 100 ? GST_STATE_PAUSED : GST_STATE_PLAYING);
      break;
    }
    default:
      break;
  }
  return TRUE;
}

static gboolean on_command(GIOChannel *channel, GIOCondition condition, gpointer unused) {
  gchar *line = NULL;
  if (g_io_channel_read_line(channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) return FALSE;
  if (g_str_has_prefix(line, "seek ")) {
    gint64 target = (gint64)(g_ascii_strtod(line + 5, NULL) * GST_SECOND);
    if (!gst_element_seek_simple(player, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, target))
      say("refused");
  }
  g_free(line);
  return TRUE;
}

int main(int count, char **words) {
  if (count < 2) {
    fprintf(stderr, "usage: playbin3 ADDRESS [quiet]\n");
    return 2;
  }
  quiet = count > 2 && strcmp(words[2], "quiet") == 0;
  gst_init(NULL, NULL);
  player = gst_element_factory_make("playbin3", NULL);
  GstElement *video = gst_element_factory_make("fakesink", NULL);
  GstElement *audio = gst_element_factory_make("fakesink", NULL);
  if (player == NULL || video == NULL || audio == NULL) {
    say("error an element is missing");
    return 3;
  }
  g_object_set(video, "sync", TRUE, "qos", TRUE, NULL);
  g_object_set(audio, "sync", TRUE, NULL);
  g_object_set(player, "uri", words[1], "video-sink", video, "audio-sink", audio, NULL);
  if (!quiet) {
    GstPad *pad = gst_element_get_static_pad(video, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_data, NULL, NULL);
    gst_object_unref(pad);
  }
  loop = g_main_loop_new(NULL, FALSE);
  gst_bus_add_watch(gst_element_get_bus(player), on_message, NULL);
  g_io_add_watch(g_io_channel_unix_new(0), G_IO_IN | G_IO_HUP, on_command, NULL);
  gst_element_set_state(player, GST_STATE_PLAYING);
  g_main_loop_run(loop);
  return 0;
}
