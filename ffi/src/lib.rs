//! The C ABI of the Kinora player: `libkinora`.
//!
//! Every function checks its pointers and stops panics at the border. The handle is only ever seen as `&Handle`, so
//! that one thread may wait while others send. The header `include/kinora.h` is generated from here, and its
//! introduction, in `cbindgen.toml`, is the manual.

#![expect(non_camel_case_types, reason = "the names are C's")]

mod boundary;
mod config;
mod cue;
mod error;
mod event;
mod frame;
mod live;
mod metadata;
mod player;
mod process;
mod retry;
mod sized;
mod snapshot;
mod strings;

pub use config::{
    kinora_audio_output, kinora_config, kinora_config_init, kinora_load_options, kinora_load_options_init,
    kinora_video_output,
};
pub use cue::{
    kinora_align, kinora_cue_layout, kinora_cue_span, kinora_edge_kind, kinora_font_family, kinora_line_kind,
    kinora_writing,
};
pub use error::{
    KINORA_ABI_VERSION, kinora_abi_version, kinora_error_advice, kinora_error_meaning, kinora_error_name,
    kinora_last_error_code, kinora_last_error_message, kinora_version,
};
pub use event::{KINORA_WAIT_FOREVER, kinora_event, kinora_event_destroy, kinora_event_type, kinora_player_wait_event};
pub use frame::{kinora_frame, kinora_frame_destroy, kinora_pixel_layout, kinora_plane, kinora_player_acquire_frame};
pub use live::{
    kinora_behind_live, kinora_buffering_reason, kinora_clock_source, kinora_live_delivery, kinora_live_info,
};
pub use metadata::{kinora_metadata, kinora_metadata_source, kinora_thumbnail};
pub use player::{
    kinora_player, kinora_player_create, kinora_player_destroy, kinora_player_go_live, kinora_player_load,
    kinora_player_pause, kinora_player_play, kinora_player_seek, kinora_player_seek_by, kinora_player_seek_to_date,
    kinora_player_select_audio, kinora_player_select_quality, kinora_player_select_text,
    kinora_player_set_live_latency, kinora_player_set_muted, kinora_player_set_rate, kinora_player_set_volume,
    kinora_player_set_wakeup, kinora_player_stop, kinora_seek_mode, kinora_wakeup,
};
pub use process::kinora_init;
pub use retry::kinora_pending_retry;
pub use snapshot::details::{
    kinora_snapshot_cue_layout, kinora_snapshot_live, kinora_snapshot_metadata, kinora_snapshot_pending_retry,
    kinora_snapshot_thumbnail_at,
};
pub use snapshot::{
    kinora_cue, kinora_player_position, kinora_player_snapshot, kinora_quality, kinora_snapshot,
    kinora_snapshot_cue_at, kinora_snapshot_destroy, kinora_snapshot_info, kinora_snapshot_quality,
    kinora_snapshot_state, kinora_snapshot_stats_json, kinora_snapshot_track, kinora_state, kinora_track,
    kinora_track_kind,
};
