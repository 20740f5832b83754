//! A key ID and the private key that belongs to it, in the process or not, and where they are read
//! from.

use std::env::VarError;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf, is_separator};
use std::sync::Arc;

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::crypto::SigningKey;
use crate::external_key::ExternalKey;
use crate::key::{KeyError, PrivateKey};
use crate::key_id::{self, find_key_id};
use crate::public_key::{PublicKey, PublicKeyError};
use crate::small_file::read_small_file;
use crate::text::{could_be_key_material, quoted_path};

const KEY_ID_VARIABLE: &str = "KALSHI_API_KEY_ID";
const KEY_VARIABLE: &str = "KALSHI_PRIVATE_KEY";
const KEY_PATH_VARIABLE: &str = "KALSHI_PRIVATE_KEY_PATH";

/// The ID of an API key and its validated private key: what a [`Signer`](crate::Signer) signs with.
///
/// Cloning is cheap and does not copy the key. The private key cannot be extracted; `Debug` shows
/// the ID only. Its memory is zeroized when the last clone is dropped. A key that never enters this
/// process is safer: see [`external`](Self::external).
///
/// A private key is PEM text: RSA (PKCS#1, as the service generates it, or PKCS#8; 2048 to 8192
/// bits) or Ed25519 (PKCS#8). Other text may surround it; its lines may end in CRLF, or be joined
/// by a literal `\n`. A line `Kalshi-API-Key-ID: <ID>` before the key names the API key that it
/// belongs to; an ID given separately must be the same.
///
/// An ID is visible ASCII. Text that [holds a private key](crate::text::contains_private_key) is
/// rejected, and in an environment variable also text that
/// [could be one](crate::text::could_be_key_material).
///
/// ```
/// use kalshi_api_keys::{Credentials, KeyAlgorithm, KeyPair};
///
/// let pem = KeyPair::generate(KeyAlgorithm::Ed25519)?.private_key_pem()?;
/// let credentials = Credentials::from_pem("a952bcbe-ec3b-4b5b-b8f9-11dae589608c", pem.expose_secret())?;
/// assert_eq!(credentials.key_id(), "a952bcbe-ec3b-4b5b-b8f9-11dae589608c");
/// assert!(credentials.fingerprint().starts_with("SHA256:"));
/// assert!(!format!("{credentials:?}").contains("PRIVATE KEY"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    pub(crate) key_id: HeaderValue,
    pub(crate) key: Key,
    pub(crate) public_key: Arc<PublicKey>,
    pub(crate) fingerprint: Arc<str>,
    pub(crate) file: Option<Arc<Path>>,
}

/// What signs.
#[derive(Clone)]
pub(crate) enum Key {
    Local(Arc<SigningKey>),
    External(Arc<dyn ExternalKey>),
}

impl Credentials {
    /// Parses the text of a private key.
    ///
    /// ```no_run
    /// use kalshi_api_keys::Credentials;
    ///
    /// let pem = std::fs::read_to_string("kalshi.pem")?;
    /// let credentials = Credentials::from_pem("a952bcbe-ec3b-4b5b-b8f9-11dae589608c", &pem)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CredentialsError::InvalidApiKeyId`] for an unusable ID, [`CredentialsError::Key`] for an
    /// unusable private key or one that names another API key. No error repeats its input.
    pub fn from_pem(key_id: impl Into<String>, pem: &str) -> Result<Self, CredentialsError> {
        Self::parse(Some(header(&key_id.into())?), pem).map_err(CredentialsError::Key)
    }

    /// Reads a private key from a file of at most 64 KiB.
    ///
    /// ```no_run
    /// use kalshi_api_keys::Credentials;
    ///
    /// let credentials = Credentials::from_pem_file("a952bcbe-ec3b-4b5b-b8f9-11dae589608c", "kalshi.pem")?;
    /// assert_eq!(credentials.file().unwrap(), "kalshi.pem");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`CredentialsError::InvalidApiKeyId`] for an unusable ID, [`CredentialsError::KeyFile`] for
    /// an unusable private key or one that names another API key, [`CredentialsError::File`] or
    /// [`CredentialsError::PathContainsKey`] when the file cannot be read.
    pub fn from_pem_file(
        key_id: impl Into<String>,
        path: impl AsRef<Path>,
    ) -> Result<Self, CredentialsError> {
        Self::read(Some(header(&key_id.into())?), path.as_ref())
    }

