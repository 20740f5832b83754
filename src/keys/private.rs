//! Finds the private key in a text and validates it, or diagnoses why none can be used. Parsing and
//! validation use `rsa` and `ed25519-dalek` with either backend.

use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use http::HeaderValue;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};

use crate::keys::format::{self, Format};
use crate::keys::id::agreed_id;
use crate::keys::public::PublicKey;
use crate::keys::text::{self, Block, Part};

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
    /// Decodes a part of a text, by its content; the label of a PEM section is a hint only.
    fn from_block(block: &Block) -> Result<Self, KeyError> {
        let hint = by_label(&block.label);
        let bytes = match &block.bytes {
            Ok(bytes) => bytes,
            Err(error) => return Err(hint.unwrap_or_else(|| error.clone())),
        };
        match format::identify(bytes) {
            Some(format) => Self::from_bytes(bytes, format),
            None if bytes.len() == format::SEED_LENGTH => Err(KeyError::RawEd25519 {
                decoder: "sed /-----/d KEY | base64 -d",
            }),
            None => Err(hint.unwrap_or(KeyError::Damaged)),
        }
    }

    fn from_bytes(bytes: &[u8], format: Format<'_>) -> Result<Self, KeyError> {
        match format {
            Format::Pkcs1 => Self::from_pkcs1(bytes),
            Format::Pkcs8 => Self::from_pkcs8(bytes),
            Format::Ed25519Pair(pair) => ed25519_dalek::SigningKey::from_keypair_bytes(pair)
                .map(|key| Self::Ed25519(Box::new(key)))
                .map_err(|_| KeyError::Damaged),
            Format::Unusable(reason) => Err(reason),
            Format::Pkcs1Public | Format::SubjectPublicKeyInfo | Format::SshPublic(_) => {
                Err(KeyError::PublicKey)
            }
            Format::Certificate => Err(KeyError::Certificate),
        }
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

/// Names what is wrong with the sizes of the integers, which `rsa` calls malformed, or accepts:
/// it limits the modulus of public keys only.
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

/// A private key and the ID of its API key, if the text names it.
pub(crate) struct NamedKey {
    pub(crate) key: PrivateKey,
    pub(crate) key_id: Option<HeaderValue>,
}

/// A key in a text, or what may be one that was damaged.
struct Candidate {
    /// Its index among the parts of the text.
    index: usize,
    is_commented_out: bool,
    key: Result<PrivateKey, KeyError>,
}

/// Finds the private key in a text. Of several, it is the one whose ID is `given` and named beside
/// it.
pub(crate) fn find(text: &str, given: Option<&HeaderValue>) -> Result<NamedKey, KeyError> {
    let parts = text::read(text);
    let mut candidates = Vec::new();
    let mut errors = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let Part::Block(block) = part else {
            continue;
        };
        let key = PrivateKey::from_block(block);
        if let Err(error) = &key {
            errors.push(error.clone());
        }
        // A damaged key may be the one that is meant although another can be used.
        if matches!(key, Ok(_) | Err(KeyError::Damaged | KeyError::EndMissing)) {
            candidates.push(Candidate {
                index,
                is_commented_out: block.is_commented_out,
                key,
            });
        }
    }
    if candidates.iter().all(|candidate| candidate.key.is_err()) {
        return Err(diagnose(text, &errors));
    }
    if candidates
        .iter()
        .any(|candidate| !candidate.is_commented_out)
    {
        candidates.retain(|candidate| !candidate.is_commented_out);
    }
    let key_id = match check_same(&candidates) {
        Ok(()) => agreed_id(&parts)?,
        Err(several) => {
            let given = given.ok_or(several)?;
            let ids = ids_beside(&candidates, &parts)?;
            let mut ids = ids.iter();
            candidates.retain(|_| ids.next() == Some(given));
            check_same(&candidates)?;
            Some(given.clone())
        }
    };
    let first = candidates.into_iter().next().ok_or(KeyError::SeveralKeys)?;
    Ok(NamedKey {
        key: first.key?,
        key_id,
    })
}

