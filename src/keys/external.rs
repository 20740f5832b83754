//! Private keys that never enter the process.

use std::error::Error as StdError;
use std::pin::Pin;
use std::time::Duration;

/// How long an external key may take to sign, unless its [`ExternalKey::time_limit`] says
/// otherwise: 10 seconds, after which the service refuses the timestamp that was signed.
pub const EXTERNAL_KEY_TIME_LIMIT: Duration = Duration::from_secs(10);

/// The future that [`ExternalKey::sign`] returns: the raw signature, or an error.
pub type ExternalSignature<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<u8>, Box<dyn StdError + Send + Sync>>> + Send + 'a>>;

/// A private key that this process cannot read: in a hardware token, a KMS or an agent.
///
/// Pass it to [`Credentials::external`](crate::Credentials::external) with its public key, and
/// every request of the client is signed by it. Each signature is verified before it is sent,
/// because the service does not say what is wrong with one.
///
/// A closure that takes a message and returns a future of its signature implements this trait:
///
/// ```
/// use kalshi_api_keys::Credentials;
/// # async fn ask_the_kms(_: Vec<u8>) -> std::io::Result<Vec<u8>> { Ok(vec![]) }
/// # let pair = kalshi_api_keys::KeyPair::generate(kalshi_api_keys::KeyAlgorithm::Ed25519)?;
/// # let public_key_pem = pair.public_key_pem()?;
///
/// let key_id = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c";
/// let credentials = Credentials::external(key_id, &public_key_pem, async |message| {
///     Ok(ask_the_kms(message).await?)
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// So does a `Box<dyn ExternalKey>`. [`examples/ssh_agent.rs`] and [`examples/pkcs11.rs`] are
/// complete programs.
///
/// # What each way of holding a key protects against
///
/// | the private key is in | its file is copied | this process is read or dumped | this process is taken over | the machine is stolen |
/// |---|---|---|---|---|
/// | a variable | no file, but other programs may read the variables | leaks the key | leaks the key | leaks the key, if stored |
/// | a [key file](crate::Credentials::from_key_file) | leaks the key | leaks the key | leaks the key | leaks the key, unless the disk is encrypted |
/// | an SSH agent | leaks the key unless its file has a passphrase | keeps it | signs until the agent is locked or the key removed | if switched off, leaks the key unless its file has a passphrase; if running, signs |
/// | a software token such as SoftHSM | the PIN can be guessed offline | leaks the key: the module runs in the process | leaks the key | as if the file is copied |
/// | a hardware token | nothing to copy | keeps it | signs until it is unplugged | needs the PIN; counts wrong ones |
/// | a KMS | whoever copies the credential for it can sign | keeps the key, but not that credential | signs until access is revoked | signs until access is revoked, if the credential is on it |
///
/// None protects a signed request: for some ten seconds, whoever sees it can replay it.
///
/// [`examples/ssh_agent.rs`]: https://docs.rs/crate/kalshi-api-keys/latest/source/examples/ssh_agent.rs
/// [`examples/pkcs11.rs`]: https://docs.rs/crate/kalshi-api-keys/latest/source/examples/pkcs11.rs
pub trait ExternalKey: Send + Sync {
    /// Signs a message: RSASSA-PSS (SHA-256, MGF1 with SHA-256, a salt of 32 bytes) or Ed25519,
    /// over the message itself and not its digest. Returns the raw bytes of the signature, not
    /// base64.
    ///
    /// The future is dropped if the request is cancelled or the time limit expires. Blocking code
    /// belongs on a thread of its own.
    ///
    /// # Errors
    ///
    /// Any error, which becomes the source of
    /// [`SignError::ExternalKey`](crate::SignError::ExternalKey). Nothing is sent.
    fn sign<'a>(&'a self, message: &'a [u8]) -> ExternalSignature<'a>;

    /// Returns how long the client waits for a signature: [`EXTERNAL_KEY_TIME_LIMIT`] unless
    /// overridden. The service refuses what took longer than that to sign, so a longer limit only
    /// suits a service with a longer tolerance.
    fn time_limit(&self) -> Duration {
        EXTERNAL_KEY_TIME_LIMIT
    }
}

impl ExternalKey for Box<dyn ExternalKey> {
    fn sign<'a>(&'a self, message: &'a [u8]) -> ExternalSignature<'a> {
        (**self).sign(message)
    }

    fn time_limit(&self) -> Duration {
        (**self).time_limit()
    }
}

impl<Sign, Signing> ExternalKey for Sign
where
    Sign: Fn(Vec<u8>) -> Signing + Send + Sync,
    Signing: Future<Output = Result<Vec<u8>, Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    fn sign<'a>(&'a self, message: &'a [u8]) -> ExternalSignature<'a> {
        Box::pin(self(message.to_vec()))
    }
}
