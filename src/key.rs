//! Parses PEM text into a validated RSA or Ed25519 private key, or diagnoses why it cannot be used.
//! Parsing and validation use `rsa` and `ed25519-dalek` with either backend.

use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use rustls_pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use crate::public_key::PublicKey;

/// The shortest accepted RSA key, which is also the size that the service generates.
const MIN_RSA_BITS: usize = 2048;
/// The longest RSA key that both backends support.
const MAX_RSA_BITS: usize = 8192;

const RSA: ObjectIdentifier = rsa::pkcs1::ALGORITHM_OID;
const ED25519: ObjectIdentifier = ed25519_dalek::pkcs8::ALGORITHM_OID;
const ELLIPTIC_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// A validated private key, zeroized on drop, except copies of a prime that `rsa` computes with.
pub(crate) enum PrivateKey {
    Rsa(Box<rsa::PrivateKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl PrivateKey {
    /// Parses the first private key in `text`, PKCS#1 or PKCS#8. Other text before and after it is
    /// ignored; its lines may be indented or quoted, end in CRLF, or be separated by a literal
    /// `\n`.
    pub(crate) fn from_pem(text: &str) -> Result<Self, KeyError> {
        let text = normalize(text);
        if text.trim().is_empty() {
            return Err(KeyError::Empty);
        }
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            match section.map(|(kind, der)| (kind, Zeroizing::new(der))) {
                Ok((SectionKind::RsaPrivateKey, der)) => return Self::from_pkcs1(&der),
                Ok((SectionKind::PrivateKey, der)) => return Self::from_pkcs8(&der),
                // An unrelated or malformed section; the key may follow.
                Ok(_) | Err(_) => {}
            }
        }
        Err(diagnose_pem(&text))
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        match self {
            Self::Rsa(key) => PublicKey::Rsa(key.to_public_key()),
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key()),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        check_rsa_sizes(
            &rsa::pkcs1::RsaPrivateKeyRef::try_from(der).map_err(|_| KeyError::Damaged)?,
        )?;
        let key = rsa::PrivateKey::from_pkcs1_der(der).map_err(|_| KeyError::Damaged)?;
        Ok(Self::Rsa(Box::new(key)))
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::try_from(der).map_err(|_| KeyError::Damaged)?;
        match info.algorithm.oid {
            RSA => Self::from_pkcs1(info.private_key.as_bytes()),
            ED25519 => ed25519_dalek::SigningKey::from_pkcs8_der(der)
                .map(|key| Self::Ed25519(Box::new(key)))
                .map_err(|_| KeyError::Damaged),
            ELLIPTIC_CURVE => Err(KeyError::EllipticCurve),
            _ => Err(KeyError::OtherAlgorithm),
        }
    }
}

/// Rejects integers of unsuitable sizes before validation, which would take minutes for some of
/// them.
fn check_rsa_sizes(key: &rsa::pkcs1::RsaPrivateKeyRef<'_>) -> Result<(), KeyError> {
    let modulus_bits = bit_length(key.modulus.as_bytes());
    if key.other_prime_infos.is_some()
        || bit_length(key.prime1.as_bytes()) != bit_length(key.prime2.as_bytes())
    {
        return Err(KeyError::InvalidRsaPrimes);
    }
    if modulus_bits < MIN_RSA_BITS {
        return Err(KeyError::RsaTooShort { bits: modulus_bits });
    }
    if modulus_bits > MAX_RSA_BITS {
        return Err(KeyError::Unusable);
    }
    let fits = |number: &[u8]| bit_length(number) <= modulus_bits;
    let numbers = [key.public_exponent, key.private_exponent, key.prime1];
    if numbers.iter().all(|number| fits(number.as_bytes())) {
        Ok(())
    } else {
        Err(KeyError::Damaged)
    }
}

/// Returns the length in bits of a big-endian number without leading zero bytes.
pub(crate) fn bit_length(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// Splits text into lines, also at a literal `\n`, and trims white space, quotes and byte order
/// marks from each.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let is_padding = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\u{feff}');
    let lines = text.split('\n').flat_map(|line| line.split("\\n"));
    lines.map(move |line| line.trim_end_matches("\\r").trim_matches(is_padding))
}

/// Joins the [`lines`] of a text with line feeds.
fn normalize(text: &str) -> Zeroizing<String> {
    // Normalizing only shortens the text, so the buffer is never reallocated, which would leave a
    // copy of the key behind.
    let mut normalized = Zeroizing::new(String::with_capacity(text.len() + 1));
    for line in lines(text) {
        normalized.push_str(line);
        normalized.push('\n');
    }
    normalized
}

/// Determines why no private key could be parsed from `text`.
fn diagnose_pem(text: &str) -> KeyError {
    const MARKERS: [(&str, KeyError); 9] = [
        ("-----BEGIN ENCRYPTED PRIVATE KEY", KeyError::Encrypted),
        ("Proc-Type: 4,ENCRYPTED", KeyError::Encrypted),
        ("-----BEGIN OPENSSH PRIVATE KEY", KeyError::OpenSsh),
        ("-----BEGIN EC PRIVATE KEY", KeyError::EllipticCurve),
        ("-----BEGIN PRIVATE KEY", KeyError::Damaged),
        ("-----BEGIN RSA PRIVATE KEY", KeyError::Damaged),
        ("PUBLIC KEY-----", KeyError::PublicKey),
        ("-----BEGIN CERTIFICATE-----", KeyError::Certificate),
        ("-----BEGIN ", KeyError::OtherSection),
    ];
    let found = MARKERS.iter().find(|(marker, _)| text.contains(marker));
    found.map_or(KeyError::NotPem, |(_, error)| *error)
}

/// An error parsing a private key. Messages never repeat the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is empty or only white space.
    #[error("empty text; provide the whole private key, from its BEGIN to its END line")]
    Empty,
    /// The text has no `-----BEGIN` line.
    #[error(
        "not PEM: no `-----BEGIN` line; provide the key itself, not its path, from its BEGIN to its END line"
    )]
    NotPem,
    /// The file is binary DER.
    #[error("DER, not PEM; convert it: `openssl pkey -inform DER -in KEY -out kalshi.pem`")]
    Der,
    /// The bytes are not UTF-8.
    #[error(
        "not UTF-8 text; save it as plain text, or as PEM with `openssl pkey -in KEY -out kalshi.pem`"
    )]
    NotUtf8,
    /// The file is larger than 64 KiB.
    #[error("larger than 64 KiB; provide a PEM file with only the private key")]
    TooLarge,
    /// The key is encrypted with a passphrase.
    #[error(
        "the key is encrypted; decrypt it: `openssl pkey -in KEY -out kalshi.pem`, and protect that file"
    )]
    Encrypted,
    /// The key is in OpenSSH format.
    #[error(
        "an OpenSSH key; use PEM, or convert a copy of an RSA key in place: `ssh-keygen -p -N '' -m PEM -f COPY`"
    )]
    OpenSsh,
    /// The key is an elliptic-curve key other than Ed25519.
    #[error(
        "an elliptic-curve (EC) key; Kalshi accepts RSA and Ed25519: `openssl genpkey -algorithm ed25519 -out KEY`"
    )]
    EllipticCurve,
    /// The text contains a public key but no private key.
    #[error(
        "a public key; provide the private key, which was shown once when the API key was created"
    )]
    PublicKey,
    /// The text contains a certificate but no private key.
    #[error(
        "a certificate; provide the private key, which was shown once when the API key was created"
    )]
    Certificate,
    /// The text is PEM without a private key.
    #[error("PEM without a private key; look for `BEGIN PRIVATE KEY` or `BEGIN RSA PRIVATE KEY`")]
    OtherSection,
    /// The algorithm of the key is neither RSA nor Ed25519.
    #[error(
        "neither an RSA nor an Ed25519 key; generate another: `openssl genpkey -algorithm ed25519 -out KEY`"
    )]
    OtherAlgorithm,
    /// The key is truncated or was altered.
    #[error("the key is truncated or damaged; copy it again, from its BEGIN to its END line")]
    Damaged,
    /// The RSA key is shorter than 2048 bits.
    #[error(
        "an RSA key of {bits} bits; use 2048 or more, or Ed25519: `openssl genpkey -algorithm ed25519 -out KEY`"
    )]
    RsaTooShort {
        /// The length of the modulus.
        bits: usize,
    },
    /// The RSA modulus is not the product of two primes of equal length, as FIPS 186-5 requires.
    #[error(
        "an RSA key without two primes of equal length; generate a key: `openssl genpkey -algorithm ed25519 -out KEY`"
    )]
    InvalidRsaPrimes,
    /// The key is valid, but the cryptography backend cannot use it.
    #[error(
        "{} cannot sign with this key; use RSA of 2048 to 8192 bits or Ed25519",
        crate::CRYPTO_BACKEND
    )]
    Unusable,
    /// The text has no `Kalshi-API-Key-ID` line.
    #[error(
        "no `Kalshi-API-Key-ID` line; add `Kalshi-API-Key-ID: <ID>` before the key, or pass the ID separately"
    )]
    MissingApiKeyId,
    /// The ID in a `Kalshi-API-Key-ID` line is not visible ASCII.
    #[error("invalid ID in the `Kalshi-API-Key-ID` line; copy the ID from the list of API keys")]
    InvalidApiKeyId,
    /// The text names several API keys, or a different one than the caller.
    #[error(
        "the `Kalshi-API-Key-ID` line names a different API key than another such line, or than what was given; correct the wrong ID"
    )]
    ConflictingApiKeyIds,
}