    /// Reads a private key and the ID of its API key from one file, which names the ID in a line
    /// `Kalshi-API-Key-ID: <ID>` before the key. The command and the module `key_file` write such
    /// files.
    ///
    /// ```no_run
    /// let credentials = kalshi_api_keys::Credentials::from_key_file("kalshi.pem")?;
    /// println!("signing as {}", credentials.key_id());
    /// # Ok::<(), kalshi_api_keys::CredentialsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`from_pem_file`](Self::from_pem_file), and [`KeyError::MissingApiKeyId`] in
    /// [`CredentialsError::KeyFile`] when no line names the ID.
    pub fn from_key_file(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        Self::read(None, path.as_ref())
    }

    /// Reads the environment variables `KALSHI_API_KEY_ID`, and either `KALSHI_PRIVATE_KEY` (the
    /// text of the private key) or `KALSHI_PRIVATE_KEY_PATH` (the path of its file, where `~` is
    /// the home directory). The ID may be left out when the text of the key names it. An empty
    /// variable counts as unset.
    ///
    /// ```no_run
    /// use kalshi_api_keys::{Client, Credentials, Environment};
    ///
    /// let client = Client::new(Environment::Demo, Credentials::from_env()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Names the variable that is missing, in conflict with another, or unusable. No error repeats
    /// a value that could be key material.
    pub fn from_env() -> Result<Self, CredentialsError> {
        let key_id = variable(KEY_ID_VARIABLE)?
            .map(|id| header_of_input(id.trim()))
            .transpose();
        Self::from_variables(key_id.map_err(in_variable(KEY_ID_VARIABLE))?)
    }

    /// Reads the private key from the environment as [`from_env`](Self::from_env) does, for a key
    /// ID obtained elsewhere.
    ///
    /// ```no_run
    /// let credentials = kalshi_api_keys::Credentials::from_env_with_id("a952bcbe-ec3b-4b5b-b8f9-11dae589608c")?;
    /// # Ok::<(), kalshi_api_keys::CredentialsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`from_env`](Self::from_env).
    pub fn from_env_with_id(key_id: impl Into<String>) -> Result<Self, CredentialsError> {
        Self::from_variables(Some(header(&key_id.into())?))
    }

    /// Returns credentials whose private key is not in this process. `public_key_pem` is its public
    /// key as `createApiKey` takes it: PEM with a `-----BEGIN PUBLIC KEY-----` line, RSA of 2048 to
    /// 8192 bits or Ed25519.
    ///
    /// Nothing is signed yet. See [`ExternalKey`] for an example.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::InvalidApiKeyId`] for an unusable ID, [`CredentialsError::PublicKey`]
    /// for an unusable public key.
    pub fn external(
        key_id: impl Into<String>,
        public_key_pem: &str,
        key: impl ExternalKey + 'static,
    ) -> Result<Self, CredentialsError> {
        let public_key =
            PublicKey::from_pem(public_key_pem).map_err(CredentialsError::PublicKey)?;
        let credentials = Self::new(
            header(&key_id.into())?,
            Key::External(Arc::new(key)),
            public_key,
        );
        credentials.ok_or(CredentialsError::PublicKey(PublicKeyError::Malformed))
    }

    /// Returns credentials whose private key is not in this process, with the ID and the public key
    /// in a file: the one that a rotation to an external key writes, with a line
    /// `Kalshi-API-Key-ID: <ID>` before the PEM text.
    ///
    /// ```no_run
    /// # fn example(token: Box<dyn kalshi_api_keys::ExternalKey>) -> Result<(), kalshi_api_keys::CredentialsError> {
    /// let credentials = kalshi_api_keys::Credentials::external_from_file("kalshi-token.pub", token)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`external`](Self::external), and those of [`from_key_file`](Self::from_key_file)
    /// when the file cannot be read or names no ID.
    pub fn external_from_file(
        path: impl AsRef<Path>,
        key: impl ExternalKey + 'static,
    ) -> Result<Self, CredentialsError> {
        let (text, _) = read_file(path.as_ref())?;
        let credentials = Self::external("unused", &text, key)?;
        Ok(Self {
            key_id: key_id_in(path.as_ref(), &text)?,
            ..credentials
        })
    }

