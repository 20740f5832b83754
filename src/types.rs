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
//! assert_eq!(*request.scopes, [ApiKeyScope::Read]);
//! let invalid = GenerateApiKeyRequest::try_from(builder.scopes(vec![])).unwrap_err();
//! assert!(invalid.to_string().contains("a key needs at least one scope"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod api_key;
mod api_key_id;
mod api_key_scopes;
mod members;
mod open_enum;
mod private_key_pem;
mod public_key_pem;
mod subaccount;

pub use crate::generated::types::*;
pub use api_key_id::{ApiKeyId, InvalidApiKeyId};
pub use api_key_scopes::{ApiKeyScopes, NoScopes};
pub use members::UndocumentedValue;
pub(crate) use members::{Members, MissingMember, unknown, unread};
pub use open_enum::UnknownValue;
pub(crate) use open_enum::open_enum;
pub use private_key_pem::PrivateKeyPem;
pub use public_key_pem::PublicKeyPem;
pub use subaccount::{Subaccount, SubaccountOutOfRange};
