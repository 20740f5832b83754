//! Signs with an RSA or Ed25519 key in a PKCS#11 token: a smart card, an HSM, or SoftHSM for tests.
//!
//! The public key is registered with the embedded sandbox, and the private key lists the keys
//! there:
//!
//! ```sh
//! export PKCS11_PIN_FILE=pin.txt    # or PKCS11_PIN
//! cargo run --example pkcs11 -- /usr/lib/softhsm/libsofthsm2.so TOKEN_LABEL KEY_LABEL
//! ```
//!
//! It prints the public key, to create an API key with. With `--live` it then lists the keys of the
//! account in the variables `KALSHI_API_KEY_ID` and `KALSHI_ENV`, instead of the sandbox.
//!
//! The module is loaded into this process. A hardware token keeps the private key to itself;
//! SoftHSM decrypts it here, so that it protects the file but not the process. A key that requires
//! the PIN for every signature (`CKA_ALWAYS_AUTHENTICATE`) is not supported here.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{io, thread};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::Error::Pkcs11 as Returned;
use cryptoki::error::RvError;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use ed25519_dalek::VerifyingKey;
use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::text::{quoted_path, with_causes};
use kalshi_api_keys::types::CreateApiKeyRequest;
use kalshi_api_keys::{Client, Credentials, Environment, ExternalKey, ExternalSignature};
use rsa::BoxedUint;
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let live = arguments.pop_if(|last| last == "--live").is_some();
    let [module, token, key] = &arguments[..] else {
        eprintln!("usage: cargo run --example pkcs11 -- MODULE TOKEN_LABEL KEY_LABEL [--live]");
        return ExitCode::from(2);
    };
    match run(module.as_ref(), token, key, live).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(module: &Path, token: &str, label: &str, live: bool) -> Result<(), Box<dyn Error>> {
    let key = TokenKey::open(module, token, label, pin()?)?;
    print!("{}", key.public_key_pem());
    if live {
        list_live(key).await
    } else {
        list_in_sandbox(key).await
    }
}

async fn list_live(key: TokenKey) -> Result<(), Box<dyn Error>> {
    let key_id = std::env::var("KALSHI_API_KEY_ID")
        .map_err(|_| "set KALSHI_API_KEY_ID to the ID of the API key")?;
    list(Environment::from_env()?, &key_id, key).await
}

pub async fn list_in_sandbox(key: TokenKey) -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let root = Client::new(sandbox.environment(), sandbox.credentials())?;
    let request = CreateApiKeyRequest::builder()
        .name("in a PKCS#11 token")
        .public_key(key.public_key_pem())
        .scopes(vec!["read".into()]);
    let created = root.create_api_key().body(request).send().await?;
    list(sandbox.environment(), &created.api_key_id, key).await
}

/// Lists the keys of an account, signing with a key in the token.
async fn list(environment: Environment, key_id: &str, key: TokenKey) -> Result<(), Box<dyn Error>> {
    let public_key_pem = key.public_key_pem().to_owned();
    let client = Client::new(
        environment,
        Credentials::external(key_id, &public_key_pem, key)?,
    )?;
    for key in &client.get_api_keys().send().await?.api_keys {
        println!(
            "{}  {}",
            key.api_key_id,
            key.name.as_deref().unwrap_or("(no name)")
        );
    }
    Ok(())
}

/// Reads the PIN from the variable `PKCS11_PIN`, or from the file that `PKCS11_PIN_FILE` names:
/// never from the arguments, which other users can see.
pub fn pin() -> Result<AuthPin, TokenError> {
    if let Ok(pin) = std::env::var("PKCS11_PIN") {
        return Ok(pin.into());
    }
    let path: PathBuf = std::env::var_os("PKCS11_PIN_FILE")
        .ok_or(TokenError::NoPin)?
        .into();
    let text =
        std::fs::read_to_string(&path).map_err(|source| TokenError::PinFile { path, source })?;
    let text = Zeroizing::new(text);
    Ok(text.trim_end_matches(['\r', '\n']).into())
}

/// A private key in a PKCS#11 token.
pub struct TokenKey {
    public_key_pem: String,
    // Dropped before the thread, which ends then.
    requests: mpsc::Sender<Request>,
    _thread: SessionThread,
}