    fn from_variables(key_id: Option<HeaderValue>) -> Result<Self, CredentialsError> {
        let read = match (variable(KEY_VARIABLE)?, variable(KEY_PATH_VARIABLE)?) {
            (None, None) => return Err(CredentialsError::MissingPrivateKey),
            (Some(_), Some(_)) => return Err(CredentialsError::ConflictingPrivateKeys),
            (Some(pem), None) => Self::parse(key_id, &pem)
                .map_err(|error| (KEY_VARIABLE, CredentialsError::Key(error))),
            (None, Some(path)) => {
                Self::read(key_id, &expand_home(&path)).map_err(|error| (KEY_PATH_VARIABLE, error))
            }
        };
        read.map_err(|(variable, error)| match error.is_missing_key_id() {
            true => CredentialsError::MissingApiKeyId,
            false => in_variable(variable)(error),
        })
    }

    fn read(key_id: Option<HeaderValue>, path: &Path) -> Result<Self, CredentialsError> {
        let (text, _) = read_file(path)?;
        let credentials = Self::parse(key_id, &text).map_err(in_file(path))?;
        Ok(Self {
            file: Some(path.into()),
            ..credentials
        })
    }

    fn parse(key_id: Option<HeaderValue>, text: &str) -> Result<Self, KeyError> {
        let key = PrivateKey::from_pem(text)?;
        let key_id = match (key_id, find_key_id(text)?) {
            (Some(given), Some(found)) if given != found => {
                return Err(KeyError::ConflictingApiKeyIds);
            }
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => return Err(KeyError::MissingApiKeyId),
        };
        Self::new(
            key_id,
            Key::Local(Arc::new(SigningKey::new(&key)?)),
            key.public_key(),
        )
        .ok_or(KeyError::Damaged)
    }

    /// Returns `None` if the public key cannot be encoded.
    fn new(key_id: HeaderValue, key: Key, public_key: PublicKey) -> Option<Self> {
        let fingerprint = public_key.fingerprint()?.into();
        Some(Self {
            key_id,
            key,
            public_key: Arc::new(public_key),
            fingerprint,
            file: None,
        })
    }

    /// Returns the ID of the API key.
    pub fn key_id(&self) -> &str {
        // Always visible ASCII, so never the default.
        self.key_id.to_str().unwrap_or_default()
    }

    /// Identifies the private key without showing it: `SHA256:` and the digest of its public half
    /// (DER, SubjectPublicKeyInfo) in base64 without padding. OpenSSL prints the same digest:
    /// `openssl pkey -in KEY -pubout -outform DER | openssl dgst -sha256 -binary | base64`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns the path of the file that the private key was read from, if it was read from one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}

fn header(key_id: &str) -> Result<HeaderValue, CredentialsError> {
    key_id::to_header(key_id).ok_or(CredentialsError::InvalidApiKeyId)
}

/// Returns the ID from an environment variable, where a private key is easily mistaken for one.
fn header_of_input(key_id: &str) -> Result<HeaderValue, CredentialsError> {
    if could_be_key_material(key_id) {
        return Err(CredentialsError::InvalidApiKeyId);
    }
    header(key_id)
}

/// Returns the ID that the text of a file names.
pub(crate) fn key_id_in(path: &Path, text: &str) -> Result<HeaderValue, CredentialsError> {
    find_key_id(text)
        .and_then(|id| id.ok_or(KeyError::MissingApiKeyId))
        .map_err(in_file(path))
}

/// Reads the text of a key file and the metadata of the file.
pub(crate) fn read_file(path: &Path) -> Result<(Zeroizing<String>, Metadata), CredentialsError> {
    let unusable = in_file(path);
    let (bytes, metadata) = read_small_file(path).map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => unusable(KeyError::TooLarge),
        // The key itself is easily given in place of its path.
        _ if could_be_key_material(&path.to_string_lossy()) => {
            CredentialsError::PathContainsKey(source)
        }
        _ => CredentialsError::File {
            path: path.to_owned(),
            source,
        },
    })?;
    match str::from_utf8(&bytes) {
        Ok(text) => Ok((Zeroizing::new(text.to_owned()), metadata)),
        // A key in DER is a SEQUENCE, which starts with this byte.
        Err(_) if bytes.starts_with(&[0x30]) => Err(unusable(KeyError::Der)),
        Err(_) => Err(unusable(KeyError::NotUtf8)),
    }
}

