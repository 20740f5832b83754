//! Every form of a private key that is read, every form that is refused and what the refusal says.

use std::path::Path;

use http::Method;
use kalshi_api_keys::{Credentials, CredentialsError, KeyError, Signer};
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};

use crate::fixtures::{KEY_ID, Pair, at_ms, ed25519, openssl, rsa, shows_key};
use crate::signing::verifies_bytes;

#[test]
fn a_key_is_read_in_every_form_that_people_hold_it_in() {
    let pkcs1 = rsa().private.expose_secret();
    let key = rsa::RsaPrivateKey::from_pkcs1_pem(pkcs1).unwrap();
    let pkcs8 = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    for (pair, pem) in [(rsa(), pkcs1), (rsa(), pkcs8.as_str()), (ed25519(), ed25519().private.expose_secret())] {
        let forms = [
            ("as it is", pem.to_owned()),
            ("CRLF", pem.replace('\n', "\r\n")),
            ("no line end at the end", pem.trim_end().to_owned()),
            ("white space around", format!("\n\t  {pem}\r\n \n")),
            ("a byte order mark", format!("\u{feff}{pem}")),
            ("indented", pem.lines().map(|line| format!("    {line}  \n")).collect()),
            ("text around", format!("my Kalshi key, made today:\n{pem}kept safe\n")),
            ("on one line", pem.replace('\n', "\\n")),
            ("on one line, CRLF", pem.replace('\n', "\\r\\n")),
            ("on one line, quoted", format!("\"{}\"", pem.trim_end().replace('\n', "\\n"))),
            ("after its public key", format!("{}{pem}", pair.public)),
            ("before its public key", format!("{pem}{}", pair.public)),
        ];
        for (form, text) in forms {
            let credentials = Credentials::from_pem(KEY_ID, &text).unwrap_or_else(|e| panic!("{form}: {e}"));
            assert!(signs_for(pair, credentials), "{form}");
        }
    }
}

#[test]
fn a_file_is_read_as_text_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    std::fs::write(&path, rsa().private.expose_secret()).unwrap();
    let credentials = Credentials::from_pem_file(KEY_ID, &path).unwrap();
    assert_eq!(credentials.key_id(), KEY_ID);
    assert!(signs_for(rsa(), credentials));
}

#[test]
fn what_is_no_private_key_is_refused_with_diagnose_pem() {
    let pkcs1 = rsa().private.expose_secret();
    let lines: Vec<_> = pkcs1.lines().collect();
    let without_end = lines[..lines.len() - 1].join("\n");
    let without_middle = [&lines[..8], &lines[10..]].concat().join("\n");
    let with_error = pkcs1.replacen(lines[5], &lines[5].chars().rev().collect::<String>(), 1);
    let section = |label: &str| format!("-----BEGIN {label}-----\nMIIB\n-----END {label}-----\n");
    let encrypted = pkcs1.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233\n\n", 1);

    let table: &[(&str, String, KeyError)] = &[
        ("nothing", String::new(), KeyError::Empty),
        ("white space", " \r\n\t".into(), KeyError::Empty),
        ("a path", "/home/me/kalshi.pem".into(), KeyError::NotPem),
        ("base64 alone", lines[1..lines.len() - 1].join("\n"), KeyError::NotPem),
        ("no END line", without_end, KeyError::Damaged),
        ("lines missing", without_middle, KeyError::Damaged),
        ("a line changed", with_error, KeyError::Damaged),
        ("no line ends", pkcs1.replace('\n', ""), KeyError::Damaged),
        ("half of it", pkcs1[..pkcs1.len() / 2].into(), KeyError::Damaged),
        ("the BEGIN line alone", lines[0].into(), KeyError::Damaged),
        ("an encrypted PKCS#8 key", section("ENCRYPTED PRIVATE KEY"), KeyError::Encrypted),
        ("an encrypted PKCS#1 key", encrypted, KeyError::Encrypted),
        ("an OpenSSH key", section("OPENSSH PRIVATE KEY"), KeyError::OpenSsh),
        ("an EC key", section("EC PRIVATE KEY"), KeyError::EllipticCurve),
        ("a public key", rsa().public.clone(), KeyError::PublicKey),
        ("a PKCS#1 public key", section("RSA PUBLIC KEY"), KeyError::PublicKey),
        ("a certificate", section("CERTIFICATE"), KeyError::Certificate),
        ("DSA", section("DSA PRIVATE KEY"), KeyError::OtherSection),
        ("a request for a certificate", section("CERTIFICATE REQUEST"), KeyError::OtherSection),
    ];
    for (what, text, expected) in table {
        let error = Credentials::from_pem(KEY_ID, text).map(|_| what).unwrap_err();
        assert!(matches!(&error, CredentialsError::Key(e) if e == expected), "{what}: {error}");
        acts_and_hides(&error);
    }
}

#[test]
fn an_rsa_key_under_2048_bits_is_refused_with_its_length() {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
    for pem in [key.to_pkcs1_pem(LineEnding::LF).unwrap(), key.to_pkcs8_pem(LineEnding::LF).unwrap()] {
        let error = Credentials::from_pem(KEY_ID, &pem).unwrap_err();
        assert!(matches!(error, CredentialsError::Key(KeyError::RsaTooShort { bits: 1024 })), "{error}");
    }
}

