//! The map of the house, in reading order. Rooms lower in this list know none above them.
//!
//! - [`record`]: what a record is: lines, JSON validation, splicing, control records.
//! - [`state`]: saved states: what is held at one moment, as bytes to restore it from.
//! - `sys`: what the kernel is asked for beside what the standard library offers.
//! - [`time`]: durations, timestamps, event time, watermarks.
//! - [`expr`]: jq expressions, compiled once and run over records.
//! - [`window`]: which event-time window a record belongs to, and which records are late.
//! - [`merge`]: several inputs in the order of their records' times.
//! - [`aggregate`]: grouping and reducing.
//! - [`fields`]: which fields records have, and what is in them.
//! - [`operator`]: what the tools make of records: filter, map, windows, aggregates.
//! - [`layout`]: what records look like: colours, columns, CSV, templates.
//! - [`api`]: what a log service is asked and answers: plain structs.
//! - [`log`]: topics, partitions, segments and their index on disk; recovery. No sockets.
//! - [`wire`]: the protocol on the socket, both ends of it. No storage.
//! - [`ingest`]: other formats, turned into records.
//! - [`broker`]: the operations of a log service over [`log`]. No protocol.
//! - [`store`]: a log as its users see it: through the daemon, or by its files.
//! - [`serve`]: the daemon, which puts [`wire`] before [`broker`].
//! - [`tui`]: the screen of `inspect`: state, keys, views. No files.
//! - [`cli`]: the one door: input, output, signals, messages, exit statuses, manual pages.
//! - [`cmd`]: one file a tool: its options and how they wire the rooms together.

pub mod aggregate;
pub mod api;
pub mod broker;
pub mod cli;
pub mod cmd;
pub mod expr;
pub mod fields;
pub mod ingest;
pub mod layout;
pub mod log;
pub mod merge;
pub mod operator;
pub mod record;
pub mod serve;
pub mod state;
pub mod store;
mod sys;
pub mod time;
pub mod tui;
pub mod window;
pub mod wire;
