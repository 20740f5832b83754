#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod credentials;
mod environment;
mod input;
mod keys;
mod redact;
#[cfg(feature = "rotation")]
#[cfg_attr(docsrs, doc(cfg(feature = "rotation")))]
pub mod rotation;
#[cfg(feature = "sandbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "sandbox")))]
pub mod sandbox;
mod signer;
pub mod text;
pub mod types;

/// Generated from `openapi/api_keys.yaml` by `build.rs`.
#[allow(missing_docs, unreachable_patterns, unused_imports)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

pub use client::{
    BuildError, CONNECT_TIMEOUT, Cause, ClientBuilder, Effect, Error, Operation, READ_TIMEOUT,
    REQUEST_TIMEOUT, http_client_builder,
};
pub use credentials::{Credentials, CredentialsError};
pub use environment::{BaseUrl, Environment, EnvironmentError};
use generated::spec;
pub use generated::{Client, builder};
pub use input::{StrayText, Unread};
#[cfg(feature = "rotation")]
#[cfg_attr(docsrs, doc(cfg(feature = "rotation")))]
pub use keys::file as key_file;
#[cfg(feature = "ssh-agent")]
#[cfg_attr(docsrs, doc(cfg(feature = "ssh-agent")))]
pub use keys::ssh_agent;
pub use keys::{
    CRYPTO_BACKEND, EXTERNAL_KEY_TIME_LIMIT, ExternalKey, ExternalSignature, KeyAlgorithm,
    KeyError, KeyPair, KeyPairError, PublicKeyError, SignatureError,
};
pub use progenitor_client::ResponseValue;
pub use signer::{
    MAX_CLOCK_CORRECTION, SignError, SignableRequest, SignedHeaders, Signer, UnsignedHeaders,
};
pub use {http, reqwest};

/// For the fuzz targets alone.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    /// Reads an error body as the client does.
    pub fn error_body(body: &[u8]) -> Option<crate::types::ErrorResponse> {
        crate::client::error_body::parse(body)
    }
}
