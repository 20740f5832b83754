//! One binary, a module per promise.

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
mod spec_faults;
mod storage;
mod surface;
#[cfg(feature = "tracing")]
mod telemetry;
mod variables;
mod websocket;
mod wire;
