//! The types that the generator cannot express: an open enum, a value that is strict when sent and open when read, a
//! secret. They appear in [`types`](crate::types) beside the generated ones.

mod api_key_id;
mod open_enum;
mod private_key_pem;
mod subaccount;

pub use api_key_id::{ApiKeyId, InvalidApiKeyId};
pub(crate) use open_enum::open_enum;
pub use private_key_pem::PrivateKeyPem;
pub use subaccount::{Subaccount, SubaccountOutOfRange};
