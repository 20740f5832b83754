//! A key ID and the private key that belongs to it, and the places they are read from.

use std::env::VarError;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::crypto::SigningKey;
use crate::key::{KeyError, PrivateKey};

/// The most that is read of a key file, in bytes. An RSA key of 8192 bits takes a tenth of it.
const MAX_FILE: u64 = 64 * 1024;

/// The ID of an API key and its private key, read and checked: what a [`Signer`](crate::Signer) signs with.
///
/// Cloning is cheap, and copies no key. The private key cannot be had back; `Debug` shows the ID only. Its memory is
/// wiped when the last clone is dropped.
///
/// A key is PEM text, RSA (PKCS#1, as the service hands it out, or PKCS#8; 2048 bits or more) or Ed25519 (PKCS#8).
/// Other text may stand around it; its line ends may be CRLF, or written out as `\n` on one line.
#[derive(Clone)]
pub struct Credentials {
    key_id: HeaderValue,
    key: Arc<SigningKey>,
    fingerprint: Arc<str>,
    file: Option<Arc<Path>>,
}

impl Credentials {
    /// From a key ID and the text of its private key.
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
    /// [`CredentialsError::KeyId`] when no header can carry the ID, [`CredentialsError::Key`] when the text is no
    /// private key that can sign. No error repeats what was given.
    pub fn from_pem(key_id: impl Into<String>, pem: &str) -> Result<Self, CredentialsError> {
        let key_id = header(&key_id.into())?;
        let read = PrivateKey::from_pem(pem).and_then(|key| Ok((SigningKey::new(&key)?, key.fingerprint()?)));
        let (key, fingerprint) = read.map_err(CredentialsError::Key)?;
        Ok(Self { key_id, key: Arc::new(key), fingerprint: fingerprint.into(), file: None })
    }

    /// From a key ID and the path of its private key, a file of at most 64 KiB.
    ///
    /// # Errors
    ///
    /// Those of [`from_pem`](Self::from_pem), naming the file, and [`CredentialsError::File`] when it cannot be read.
    pub fn from_pem_file(key_id: impl Into<String>, path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let path = path.as_ref();
        // Key and path are easily taken for one another, and a path is shown in errors.
        if path.to_string_lossy().contains("-----") {
            return Err(CredentialsError::PathContainsKey);
        }
        let (pem, _) = read_file(path)?;
        match Self::from_pem(key_id, &pem) {
            Ok(credentials) => Ok(Self { file: Some(path.into()), ..credentials }),
            Err(CredentialsError::Key(reason)) => Err(CredentialsError::KeyFile { path: path.to_owned(), reason }),
            Err(other) => Err(other),
        }
    }

    /// From the environment: `KALSHI_API_KEY_ID`, and one of `KALSHI_PRIVATE_KEY` (the text of the key) and
    /// `KALSHI_PRIVATE_KEY_PATH` (the path of its file, where `~` is the home directory). An empty variable counts as
    /// unset.
    ///
    /// # Errors
    ///
    /// Names the variable that is missing, set beside its alternative, or not usable. None repeats a value.
    pub fn from_env() -> Result<Self, CredentialsError> {
        let key_id = variable("KALSHI_API_KEY_ID")?.ok_or(CredentialsError::MissingApiKeyId)?;
        Self::from_env_with_id(key_id.trim()).map_err(|error| match error {
            CredentialsError::KeyId => in_variable("KALSHI_API_KEY_ID")(error),
            other => other,
        })
    }

    /// From a key ID, and the private key in the environment as [`from_env`](Self::from_env) finds it.
    ///
    /// # Errors
    ///
    /// Those of [`from_env`](Self::from_env), but for the variable of the ID.
    pub fn from_env_with_id(key_id: impl Into<String>) -> Result<Self, CredentialsError> {
        const KEY: &str = "KALSHI_PRIVATE_KEY";
        const PATH: &str = "KALSHI_PRIVATE_KEY_PATH";
        match (variable(KEY)?, variable(PATH)?) {
            (None, None) => Err(CredentialsError::MissingPrivateKey),
            (Some(_), Some(_)) => Err(CredentialsError::ConflictingPrivateKeys),
            (Some(pem), None) => Self::from_pem(key_id, &pem).map_err(in_variable(KEY)),
            (None, Some(path)) => Self::from_pem_file(key_id, expand_home(&path)).map_err(in_variable(PATH)),
        }
    }

    /// The ID of the API key.
    pub fn key_id(&self) -> &str {
        // Only visible ASCII went in, so it never is the empty string.
        self.key_id.to_str().unwrap_or_default()
    }

