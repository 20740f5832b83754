//! Key pairs that the sandbox generates: the root key, and those of `generateApiKey`.

use std::io;

use super::public_key::PublicKey;
use crate::KeyPair;
use crate::types::{ApiKeyType, PrivateKeyPem};

pub(super) struct GeneratedKey {
    pub(super) public_key: PublicKey,
    pub(super) private_key: PrivateKeyPem,
}

impl GeneratedKey {
    pub(super) async fn new(key_type: ApiKeyType) -> io::Result<Self> {
        // Generating an RSA key can take seconds.
        let pair =
            tokio::task::spawn_blocking(move || KeyPair::generate(&key_type)).await?.map_err(io::Error::other)?;
        let public_key = pair.public_key_pem().map_err(io::Error::other)?;
        Ok(Self {
            public_key: PublicKey::from_pem(&public_key).map_err(io::Error::other)?,
            private_key: pair.private_key_pem().map_err(io::Error::other)?,
        })
    }
}
