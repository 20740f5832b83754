//! Key pairs that the sandbox generates: the root key, and those of `generateApiKey`.

use std::io;

use crate::keys::public::PublicKey;
use crate::types::{ApiKeyType, PrivateKeyPem};
use crate::{KeyAlgorithm, KeyPair};

pub(super) struct GeneratedKey {
    pub(super) public_key: PublicKey,
    pub(super) private_key: PrivateKeyPem,
}

impl GeneratedKey {
    pub(super) async fn new(key_type: ApiKeyType) -> io::Result<Self> {
        let algorithm = KeyAlgorithm::try_from(key_type).map_err(io::Error::other)?;
        // Generating an RSA key can take a second.
        let pair = tokio::task::spawn_blocking(move || KeyPair::generate(algorithm))
            .await?
            .map_err(io::Error::other)?;
        let public_key = pair.public_key_pem().map_err(io::Error::other)?;
        Ok(Self {
            public_key: PublicKey::from_pem(&public_key).map_err(io::Error::other)?,
            private_key: pair.private_key_pem().map_err(io::Error::other)?,
        })
    }
}
