#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod credentials;
mod crypto;
mod environment;
mod error;
mod error_body;
mod hooks;
mod key;
#[cfg(feature = "rotation")]
#[cfg_attr(docsrs, doc(cfg(feature = "rotation")))]
pub mod key_file;
mod key_id;
mod key_pair;
mod response;
#[cfg(feature = "rotation")]
#[cfg_attr(docsrs, doc(cfg(feature = "rotation")))]
pub mod rotation;
#[cfg(feature = "sandbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "sandbox")))]
pub mod sandbox;
mod schema;
mod signer;
mod small_file;
pub mod text;

/// Generated from `openapi/api_keys.yaml` by `build.rs`.
#[allow(missing_docs, unreachable_patterns, unused_imports)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

/// What the hand-written code needs to know of the spec, emitted by `build.rs`.
mod spec {
    include!(concat!(env!("OUT_DIR"), "/spec.rs"));
}

pub use client::{CONNECT_TIMEOUT, READ_TIMEOUT, REQUEST_TIMEOUT, SetupError, http_client_builder};
pub use credentials::{Credentials, CredentialsError};
pub use crypto::CRYPTO_BACKEND;
pub use environment::{Environment, EnvironmentError};
pub use error::{Effect, Error, ErrorExt};
pub use generated::{Client, builder, types};
pub use key::KeyError;
pub use key_pair::{KeyPair, KeyPairError};
pub use progenitor_client::ResponseValue;
pub use signer::{SignError, SignedHeaders, Signer};

/// For the fuzz targets alone.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    /// The reason that an error answer gives, as the caller sees it.
    pub fn canonical(body: &[u8]) -> crate::types::ErrorResponse {
        crate::error_body::canonical(body)
    }
}
