//! One binary, a module per promise.

/// The build script, to test it.
#[allow(dead_code)]
#[path = "../../build.rs"]
mod build_script;
mod fixtures;
mod raw_server;

mod answers;
mod bounds;
mod clock;
mod command;
mod concurrency;
mod contract;
mod credentials;
mod errors;
mod json_schemas;
mod parsing;
mod proxies;
mod readme;
mod rotation;
mod sandbox;
mod secrets;
mod signing;
mod spec_rules;
mod storage;
mod surface;
mod types;
mod variables;
mod wire;