/// A message, and where its signature goes.
struct Request {
    message: Vec<u8>,
    signature: oneshot::Sender<Result<Vec<u8>, cryptoki::error::Error>>,
}

impl TokenKey {
    /// Logs in to a token and finds a key in it.
    pub fn open(module: &Path, token: &str, label: &str, pin: AuthPin) -> Result<Self, TokenError> {
        let session = open_session(module, token)?;
        match session.login(UserType::User, Some(&pin)) {
            // A login holds for all sessions of the process.
            Ok(()) | Err(Returned(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(TokenError::Login(error)),
        }
        let key = find(&session, ObjectClass::PRIVATE_KEY, label)?;
        let public_key = find(&session, ObjectClass::PUBLIC_KEY, label)?;
        let key_type = attribute(&session, key, AttributeType::KeyType)?;
        let (public_key_pem, mechanism): (_, fn() -> Mechanism<'static>) = match key_type {
            Attribute::KeyType(KeyType::RSA) => (rsa_pem(&session, public_key)?, rsa_pss),
            Attribute::KeyType(KeyType::EC_EDWARDS) => {
                (ed25519_pem(&session, public_key)?, ed25519)
            }
            _ => return Err(TokenError::UnsupportedKey),
        };

        // One thread owns the session, which calls cannot share.
        let (requests, received) = mpsc::channel::<Request>();
        let sign_all = move || {
            for request in received {
                // Not those that were cancelled or timed out while the token was busy.
                if !request.signature.is_closed() {
                    let _ =
                        request
                            .signature
                            .send(session.sign(&mechanism(), key, &request.message));
                }
            }
        };
        let thread = thread::Builder::new()
            .name("pkcs11".to_owned())
            .spawn(sign_all)
            .map_err(TokenError::Thread)?;
        Ok(Self {
            public_key_pem,
            requests,
            _thread: SessionThread(thread),
        })
    }

    /// Returns the public key as PEM, as [`Credentials::external`] takes it.
    pub fn public_key_pem(&self) -> &str {
        &self.public_key_pem
    }
}

impl ExternalKey for TokenKey {
    fn sign<'a>(&'a self, message: &'a [u8]) -> ExternalSignature<'a> {
        Box::pin(async {
            let (signature, receiver) = oneshot::channel();
            let stopped = || TokenError::Thread(io::Error::other("it panicked"));
            self.requests
                .send(Request {
                    message: message.to_vec(),
                    signature,
                })
                .map_err(|_| stopped())?;
            let signature = receiver.await.map_err(|_| stopped())?;
            Ok(signature.map_err(TokenError::NotSigned)?)
        })
    }
}

/// The thread that owns the session.
struct SessionThread(thread::JoinHandle<()>);

impl Drop for SessionThread {
    /// Waits until the session is closed and the module unloaded: a process that exits meanwhile
    /// may crash in the module. Not for long, because the token may hang; it blocks an async
    /// runtime meanwhile.
    fn drop(&mut self) {
        let started = Instant::now();
        while !self.0.is_finished() && started.elapsed() < Duration::from_secs(1) {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn open_session(module: &Path, token: &str) -> Result<Session, TokenError> {
    let unusable = |source| TokenError::Module {
        path: module.to_owned(),
        source,
    };
    let context = Pkcs11::new(module).map_err(unusable)?;
    match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Returned(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(unusable(error)),
    }
    for slot in context.get_slots_with_token().map_err(TokenError::Token)? {
        if context
            .get_token_info(slot)
            .is_ok_and(|info| info.label() == token)
        {
            return context.open_ro_session(slot).map_err(TokenError::Token);
        }
    }
    Err(TokenError::NoToken {
        label: token.to_owned(),
    })
}

/// Finds the one object of a class with a label.
fn find(session: &Session, class: ObjectClass, label: &str) -> Result<ObjectHandle, TokenError> {
    let template = [
        Attribute::Class(class),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    match session.find_objects(&template).map_err(TokenError::Token)?[..] {
        [object] => Ok(object),
        ref found => Err(TokenError::NotOneKey {
            class,
            label: label.to_owned(),
            count: found.len(),
        }),
    }
}

fn attribute(
    session: &Session,
    object: ObjectHandle,
    name: AttributeType,
) -> Result<Attribute, TokenError> {
    let found = session
        .get_attributes(object, &[name])
        .map_err(TokenError::Token)?;
    found.into_iter().next().ok_or(TokenError::UnsupportedKey)
}

fn rsa_pem(session: &Session, public_key: ObjectHandle) -> Result<String, TokenError> {
    let modulus = attribute(session, public_key, AttributeType::Modulus)?;
    let exponent = attribute(session, public_key, AttributeType::PublicExponent)?;
    let (Attribute::Modulus(modulus), Attribute::PublicExponent(exponent)) = (modulus, exponent)
    else {
        return Err(TokenError::UnsupportedKey);
    };
    let integer = |bytes: Vec<u8>| BoxedUint::from_be_slice_vartime(&bytes);
    let key = rsa::PublicKey::new(integer(modulus), integer(exponent));
    let pem = key.map(|key| key.to_public_key_pem(LineEnding::LF));
    pem.ok()
        .and_then(Result::ok)
        .ok_or(TokenError::UnsupportedKey)
}

fn ed25519_pem(session: &Session, public_key: ObjectHandle) -> Result<String, TokenError> {
    let Attribute::EcPoint(point) = attribute(session, public_key, AttributeType::EcPoint)? else {
        return Err(TokenError::UnsupportedKey);
    };
    // A DER octet string, or only its content. Ed448, the other curve of this key type, has longer
    // points.
    let point = if point.len() == 34 {
        &point[2..]
    } else {
        &point[..]
    };
    let key = VerifyingKey::try_from(point).map(|key| key.to_public_key_pem(LineEnding::LF));
    key.ok()
        .and_then(Result::ok)
        .ok_or(TokenError::UnsupportedKey)
}

/// RSASSA-PSS (SHA-256, MGF1 with SHA-256, a salt of 32 bytes); the token computes the digest.
fn rsa_pss() -> Mechanism<'static> {
    Mechanism::Sha256RsaPkcsPss(PkcsPssParams {
        hash_alg: MechanismType::SHA256,
        mgf: PkcsMgfType::MGF1_SHA256,
        s_len: 32.into(),
    })
}

fn ed25519() -> Mechanism<'static> {
    Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure))
}

/// Why a key in a PKCS#11 token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Neither variable is set.
    #[error(
        "no PIN; set PKCS11_PIN_FILE to the path of a file with it, or PKCS11_PIN to the PIN itself"
    )]
    NoPin,
    /// The file cannot be read.
    #[error("cannot read the PIN file {}; check PKCS11_PIN_FILE", quoted_path(.path))]
    PinFile {
        /// The path of the file.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// The module cannot be loaded.
    #[error("cannot use the PKCS#11 module {}; check its path", quoted_path(.path))]
    Module {
        /// The path of the module.
        path: PathBuf,
        /// Why it cannot be used.
        source: cryptoki::error::Error,
    },
    /// No slot has a token with this label.
    #[error("no token has the label {label:?}; insert it, or correct the label")]
    NoToken {
        /// The label.
        label: String,
    },
    /// The token refused the PIN.
    #[error("cannot log in to the token; check the PIN before it is locked")]
    Login(#[source] cryptoki::error::Error),
    /// The token has no such key, or several.
    #[error(
        "the token has {count} {class} objects labelled {label:?}, not one; correct the label of the key"
    )]
    NotOneKey {
        /// The class of the object: the public or the private key.
        class: ObjectClass,
        /// The label.
        label: String,
        /// How many there are.
        count: usize,
    },
    /// The key is neither RSA nor Ed25519, or its public key cannot be read.
    #[error(
        "the key in the token is of another algorithm, or cannot be read; use Ed25519, or RSA of up to 8192 bits"
    )]
    UnsupportedKey,
    /// The token failed before it was asked to sign.
    #[error("the token failed; check that it is inserted")]
    Token(#[source] cryptoki::error::Error),
    /// The token did not sign, for example because it was removed.
    #[error("the token did not sign; check that it is inserted, and start again")]
    NotSigned(#[source] cryptoki::error::Error),
    /// The thread that calls the token failed.
    #[error("the thread for the token failed; start again")]
    Thread(#[source] io::Error),
}