    /// Identifies the private key without showing it: `SHA256:` and the digest of its public half (DER,
    /// SubjectPublicKeyInfo) in base64 without padding. What OpenSSL says of the same key:
    /// `openssl pkey -in KEY -pubout -outform DER | openssl dgst -sha256 -binary | base64`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The file that the private key was read from, if it was one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.key_id.clone()
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("key_id", &self.key_id()).finish_non_exhaustive()
    }
}

fn header(key_id: &str) -> Result<HeaderValue, CredentialsError> {
    let visible = !key_id.is_empty() && key_id.bytes().all(|b| b.is_ascii_graphic());
    HeaderValue::from_str(key_id).ok().filter(|_| visible).ok_or(CredentialsError::KeyId)
}

/// The text of a key file, and what the system says of the file.
pub(crate) fn read_file(path: &Path) -> Result<(Zeroizing<String>, Metadata), CredentialsError> {
    let unreadable = |source| CredentialsError::File { path: path.to_owned(), source };
    let unusable = |reason| CredentialsError::KeyFile { path: path.to_owned(), reason };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    // Never grown while it is filled, which would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 1));
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(unusable(KeyError::TooLarge));
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok((Zeroizing::new(text), metadata)),
        Err(error) => {
            let bytes = Zeroizing::new(error.into_bytes());
            // Every key in DER is a SEQUENCE, whose tag is this byte.
            let der = bytes.first() == Some(&0x30);
            Err(unusable(if der { KeyError::Der } else { KeyError::NotUtf8 }))
        }
    }
}

fn variable(name: &'static str) -> Result<Option<Zeroizing<String>>, CredentialsError> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(Zeroizing::new(value)).filter(|value| !value.trim().is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(CredentialsError::Variable {
            variable: name,
            reason: Box::new(CredentialsError::Key(KeyError::NotUtf8)),
        }),
    }
}

fn in_variable(variable: &'static str) -> impl Fn(CredentialsError) -> CredentialsError {
    move |reason| match reason {
        // The ID came from elsewhere.
        CredentialsError::KeyId if variable != "KALSHI_API_KEY_ID" => reason,
        reason => CredentialsError::Variable { variable, reason: Box::new(reason) },
    }
}

fn expand_home(path: &str) -> PathBuf {
    let rest = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match rest.zip(std::env::home_dir()) {
        Some((rest, home)) => home.join(rest.trim_start_matches('/')),
        None => PathBuf::from(path),
    }
}

/// Why there are no credentials. No message repeats a key, an ID or a variable's value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The key ID is empty, or holds what no header can carry: a space, a control character, or not ASCII.
    #[error(
        "the API key ID is empty or holds characters that no header can carry; copy it again from the list of API keys"
    )]
    KeyId,
    /// The text is no private key that can sign.
    #[error("the private key cannot be used: {0}")]
    Key(#[source] KeyError),
    /// The file holds no private key that can sign.
    #[error("the private key in {path:?} cannot be used: {reason}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with the key in it.
        #[source]
        reason: KeyError,
    },
    /// The file cannot be read.
    #[error("the private key file {path:?} cannot be read: {source}; check the path and its permissions")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The path is a key.
    #[error("the path of the private key is the key itself; give the path of its file, or use the key as text")]
    PathContainsKey,
    /// No key ID in the environment.
    #[error("the variable KALSHI_API_KEY_ID is not set; set it to the ID of the API key")]
    MissingApiKeyId,
    /// No private key in the environment.
    #[error(
        "neither KALSHI_PRIVATE_KEY nor KALSHI_PRIVATE_KEY_PATH is set; set one to the private key or to its file's path"
    )]
    MissingPrivateKey,
    /// Two private keys in the environment.
    #[error("KALSHI_PRIVATE_KEY and KALSHI_PRIVATE_KEY_PATH are both set; unset one of them")]
    ConflictingPrivateKeys,
    /// A variable whose value cannot be used.
    #[error("the variable {variable} cannot be used: {reason}")]
    Variable {
        /// The variable's name.
        variable: &'static str,
        /// What is wrong with its value.
        reason: Box<CredentialsError>,
    },
}

// TEMPORARY until merged
pub(crate) fn key_id_line(id: &str) -> String {
    format!("Kalshi-API-Key-ID: {id}\n")
}
pub(crate) fn key_id_in(text: &str) -> Result<Option<&str>, CredentialsError> {
    Ok(text.lines().find_map(|line| line.strip_prefix("Kalshi-API-Key-ID:")).map(str::trim))
}
impl Credentials {
    /// TEMPORARY
    pub fn from_key_file(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let (text, _) = read_file(path.as_ref())?;
        let id = key_id_in(&text)?.ok_or(CredentialsError::MissingApiKeyId)?.to_owned();
        Self::from_pem_file(id, path)
    }
}