/// Checks that all candidates are the same key.
fn check_same(candidates: &[Candidate]) -> Result<(), KeyError> {
    let mut fingerprints = candidates.iter().map(|candidate| {
        let key = candidate.key.as_ref().ok()?;
        key.public_key().fingerprint()
    });
    let first = fingerprints.next().flatten();
    // Two damaged keys are the same as far as it matters.
    if fingerprints.all(|fingerprint| fingerprint == first) {
        Ok(())
    } else {
        Err(KeyError::SeveralKeys)
    }
}

/// Returns the ID beside each of several keys: before each of them, or after each of them.
fn ids_beside(candidates: &[Candidate], parts: &[Part]) -> Result<Vec<HeaderValue>, KeyError> {
    let starts = candidates.iter().map(|candidate| candidate.index);
    let ends = starts.clone().skip(1).chain([parts.len()]);
    let after = starts.clone().zip(ends);
    let before = [0].into_iter().chain(starts.clone()).zip(starts);
    let id_in =
        |(start, end): (usize, usize)| agreed_id(&parts[start..end])?.ok_or(KeyError::SeveralKeys);
    let before: Result<Vec<HeaderValue>, KeyError> = before.map(id_in).collect();
    before.or_else(|_| after.map(id_in).collect())
}

/// Determines why a text has no usable private key, from the errors of its parts.
fn diagnose(text: &str, errors: &[KeyError]) -> KeyError {
    let is_beside_the_point = |error: &&KeyError| {
        matches!(
            error,
            KeyError::PublicKey | KeyError::Certificate | KeyError::OtherSection
        )
    };
    if let Some(error) = errors.iter().find(|error| !is_beside_the_point(error)) {
        return error.clone();
    }
    if let Some(error) = errors.first() {
        return error.clone();
    }
    let value = text.trim_matches(text::is_padding);
    if value.is_empty() {
        KeyError::Empty
    } else if text::is_uuid(value) {
        KeyError::ApiKeyId
    } else if let Some(decoder) = text::decoder_of_seed(value) {
        KeyError::RawEd25519 { decoder }
    } else {
        KeyError::NotPem
    }
}

/// Returns what a section with this label is if its content does not tell. A private key in PKCS#1
/// or PKCS#8 would.
fn by_label(label: &str) -> Option<KeyError> {
    match label {
        "" | "PRIVATEKEY" | "RSAPRIVATEKEY" | "ED25519PRIVATEKEY" => None,
        "ENCRYPTEDPRIVATEKEY" => Some(KeyError::Encrypted),
        "OPENSSHPRIVATEKEY" => Some(KeyError::OpenSsh),
        "ECPRIVATEKEY" => Some(KeyError::EllipticCurve),
        _ if label.ends_with("PUBLICKEY") => Some(KeyError::PublicKey),
        _ if label.ends_with("CERTIFICATE") => Some(KeyError::Certificate),
        _ => Some(KeyError::OtherSection),
    }
}

