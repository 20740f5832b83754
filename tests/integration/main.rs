//! One binary, a module per promise.

mod contract;
mod json_schemas;
mod spec_faults;
