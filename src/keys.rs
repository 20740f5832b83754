//! Keys: found in text, generated, encoded, kept in files, or held elsewhere.

pub(crate) mod backend;
pub(crate) mod external;
#[cfg(feature = "rotation")]
pub mod file;
pub(crate) mod format;
pub(crate) mod id;
pub(crate) mod pair;
pub(crate) mod private;
pub(crate) mod public;
pub(crate) mod reading;
#[cfg(feature = "ssh-agent")]
pub mod ssh_agent;
pub(crate) mod text;

pub use backend::CRYPTO_BACKEND;
pub use external::{EXTERNAL_KEY_TIME_LIMIT, ExternalKey, ExternalSignature};
pub use pair::{KeyAlgorithm, KeyPair, KeyPairError};
pub use private::KeyError;
pub use public::{PublicKeyError, SignatureError};
