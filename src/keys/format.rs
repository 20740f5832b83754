//! Tells what bytes are, by their content: keys in DER, in the formats of OpenSSH, or raw.

use crate::keys::private::KeyError;

/// The length of an Ed25519 private key, which is a seed.
pub(crate) const SEED_LENGTH: usize = ed25519_dalek::SECRET_KEY_LENGTH;

/// A format that is recognized with certainty.
#[derive(Clone, Debug)]
pub(crate) enum Format<'a> {
    /// An RSA private key.
    Pkcs1,
    /// A private key of any algorithm.
    Pkcs8,
    /// A private key that cannot be used, and why.
    Unusable(KeyError),
    /// An Ed25519 seed and the public key that belongs to it.
    Ed25519Pair(&'a [u8; 2 * SEED_LENGTH]),
    /// An RSA public key.
    Pkcs1Public,
    /// A public key of any algorithm.
    SubjectPublicKeyInfo,
    /// A public key in OpenSSH's format.
    SshPublic(SshPublic<'a>),
    Certificate,
}

impl Format<'_> {
    /// Returns the label of a PEM section in this format.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Pkcs1 => "RSA PRIVATE KEY",
            Self::Pkcs8 | Self::Unusable(_) | Self::Ed25519Pair(_) => "PRIVATE KEY",
            Self::Pkcs1Public => "RSA PUBLIC KEY",
            Self::SubjectPublicKeyInfo | Self::SshPublic(_) => "PUBLIC KEY",
            Self::Certificate => "CERTIFICATE",
        }
    }
}

/// The numbers of a public key in OpenSSH's format.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SshPublic<'a> {
    Rsa {
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
    Ed25519(&'a [u8]),
    Other,
}

/// Returns the format of bytes that are complete.
pub(crate) fn identify(bytes: &[u8]) -> Option<Format<'_>> {
    if let Some(private) = openssh_private(bytes) {
        return Some(Format::Unusable(private));
    }
    if let Some(public) = ssh_public(bytes) {
        return Some(Format::SshPublic(public));
    }
    if let Ok(pair) = bytes.try_into()
        && ed25519_dalek::SigningKey::from_keypair_bytes(pair).is_ok()
    {
        return Some(Format::Ed25519Pair(pair));
    }
    if bytes.starts_with(&[0xfe, 0xed, 0xfe, 0xed]) || bytes.starts_with(&[0xce; 4]) {
        return Some(Format::Unusable(KeyError::JavaKeyStore));
    }
    identify_der(bytes)
}

fn identify_der(bytes: &[u8]) -> Option<Format<'_>> {
    let outer = Element::whole(bytes).filter(|outer| outer.tag == SEQUENCE)?;
    let inner: Vec<Element<'_>> = outer.elements().take(10).collect();
    let tags: Vec<u8> = inner.iter().map(|element| element.tag).collect();
    let first = inner.first()?;
    let first_tag = first.elements().next().map(|element| element.tag);
    match *tags {
        [INTEGER, SEQUENCE, OCTET_STRING, ..] => Some(Format::Pkcs8),
        // RFC 8017: version, modulus and seven more numbers.
        [INTEGER, INTEGER, ..] if tags.len() >= 9 => Some(Format::Pkcs1),
        // DSA: version, three parameters and two keys.
        [INTEGER, INTEGER, ..] if tags.len() == 6 => {
            Some(Format::Unusable(KeyError::OtherAlgorithm))
        }
        [INTEGER, INTEGER] if inner[0].content.len() > 32 => Some(Format::Pkcs1Public),
        [INTEGER, OCTET_STRING, ..] => Some(Format::Unusable(KeyError::EllipticCurve)),
        [INTEGER, SEQUENCE, ..] if first.content == [3] => Some(Format::Unusable(KeyError::Pkcs12)),
        [SEQUENCE, OCTET_STRING] if first_tag == Some(OBJECT_IDENTIFIER) => {
            Some(Format::Unusable(KeyError::Encrypted))
        }
        [SEQUENCE, BIT_STRING] if first_tag == Some(OBJECT_IDENTIFIER) => {
            Some(Format::SubjectPublicKeyInfo)
        }
        [SEQUENCE, SEQUENCE, BIT_STRING] if first_tag == Some(EXPLICIT_0) => {
            Some(Format::Certificate)
        }
        _ => None,
    }
}

