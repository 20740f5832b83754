//! Integration tests: a single binary with a module per subject.

/// The build script, included as a module to test it.
#[allow(dead_code)]
#[path = "../../build.rs"]
mod build_script;
mod fixtures;
mod gateway;
mod raw_server;

mod bounds;
mod clock;
mod command;
mod concurrency;
mod contract;
mod counterexamples;
mod credentials;
mod errors;
mod external_keys;
mod external_rotation;
mod fault_matrix;
mod json_schemas;
mod key_files;
mod key_text;
mod parsing;
// SoftHSM is a program of Unix.
#[cfg(unix)]
mod pkcs11;
mod proxies;
mod readme;
mod responses;
mod rotation;
mod sandbox;
mod secrets;
mod signing;
mod spec_rules;
// Agents listen on Unix sockets.
#[cfg(unix)]
mod ssh_agent;
mod surface;
#[cfg(feature = "tracing")]
mod telemetry;
mod types;
mod variables;
mod websocket;
mod wire;
