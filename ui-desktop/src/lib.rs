//! The Kinora desktop app.
//!
//! Data flows in a circle: [`views`] draw from [`state`] and send [`command`]s; [`state`]'s one function changes the
//! state and answers with effects; [`app`] carries the effects out by the [`api`] client, the player and the window;
//! their answers come back as messages. What is deliberately absent: a view that talks to anybody, state behind a lock
//! that a view would wait for, and video in an egui texture.

pub mod api;
pub mod app;
pub mod cli;
pub mod command;
pub mod home_cache;
pub mod navigation;
pub mod networks;
pub mod picture_cache;
pub mod player_gst;
pub mod player_port;
pub mod private_file;
pub mod qr;
pub mod secrets;
pub mod settings_file;
pub mod signals;
pub mod state;
pub mod theme;
pub mod video;
pub mod views;
pub mod wall_clock;
pub mod widgets;
pub mod window_icon;
