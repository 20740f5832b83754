//! Types of the OpenAPI description: generated structs and builders, and hand-written types for what the generator cannot
//! express (open enums, values that are validated only in requests, and a secret).

mod api_key;
mod api_key_id;
mod open_enum;
mod optional;
mod private_key_pem;
mod subaccount;

pub use crate::generated::types::*;
pub use api_key_id::{ApiKeyId, InvalidApiKeyId};
pub use open_enum::UnknownValue;
pub(crate) use open_enum::open_enum;
pub use optional::Optional;
pub use private_key_pem::PrivateKeyPem;
pub use subaccount::{Subaccount, SubaccountOutOfRange};
