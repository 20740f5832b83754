//! Reading a private key: PEM text -> an RSA or Ed25519 key that was checked, or an error that says what the text is
//! and what to do. `rsa` and `ed25519-dalek` read and check in both engines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfo};
use rsa::traits::PublicKeyParts as _;
use rustls_pki_types::pem::{PemObject, SectionKind};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The shortest RSA key that is accepted, in bits: the size that the service generates.
const MIN_RSA_BITS: usize = 2048;

const RSA: ObjectIdentifier = rsa::pkcs1::ALGORITHM_OID;
const ED25519: ObjectIdentifier = ed25519_dalek::pkcs8::ALGORITHM_OID;
const ELLIPTIC_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// A private key, checked. Wiped when dropped, by the crates that define the two.
pub(crate) enum PrivateKey {
    Rsa(Box<rsa::RsaPrivateKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl PrivateKey {
    /// Reads the first private key in `text`: PKCS#1 or PKCS#8, among other text, its lines indented, quoted, ended
    /// by CRLF or written out on one line as `\n`.
    pub(crate) fn from_pem(text: &str) -> Result<Self, KeyError> {
        let text = lines(text);
        if text.trim().is_empty() {
            return Err(KeyError::Empty);
        }
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            match section.map(|(kind, der)| (kind, Zeroizing::new(der))) {
                Ok((SectionKind::RsaPrivateKey, der)) => return Self::from_pkcs1(&der),
                Ok((SectionKind::PrivateKey, der)) => return Self::from_pkcs8(&der),
                // Another section, or one that does not read; the key may follow.
                Ok(_) | Err(_) => {}
            }
        }
        Err(diagnose_pem(&text))
    }

    /// `SHA256:` and the digest of the public key (DER, SubjectPublicKeyInfo) in base64 without padding, as OpenSSH writes it.
    pub(crate) fn fingerprint(&self) -> Result<String, KeyError> {
        let public_key = match self {
            Self::Rsa(key) => key.to_public_key().to_public_key_der(),
            Self::Ed25519(key) => key.verifying_key().to_public_key_der(),
        };
        let digest = Sha256::digest(public_key.map_err(|_| KeyError::Unusable)?);
        Ok(format!("SHA256:{}", STANDARD_NO_PAD.encode(digest)))
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let key = rsa::RsaPrivateKey::from_pkcs1_der(der).map_err(|_| KeyError::Damaged)?;
        match key.n().bits() {
            bits if bits < MIN_RSA_BITS => Err(KeyError::RsaTooShort { bits }),
            _ => Ok(Self::Rsa(Box::new(key))),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfo::try_from(der).map_err(|_| KeyError::Damaged)?;
        match info.algorithm.oid {
            RSA => Self::from_pkcs1(info.private_key),
            ED25519 => match ed25519_dalek::SigningKey::from_pkcs8_der(der) {
                Ok(key) => Ok(Self::Ed25519(Box::new(key))),
                Err(_) => Err(KeyError::Damaged),
            },
            ELLIPTIC_CURVE => Err(KeyError::EllipticCurve),
            _ => Err(KeyError::OtherAlgorithm),
        }
    }
}

/// The text with real line ends and nothing around its lines.
fn lines(text: &str) -> Zeroizing<String> {
    let around = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}');
    // A written-out line end becomes a real one; neither replacement makes the text longer.
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 1));
    for line in text.split('\n').flat_map(|line| line.split("\\n")) {
        lines.push_str(line.trim_end_matches("\\r").trim_matches(around));
        lines.push('\n');
    }
    lines
}

/// Why a text without a readable private key has none.
fn diagnose_pem(text: &str) -> KeyError {
    let has = |mark: &str| text.contains(mark);
    if !has("-----BEGIN ") {
        KeyError::NotPem
    } else if has("-----BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") {
        KeyError::Encrypted
    } else if has("-----BEGIN OPENSSH PRIVATE KEY") {
        KeyError::OpenSsh
    } else if has("-----BEGIN EC PRIVATE KEY") {
        KeyError::EllipticCurve
    } else if has("-----BEGIN PRIVATE KEY") || has("-----BEGIN RSA PRIVATE KEY") {
        KeyError::Damaged
    } else if has("PUBLIC KEY-----") {
        KeyError::PublicKey
    } else if has("-----BEGIN CERTIFICATE-----") {
        KeyError::Certificate
    } else {
        KeyError::OtherSection
    }
}

/// Why a text or a file is no private key that can sign. No message repeats any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing but white space.
    #[error("it is empty; it should hold the private key, from its BEGIN to its END line")]
    Empty,
    /// No `-----BEGIN` in it.
    #[error(
        "it is no PEM text (no `-----BEGIN` line); give the key itself, not a path to it, from its BEGIN to its END line"
    )]
    NotPem,
    /// Binary DER.
    #[error("it is DER, not PEM; convert it: `openssl pkey -inform DER -in KEY -out kalshi.pem`")]
    Der,
    /// Bytes that are no text.
    #[error("it is not UTF-8 text; save it again as plain text, or as PEM with `openssl pkey -in KEY -out kalshi.pem`")]
    NotUtf8,
    /// Larger than any key.
    #[error("it is larger than 64 KiB, so no private key; give the PEM file of the key alone")]
    TooLarge,
    /// Protected by a passphrase.
    #[error("it is encrypted; decrypt it: `openssl pkey -in KEY -out kalshi.pem`, then keep that file safe")]
    Encrypted,
    /// The format of `ssh-keygen`.
    #[error("it is an OpenSSH key; make a new key, or convert an RSA one: `ssh-keygen -p -N '' -m PEM -f KEY`")]
    OpenSsh,
    /// An elliptic-curve key other than Ed25519.
    #[error("it is an elliptic-curve (EC) key; Kalshi takes RSA and Ed25519: `openssl genpkey -algorithm ed25519`")]
    EllipticCurve,
    /// The public half.
    #[error("it is a public key; requests are signed with the private one, shown once when the key was made")]
    PublicKey,
    /// A certificate.
    #[error("it is a certificate; requests are signed with a private key, shown once when the API key was made")]
    Certificate,
    /// A PEM section of another kind.
    #[error("it is PEM, but no private key; look for `BEGIN PRIVATE KEY` or `BEGIN RSA PRIVATE KEY`")]
    OtherSection,
    /// A private key of an algorithm the service does not take.
    #[error("its algorithm is neither RSA nor Ed25519; make another: `openssl genpkey -algorithm ed25519`")]
    OtherAlgorithm,
    /// Cut short, or changed on its way.
    #[error("it is cut short or damaged; copy it again, whole, from its BEGIN to its END line")]
    Damaged,
    /// An RSA key that is no longer safe.
    #[error(
        "it is an RSA key of {bits} bits; 2048 is the least: `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048`"
    )]
    RsaTooShort {
        /// The length of its modulus.
        bits: usize,
    },
    /// Read and checked, but refused by the code that would sign with it.
    #[error("it cannot sign: {} takes RSA keys of 2048 to 8192 bits and Ed25519 keys", crate::CRYPTO_BACKEND)]
    Unusable,
}
