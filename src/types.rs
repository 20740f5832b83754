//! Types of the OpenAPI description: generated structs and builders, and hand-written types for
//! what the generator cannot express (open enums, values that are validated only in requests, and a
//! secret).
//!
//! A builder becomes a request, or is passed to an operation, which validates it before it is sent:
//!
//! ```
//! use kalshi_api_keys::types::{ApiKeyScope, GenerateApiKeyRequest};
//!
//! let builder = GenerateApiKeyRequest::builder().name("dashboard").key_type("ed25519").scopes(vec!["read".into()]);
//! let request = GenerateApiKeyRequest::try_from(builder.clone())?;
//! assert_eq!(request.scopes, [ApiKeyScope::Read]);
//! let invalid = GenerateApiKeyRequest::try_from(builder.subaccount(64)).unwrap_err();
//! assert!(invalid.to_string().contains("sub-account 64 is out of range 0..=63"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod api_key;
mod api_key_id;
mod open_enum;
mod optional;
mod private_key_pem;
mod public_key_pem;
mod subaccount;

pub use crate::generated::types::*;
pub use api_key_id::{ApiKeyId, InvalidApiKeyId};
pub use open_enum::UnknownValue;
pub(crate) use open_enum::open_enum;
pub use optional::Optional;
pub use private_key_pem::PrivateKeyPem;
pub use public_key_pem::PublicKeyPem;
pub use subaccount::{Subaccount, SubaccountOutOfRange};