#[test]
fn keys_that_openssl_makes_of_other_kinds_are_refused_with_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let Some(_) = openssl(path, &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa"])
    else {
        return;
    };
    let made: &[(&str, &str, KeyError)] = &[
        ("pkey -in rsa -aes256 -passout pass:secret -out KEY", "encrypted PKCS#8", KeyError::Encrypted),
        ("rsa -in rsa -traditional -aes256 -passout pass:secret -out KEY", "encrypted PKCS#1", KeyError::Encrypted),
        ("pkey -in rsa -outform DER -out KEY", "DER", KeyError::Der),
        ("pkey -in rsa -pubout -out KEY", "public", KeyError::PublicKey),
        ("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY", "EC PKCS#8", KeyError::EllipticCurve),
        ("ecparam -name prime256v1 -genkey -noout -out KEY", "EC SEC1", KeyError::EllipticCurve),
        ("genpkey -algorithm X25519 -out KEY", "X25519", KeyError::OtherAlgorithm),
        ("genpkey -algorithm ed448 -out KEY", "Ed448", KeyError::OtherAlgorithm),
        ("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out KEY", "RSA-PSS", KeyError::OtherAlgorithm),
        ("req -x509 -key rsa -subj /CN=test -out KEY", "certificate", KeyError::Certificate),
    ];
    for (command, what, expected) in made {
        openssl(path, &command.split(' ').collect::<Vec<_>>());
        let error = Credentials::from_pem_file(KEY_ID, path.join("KEY")).map(|_| what).unwrap_err();
        assert!(matches!(&error, CredentialsError::KeyFile { reason, .. } if reason == expected), "{what}: {error}");
        acts_and_hides(&error);
        std::fs::remove_file(path.join("KEY")).unwrap();
    }
}

#[test]
fn a_file_that_is_no_text_or_no_file_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let refused = |path: &Path| Credentials::from_pem_file(KEY_ID, path).unwrap_err();
    let der = rsa::RsaPrivateKey::from_pkcs1_pem(rsa().private.expose_secret()).unwrap().to_pkcs1_der().unwrap();
    for (path, expected) in [
        (file("der", der.as_bytes()), KeyError::Der),
        (file("utf16", &[0xff, 0xfe, b'-', 0]), KeyError::NotUtf8),
        (file("empty", b""), KeyError::Empty),
        (file("large", &vec![b'a'; 64 * 1024 + 1]), KeyError::TooLarge),
    ] {
        let error = refused(&path);
        assert!(matches!(&error, CredentialsError::KeyFile { reason, .. } if *reason == expected), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        acts_and_hides(&error);
    }
    let error = refused(&folder.path().join("missing.pem"));
    assert!(matches!(&error, CredentialsError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound));
    assert!(error.to_string().contains("missing.pem"), "{error}");
    assert!(matches!(refused(folder.path()), CredentialsError::File { .. }), "a folder");
}

#[test]
fn a_key_given_for_an_id_or_a_path_is_not_shown() {
    let pem = rsa().private.expose_secret();
    let swapped = Credentials::from_pem(pem, KEY_ID).unwrap_err();
    assert!(matches!(swapped, CredentialsError::KeyId));
    let for_path = Credentials::from_pem_file(KEY_ID, pem).unwrap_err();
    assert!(matches!(for_path, CredentialsError::PathContainsKey));
    let both = Credentials::from_pem_file(pem, KEY_ID).unwrap_err();
    for error in [swapped, for_path, both] {
        acts_and_hides(&error);
    }
}

#[test]
fn a_key_id_that_no_header_carries_is_refused() {
    let pem = ed25519().private.expose_secret();
    for id in ["", " ", "a b", " a", "a\n", "a\r\nHost: b", "\0", "é", "a\u{7f}"] {
        let error = Credentials::from_pem(id, pem).unwrap_err();
        assert!(matches!(error, CredentialsError::KeyId), "{id:?}: {error}");
    }
    for id in ["a", KEY_ID, "a/b?c#d%e", "\"<>\\^`{|}~"] {
        assert_eq!(Credentials::from_pem(id, pem).unwrap().key_id(), id);
    }
}

/// The error is one line that says what to do, and neither it nor its sources show a key.
fn acts_and_hides(error: &CredentialsError) {
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        shown += &format!(" {error} {error:?}");
        source = error.source();
    }
    assert!(!shows_key(&shown, &rsa().private) && !shows_key(&shown, &ed25519().private), "{shown}");
    let line = error.to_string();
    assert!(!line.contains('\n') && line.contains("; "), "no line to act on: {line}");
}

fn signs_for(pair: &Pair, credentials: Credentials) -> bool {
    use base64::Engine as _;
    let signed = Signer::new(credentials).with_clock(at_ms(1_000)).headers(&Method::GET, "/a").unwrap();
    let (_, signature) = signed.into_iter().last().unwrap();
    verifies_bytes(pair, "1000GET/a", &base64::engine::general_purpose::STANDARD.decode(signature).unwrap())
}
