//! A key ID and the private key that belongs to it, in the process or not, and where they are read
//! from.

use std::borrow::Cow;
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf, is_separator};
use std::sync::Arc;

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::input::{self, KEY_ID_VARIABLE, KEY_PATH_VARIABLE, KEY_VARIABLE, StrayText, Unread};
use crate::keys::backend::SigningKey;
use crate::keys::external::ExternalKey;
use crate::keys::id::{self, find_key_id};
use crate::keys::private::{self, KeyError};
use crate::keys::public::{PublicKey, PublicKeyError};
use crate::keys::reading::{is_stdin, read_file_or_pipe, read_small_file};
use crate::keys::text;
use crate::text::{could_be_key_material, printable, quoted_path, unquoted};

/// The ID of an API key and its validated private key: what a [`Signer`](crate::Signer) signs with.
///
/// Cloning is cheap and does not copy the key. The private key cannot be extracted; `Debug` shows
/// the ID only. Its memory is zeroized when the last clone is dropped. A key that never enters this
/// process is safer: see [`external`](Self::external).
///
/// A private key is PEM text: RSA (PKCS#1, as the service generates it, or PKCS#8; 2048 to 8192
/// bits) or Ed25519 (PKCS#8). It is found in other text, such as a JSON response, an assignment or
/// a line of YAML. Its white space may be missing, changed or escaped (`\n`, `\\n`), its label may
/// be wrong, and the whole may be encoded as base64 once more. A file may also be UTF-16 or DER. An
/// Ed25519 key may be 64 bytes (the seed and the public key) in base64 or hexadecimal digits.
///
/// A line `Kalshi-API-Key-ID: <ID>` before the key names the API key that it belongs to, as do
/// `"api_key_id"` in JSON and `KALSHI_API_KEY_ID=`. An ID given separately must be the same. Of
/// several keys with such lines, the given ID selects one.
///
/// An ID is visible ASCII, trimmed as by [`unquoted`]. Text that [holds a private
/// key](crate::text::contains_private_key) is rejected, and in an environment variable also text
/// that [could be one](crate::text::could_be_key_material).
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
    /// [`CredentialsError::InvalidApiKeyId`] or [`CredentialsError::StrayText`] for an unusable ID,
    /// [`CredentialsError::Key`] for an unusable private key, [`CredentialsError::AnotherApiKey`]
    /// for one that names another API key. No error repeats a key.
    pub fn from_pem(key_id: impl Into<String>, pem: &str) -> Result<Self, CredentialsError> {
        Self::parse(Some(header(&key_id.into())?), pem, None)
    }

    /// Reads a private key from a file of at most 64 KiB.
    ///
    /// A path that names no file as it stands is trimmed as by [`unquoted`], and a `~` at its
    /// beginning is the home directory. On Unix, a FIFO or a pipe such as `/dev/fd/63` is read,
    /// too, and everywhere the path `-` is standard input, unless that is a terminal. That may
    /// block the thread for 10 seconds, the time that the writer has to finish: in an async
    /// program, use a thread that may block.
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
    /// [`CredentialsError::InvalidApiKeyId`] or [`CredentialsError::StrayText`] for an unusable ID,
    /// [`CredentialsError::KeyFile`] for an unusable private key,
    /// [`CredentialsError::AnotherApiKey`] for one that names another API key,
    /// [`CredentialsError::File`], [`CredentialsError::Path`] or
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
    /// text of the private key) or `KALSHI_PRIVATE_KEY_PATH` (the path of its file, read as by
    /// [`from_pem_file`](Self::from_pem_file)). The ID may be left out when the text of the key
    /// names it. A blank variable counts as unset.
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
        Self::from_variables(key_id_variable()?).map_err(CredentialsError::with_id_of_variable)
    }

    /// Reads the ID of the API key from the environment as [`from_env`](Self::from_env) does, and
    /// the private key from a file as [`from_pem_file`](Self::from_pem_file) does, which may name
    /// the ID instead.
    ///
    /// ```no_run
    /// let credentials = kalshi_api_keys::Credentials::from_env_with_file("kalshi.pem")?;
    /// # Ok::<(), kalshi_api_keys::CredentialsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the two.
    pub fn from_env_with_file(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        Self::read(key_id_variable()?, path.as_ref()).map_err(CredentialsError::with_id_of_variable)
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
        let path = given_path(path.as_ref());
        let (text, _) = read_file(&path)?;
        let credentials = Self::external("unused", &text, key)?;
        Ok(Self {
            key_id: key_id_in(&path, &text)?,
            ..credentials
        })
    }

    fn from_variables(key_id: Option<HeaderValue>) -> Result<Self, CredentialsError> {
        let read = match (variable(KEY_VARIABLE)?, variable(KEY_PATH_VARIABLE)?) {
            (None, None) => {
                return Err(CredentialsError::MissingPrivateKey(
                    Unread::variables_and_dotenv(),
                ));
            }
            (Some(_), Some(_)) => return Err(CredentialsError::ConflictingPrivateKeys),
            (Some(pem), None) => {
                Self::parse(key_id, &pem, None).map_err(|error| (KEY_VARIABLE, error))
            }
            (None, Some(path)) => Self::read(key_id, Path::new(path.as_str()))
                .map_err(|error| (KEY_PATH_VARIABLE, error)),
        };
        read.map_err(|(variable, error)| {
            if error.is_missing_key_id() {
                CredentialsError::MissingApiKeyId(Unread::variables_and_dotenv())
            } else if matches!(error, CredentialsError::AnotherApiKey { .. }) {
                // Neither value is wrong by itself.
                error
            } else {
                in_variable(variable)(error)
            }
        })
    }

    fn read(key_id: Option<HeaderValue>, path: &Path) -> Result<Self, CredentialsError> {
        let path = &*given_path(path);
        let (bytes, is_file) = read_file_or_pipe(path).map_err(not_read(path))?;
        let text = text::decode(&bytes).map_err(in_file(path))?;
        let credentials = Self::parse(key_id, &text, Some(path))?;
        Ok(Self {
            file: is_file.then(|| path.into()),
            ..credentials
        })
    }

    fn parse(
        key_id: Option<HeaderValue>,
        text: &str,
        path: Option<&Path>,
    ) -> Result<Self, CredentialsError> {
        let unusable = |error| match path {
            Some(path) => in_file(path)(error),
            None => CredentialsError::Key(error),
        };
        let found = private::find(text, key_id.as_ref()).map_err(unusable)?;
        let key_id = match (key_id, found.key_id) {
            (Some(given), Some(named)) if given != named => {
                return Err(CredentialsError::AnotherApiKey {
                    given: id_text(&given),
                    found: id_text(&named),
                    path: path.map(Path::to_owned),
                    variable: None,
                });
            }
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => return Err(unusable(KeyError::MissingApiKeyId)),
        };
        let public_key = found.key.public_key();
        let key = SigningKey::new(&found.key).map_err(unusable)?;
        Self::new(key_id, Key::Local(Arc::new(key)), public_key)
            .ok_or_else(|| unusable(KeyError::Damaged))
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

/// Returns an ID that a caller gave, unless it could be a private key that was given in its place.
fn header(key_id: &str) -> Result<HeaderValue, CredentialsError> {
    let key_id = unquoted(key_id);
    match StrayText::find(key_id) {
        Some(stray) => Err(CredentialsError::StrayText(stray)),
        None => id::to_header(key_id).ok_or(CredentialsError::InvalidApiKeyId),
    }
}

/// Returns an ID to be shown in an error.
fn id_text(key_id: &HeaderValue) -> String {
    printable(key_id.to_str().unwrap_or_default()).into_owned()
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
    let (bytes, metadata) = read_small_file(path).map_err(not_read(path))?;
    let text = text::decode(&bytes).map_err(in_file(path))?;
    Ok((text, metadata))
}

/// Names the file that could not be read.
fn not_read(path: &Path) -> impl Fn(io::Error) -> CredentialsError {
    move |source| {
        let stray = match source.kind() {
            io::ErrorKind::FileTooLarge => return in_file(path)(KeyError::TooLarge),
            // Windows rejects a name with a quotation mark.
            io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename => {
                path.to_str().and_then(StrayText::find)
            }
            _ => None,
        };
        match stray {
            // The key itself is easily given in place of its path.
            _ if could_be_key_material(&path.to_string_lossy()) => {
                CredentialsError::PathContainsKey(source)
            }
            Some(stray) => CredentialsError::Path {
                path: path.to_owned(),
                source: stray,
            },
            None => CredentialsError::File {
                path: path.to_owned(),
                source,
            },
        }
    }
}

fn key_id_variable() -> Result<Option<HeaderValue>, CredentialsError> {
    let key_id = variable(KEY_ID_VARIABLE)?
        .map(|id| header_of_input(&id))
        .transpose();
    key_id.map_err(in_variable(KEY_ID_VARIABLE))
}

fn variable(name: &'static str) -> Result<Option<Zeroizing<String>>, CredentialsError> {
    input::variable(name).map_err(|_| in_variable(name)(CredentialsError::Key(KeyError::NotUtf8)))
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

/// Returns the path that is meant: as it stands if that is a file, and otherwise trimmed, and with
/// the home directory in place of a `~` at its beginning.
fn given_path(path: &Path) -> Cow<'_, Path> {
    let Some(text) = path.to_str().filter(|_| path.symlink_metadata().is_err()) else {
        return Cow::Borrowed(path);
    };
    let text = unquoted(text);
    let rest = text
        .strip_prefix('~')
        .filter(|rest| rest.is_empty() || rest.starts_with(is_separator));
    match rest.zip(std::env::home_dir()) {
        Some((rest, home)) => Cow::Owned(home.join(rest.trim_start_matches(is_separator))),
        None => Cow::Borrowed(Path::new(text)),
    }
}

/// Why credentials cannot be used. No message repeats a key, or the value of a variable that could
/// be a key.
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
    /// Text around the ID that does not belong to it.
    #[error("invalid API key ID")]
    StrayText(#[source] StrayText),
    /// The private key names another API key than the ID that was given with it.
    #[error(
        "{} is {given}, but the private key{} belongs to the API key {found}; {}, or give the private key of {given}",
        .variable.unwrap_or("the API key ID given"),
        .path.as_ref().map(|path| format!(" in {}", quoted_path(path))).unwrap_or_default(),
        .variable.map_or("leave the ID out".to_owned(), |name| format!("unset {name}")),
    )]
    AnotherApiKey {
        /// The ID that was given.
        given: String,
        /// The ID that the `Kalshi-API-Key-ID` line of the private key names.
        found: String,
        /// The file of the private key, if it is in one.
        path: Option<PathBuf>,
        /// The variable that gave the ID, if one did.
        variable: Option<&'static str>,
    },
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
    #[error("cannot read the key file {}; {}", quoted_path(.path), file_advice(.path, .source))]
    File {
        /// The path of the file.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// There is no such file, and text in the path does not belong to it.
    #[error("there is no key file {}", quoted_path(.path))]
    Path {
        /// The path.
        path: PathBuf,
        /// What does not belong to it.
        source: StrayText,
    },
    /// A file cannot be read whose path could be a private key.
    #[error(
        "cannot read the key file, whose path is not shown: it could be the key itself; give the path of its file"
    )]
    PathContainsKey(#[source] io::Error),
    /// The environment does not name the API key.
    #[error(
        "the variable KALSHI_API_KEY_ID is not set; set it: the private key has no `Kalshi-API-Key-ID` line{0}"
    )]
    MissingApiKeyId(Unread),
    /// The environment has no private key.
    #[error(
        "neither KALSHI_PRIVATE_KEY nor KALSHI_PRIVATE_KEY_PATH is set; set one to the key or to its path{0}"
    )]
    MissingPrivateKey(Unread),
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

/// Returns what to do about a file that cannot be read.
fn file_advice(path: &Path, error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::TimedOut => "check the program that writes it",
        _ if is_stdin(path) => "pipe the key into it, or give the path of a file",
        _ => "check the path and its permissions",
    }
}

impl CredentialsError {
    /// Names the variable that gave the ID.
    fn with_id_of_variable(self) -> Self {
        match self {
            Self::AnotherApiKey {
                given, found, path, ..
            } => Self::AnotherApiKey {
                given,
                found,
                path,
                variable: Some(KEY_ID_VARIABLE),
            },
            other => other,
        }
    }

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