/// An error finding a private key in a text. Messages never repeat the input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is empty or only white space.
    #[error("empty text; provide the whole private key, from its BEGIN to its END line")]
    Empty,
    /// The text has no key in any known form.
    #[error(
        "not PEM: no `-----BEGIN` line; provide the key itself, not its path, from its BEGIN to its END line"
    )]
    NotPem,
    /// The bytes are neither text nor a key in a known format.
    #[error(
        "neither text nor a key in a known format; provide the key as PEM, such as the file that Kalshi lets you download"
    )]
    NotUtf8,
    /// The file is larger than 64 KiB.
    #[error("larger than 64 KiB; provide a PEM file with only the private key")]
    TooLarge,
    /// The text ends after its BEGIN line.
    #[error(
        "only the BEGIN line arrived; put quotes around the value, or write its line ends as `\\n`"
    )]
    OnlyBeginLine,
    /// The text has a BEGIN line and no END line.
    #[error("the key is truncated: its END line is missing; copy it again, up to its END line")]
    EndMissing,
    /// Something other than a key stands between the BEGIN and END lines.
    #[error(
        "a placeholder or another secret stands between the BEGIN and END lines; put the private key there"
    )]
    Placeholder,
    /// The text is the ID of an API key, or contains one in place of the key.
    #[error(
        "an API key ID in place of the private key; provide the private key, which was shown once when the API key was created"
    )]
    ApiKeyId,
    /// The text has several private keys, and does not tell which is meant.
    #[error(
        "several different private keys; keep one, or put a line `Kalshi-API-Key-ID: <ID>` before each, and give the ID"
    )]
    SeveralKeys,
    /// The text or file consists of 32 bytes, which may be an Ed25519 private key or public key.
    #[error(
        r"32 bytes without an algorithm; if they are an Ed25519 private key, make PEM of them: `(printf '0.\2\1\0000\5\6\3+ep\4\42\4 '; {decoder}) | openssl pkey -inform DER -out kalshi.pem`"
    )]
    RawEd25519 {
        /// The shell command that decodes the file `KEY`, such as `base64 -d KEY`.
        decoder: &'static str,
    },
    /// The key is encrypted with a passphrase.
    #[error(
        "the key is encrypted; decrypt it: `openssl pkey -in KEY -out kalshi.pem`, and protect that file"
    )]
    Encrypted,
    /// The key is an RSA key in OpenSSH's format.
    #[error(
        "an {}OpenSSH RSA key; convert a copy in place: `ssh-keygen -p -N '' -m PEM -f COPY`",
        if *.is_encrypted { "encrypted " } else { "" }
    )]
    OpenSshRsa {
        /// Set if it is encrypted with a passphrase.
        is_encrypted: bool,
    },
    /// The key is an Ed25519 key in OpenSSH's format, which OpenSSH cannot convert.
    #[error(
        "an {}OpenSSH Ed25519 key; add it to an SSH agent (`ssh-add KEY`) and use `--ssh-agent`, or use a new key: `openssl genpkey -algorithm ed25519 -out KEY`",
        if *.is_encrypted { "encrypted " } else { "" }
    )]
    OpenSshEd25519 {
        /// Set if it is encrypted with a passphrase.
        is_encrypted: bool,
    },
    /// The key is in OpenSSH's format, and neither RSA nor Ed25519.
    #[error(
        "an OpenSSH key, neither RSA nor Ed25519; use another: `openssl genpkey -algorithm ed25519 -out KEY`"
    )]
    OpenSsh,
    /// The key is in PuTTY's format.
    #[error(
        "a PuTTY key; convert an RSA key: `puttygen KEY -O private-openssh -o kalshi.pem`, or use another: `openssl genpkey -algorithm ed25519 -out KEY`"
    )]
    Putty,
    /// The key is in a PKCS#12 file.
    #[error(
        "a PKCS#12 file (.p12 or .pfx); extract its key: `openssl pkcs12 -in KEY -nocerts -nodes -out kalshi.pem`"
    )]
    Pkcs12,
    /// The key is in a Java key store.
    #[error(
        "a Java key store; convert it to PKCS#12: `keytool -importkeystore -srckeystore KEY -destkeystore kalshi.p12 -deststoretype PKCS12`"
    )]
    JavaKeyStore,
    /// The key is a JSON Web Key.
    #[error("a JSON Web Key (JWK); export it as PEM (PKCS#8) where it was created")]
    JsonWebKey,
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
    /// The key was altered, or parts of it are missing.
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
    /// The text does not name the ID of its API key.
    #[error(
        "no `Kalshi-API-Key-ID` line; add `Kalshi-API-Key-ID: <ID>` before the key, or pass the ID separately"
    )]
    MissingApiKeyId,
    /// The ID in a `Kalshi-API-Key-ID` line is not visible ASCII.
    #[error("invalid ID in the `Kalshi-API-Key-ID` line; copy the ID from the list of API keys")]
    InvalidApiKeyId,
    /// The text names several API keys for one private key.
    #[error("the text names several API key IDs; keep the one that the private key belongs to")]
    ConflictingApiKeyIds,
}
