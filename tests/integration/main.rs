//! One binary, a module per promise.

mod fixtures;
mod raw_server;

mod answers;
mod bounds;
mod clock;
mod concurrency;
mod credentials;
mod errors;
mod proxies;
mod rotation;
mod sandbox;
mod secrets;
mod signing;
mod storage;
mod variables;
mod wire;
