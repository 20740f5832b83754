#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod asked;
mod client;
mod credentials;
mod crypto;
mod environment;
mod error;
mod error_body;
mod external_key;
mod hooks;
mod input;
mod key;
mod key_bytes;
#[cfg(feature = "rotation")]
#[cfg_attr(docsrs, doc(cfg(feature = "rotation")))]
pub mod key_file;
mod key_id;
mod key_pair;
mod key_text;
mod operation;
mod public_key;
mod redact;
mod response;
#[cfg(feature = "rotation")]
#[cfg_attr(docsrs, doc(cfg(feature = "rotation")))]
pub mod rotation;
#[cfg(feature = "sandbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "sandbox")))]
pub mod sandbox;
mod signer;
mod small_file;
#[cfg(feature = "tracing")]
mod telemetry;
pub mod text;
pub mod types;

/// Generated from `openapi/api_keys.yaml` by `build.rs`.
#[allow(missing_docs, unreachable_patterns, unused_imports)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

pub use client::{
    BuildError, CONNECT_TIMEOUT, ClientBuilder, READ_TIMEOUT, REQUEST_TIMEOUT, http_client_builder,
};
pub use credentials::{Credentials, CredentialsError};
pub use crypto::CRYPTO_BACKEND;
pub use environment::{BaseUrl, Environment, EnvironmentError};
pub use error::{Cause, Effect, Error};
pub use external_key::{EXTERNAL_KEY_TIME_LIMIT, ExternalKey, ExternalSignature};
use generated::spec;
pub use generated::{Client, builder};
pub use input::{StrayText, Unread};
pub use key::KeyError;
pub use key_pair::{KeyAlgorithm, KeyPair, KeyPairError};
pub use operation::Operation;
pub use progenitor_client::ResponseValue;
pub use public_key::{PublicKeyError, SignatureError};
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
        crate::error_body::parse(body)
    }
}