/// Returns whether bytes begin like a key in DER, perhaps a damaged one.
pub(crate) fn begins_like_a_key(bytes: &[u8]) -> bool {
    bytes.first() == Some(&SEQUENCE)
        && header(bytes).is_some_and(|(_, content)| content > SEED_LENGTH)
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;

/// An element of DER.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

impl<'a> Element<'a> {
    /// Reads the element at the beginning of `bytes`, and returns it with what follows.
    fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, length) = header(bytes)?;
        let (content, rest) = bytes[header..].split_at_checked(length)?;
        let tag = bytes[0];
        Some((Self { tag, content }, rest))
    }

    /// Reads an element that nothing follows.
    fn whole(bytes: &'a [u8]) -> Option<Self> {
        let (element, rest) = Self::first(bytes)?;
        rest.is_empty().then_some(element)
    }

    /// Returns the elements in it, up to one that is malformed.
    fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let mut rest = self.content;
        std::iter::from_fn(move || {
            let (element, after) = Element::first(rest)?;
            rest = after;
            Some(element)
        })
    }
}

/// Returns the length of the tag and the length of an element of DER, and the length of its
/// content.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [_, length @ 0..=0x7f, ..] => Some((2, length.into())),
        [_, 0x81, length, ..] => Some((3, length.into())),
        [_, 0x82, high, low, ..] => Some((4, u16::from_be_bytes([high, low]).into())),
        _ => None,
    }
}

/// Recognizes an OpenSSH private key, by its algorithm and by its encryption.
fn openssh_private(bytes: &[u8]) -> Option<KeyError> {
    let mut fields = SshFields(bytes.strip_prefix(b"openssh-key-v1\0")?);
    let cipher = fields.next();
    let is_encrypted = cipher != Some(b"none");
    // The key derivation, its options, and the number of keys.
    let _ = fields.next();
    let _ = fields.next();
    fields.skip(4);
    let algorithm = fields.next().and_then(|public| SshFields(public).next());
    Some(match algorithm {
        Some(b"ssh-ed25519") => KeyError::OpenSshEd25519 { is_encrypted },
        Some(b"ssh-rsa") => KeyError::OpenSshRsa { is_encrypted },
        Some(_) => KeyError::OpenSsh,
        None => KeyError::Damaged,
    })
}

/// Recognizes an OpenSSH public key.
fn ssh_public(bytes: &[u8]) -> Option<SshPublic<'_>> {
    let mut fields = SshFields(bytes);
    match fields.next()? {
        b"ssh-rsa" => {
            let exponent = fields.next()?;
            let modulus = fields.next()?;
            let key = SshPublic::Rsa { modulus, exponent };
            fields.0.is_empty().then_some(key)
        }
        b"ssh-ed25519" => {
            let key = SshPublic::Ed25519(fields.next()?);
            fields.0.is_empty().then_some(key)
        }
        name if name.starts_with(b"ssh-")
            || name.starts_with(b"ecdsa-")
            || name.starts_with(b"sk-") =>
        {
            Some(SshPublic::Other)
        }
        _ => None,
    }
}

/// Returns an RSA public key in PKCS#1. SSH encodes its numbers as DER does.
pub(crate) fn pkcs1_public(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [element(INTEGER, modulus), element(INTEGER, exponent)];
    element(SEQUENCE, &numbers.concat())
}

/// Encodes an element of DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = length
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(length.len() - 1);
    let length = &length[significant..];
    let mut element = vec![tag];
    if content.len() >= 0x80 {
        element.push(0x80 | length.len() as u8);
    }
    element.extend_from_slice(length);
    element.extend_from_slice(content);
    element
}

/// The fields of a structure of SSH (RFC 4251), each with its length before it.
struct SshFields<'a>(&'a [u8]);

impl<'a> SshFields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let length = u32::from_be_bytes(*length).try_into().ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }
}