fn variable(name: &'static str) -> Result<Option<Zeroizing<String>>, CredentialsError> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(Zeroizing::new(value)).filter(|value| !value.trim().is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => {
            Err(in_variable(name)(CredentialsError::Key(KeyError::NotUtf8)))
        }
    }
}

/// Names the variable whose value caused an error.
fn in_variable(variable: &'static str) -> impl Fn(CredentialsError) -> CredentialsError {
    move |source| CredentialsError::Variable {
        variable,
        source: Box::new(source),
    }
}

/// Names the file whose content caused an error.
fn in_file(path: &Path) -> impl Fn(KeyError) -> CredentialsError {
    move |source| CredentialsError::KeyFile {
        path: path.to_owned(),
        source,
    }
}

/// Replaces a `~` at the beginning of a path with the home directory.
fn expand_home(path: &str) -> PathBuf {
    let rest = path
        .strip_prefix('~')
        .filter(|rest| rest.is_empty() || rest.starts_with(is_separator));
    match rest.zip(std::env::home_dir()) {
        Some((rest, home)) => home.join(rest.trim_start_matches(is_separator)),
        None => PathBuf::from(path),
    }
}

/// Why credentials cannot be used. No message repeats a key, an ID, or the value of a variable that
/// could be a key.
///
/// Each error states what happened; the cause is its [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The ID is empty, is not visible ASCII, or could be a private key.
    #[error(
        "invalid API key ID: empty, not visible ASCII, or possibly a private key; copy it from the list of keys"
    )]
    InvalidApiKeyId,
    /// The text cannot be used as a private key.
    #[error("cannot use the private key")]
    Key(#[source] KeyError),
    /// The text cannot be used as the public key of an external key.
    #[error("cannot use the public key")]
    PublicKey(#[source] PublicKeyError),
    /// The content of the file cannot be used as a key.
    #[error("cannot use the key in {}", quoted_path(.path))]
    KeyFile {
        /// The path of the file.
        path: PathBuf,
        /// Why its content cannot be used.
        source: KeyError,
    },
    /// The file cannot be read.
    #[error("cannot read the key file {}; check the path and its permissions", quoted_path(.path))]
    File {
        /// The path of the file.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// A file cannot be read whose path could be a private key.
    #[error(
        "cannot read the key file, whose path is not shown: it could be the key itself; give the path of its file"
    )]
    PathContainsKey(#[source] io::Error),
    /// The environment does not name the API key.
    #[error(
        "the variable KALSHI_API_KEY_ID is not set; set it: the private key has no `Kalshi-API-Key-ID` line"
    )]
    MissingApiKeyId,
    /// The environment has no private key.
    #[error(
        "neither KALSHI_PRIVATE_KEY nor KALSHI_PRIVATE_KEY_PATH is set; set one to the key or to its path"
    )]
    MissingPrivateKey,
    /// The environment has two private keys.
    #[error("KALSHI_PRIVATE_KEY and KALSHI_PRIVATE_KEY_PATH are both set; unset one of them")]
    ConflictingPrivateKeys,
    /// The value of a variable cannot be used.
    #[error("invalid value of the variable {variable}")]
    Variable {
        /// The name of the variable.
        variable: &'static str,
        /// Why its value cannot be used.
        source: Box<CredentialsError>,
    },
}

impl CredentialsError {
    /// Returns whether nothing names the API key that the private key belongs to.
    pub(crate) fn is_missing_key_id(&self) -> bool {
        match self {
            Self::Key(source) | Self::KeyFile { source, .. } => {
                *source == KeyError::MissingApiKeyId
            }
            _ => false,
        }
    }
}
