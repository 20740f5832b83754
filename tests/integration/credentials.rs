//! Parsing of private keys and key files, and errors, which never repeat a key.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use getrandom::SysRng;
use http::Method;
use kalshi_api_keys::{Credentials, CredentialsError, KeyError, Signer};
use rsa::BoxedUint;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use rsa::traits::PrivateKeyParts as _;

use crate::fixtures::{KEY_ID, Pair, at_ms, chain, ed25519, key_forms, openssl, rsa, shows_key};
use crate::signing::verifies_bytes;

#[test]
fn parses_a_key_in_every_common_form() {
    let pkcs1 = rsa().private.expose_secret();
    let key = rsa::PrivateKey::from_pkcs1_pem(pkcs1).unwrap();
    let pkcs8 = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    for (pair, pem) in [
        (rsa(), pkcs1),
        (rsa(), pkcs8.as_str()),
        (ed25519(), ed25519().private.expose_secret()),
    ] {
        let forms = [
            ("unchanged", pem.to_owned()),
            ("CRLF", pem.replace('\n', "\r\n")),
            ("no final newline", pem.trim_end().to_owned()),
            ("surrounding white space", format!("\n\t  {pem}\r\n \n")),
            ("a byte order mark", format!("\u{feff}{pem}")),
            (
                "indented",
                pem.lines().map(|line| format!("    {line}  \n")).collect(),
            ),
            (
                "surrounding text",
                format!("my Kalshi key, created today:\n{pem}kept safe\n"),
            ),
            ("on one line", pem.replace('\n', "\\n")),
            ("on one line, CRLF", pem.replace('\n', "\\r\\n")),
            (
                "on one line, quoted",
                format!("\"{}\"", pem.trim_end().replace('\n', "\\n")),
            ),
            ("after its public key", format!("{}{pem}", pair.public)),
            ("before its public key", format!("{pem}{}", pair.public)),
        ];
        for (form, text) in forms {
            let credentials =
                Credentials::from_pem(KEY_ID, &text).unwrap_or_else(|e| panic!("{form}: {e}"));
            assert!(signs_for(pair, credentials), "{form}");
        }
    }
}

#[test]
fn reads_a_pem_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kalshi.pem");
    std::fs::write(&path, rsa().private.expose_secret()).unwrap();
    let credentials = Credentials::from_pem_file(KEY_ID, &path).unwrap();
    assert_eq!(credentials.key_id(), KEY_ID);
    assert!(signs_for(rsa(), credentials));
}

#[test]
fn diagnoses_text_without_a_usable_private_key() {
    let pkcs1 = rsa().private.expose_secret();
    let lines: Vec<_> = pkcs1.lines().collect();
    let without_end = lines[..lines.len() - 1].join("\n");
    let without_middle = [&lines[..8], &lines[10..]].concat().join("\n");
    let with_error = pkcs1.replacen(lines[5], &lines[5].chars().rev().collect::<String>(), 1);
    let section = |label: &str| format!("-----BEGIN {label}-----\nMIIB\n-----END {label}-----\n");
    let encrypted = pkcs1.replacen(
        '\n',
        "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233\n\n",
        1,
    );

    let table: &[(&str, String, KeyError)] = &[
        ("an empty string", String::new(), KeyError::Empty),
        ("white space", " \r\n\t".into(), KeyError::Empty),
        ("a path", "/home/me/kalshi.pem".into(), KeyError::NotPem),
        ("no END line", without_end, KeyError::EndMissing),
        ("lines missing", without_middle, KeyError::Damaged),
        ("a line changed", with_error, KeyError::Damaged),
        (
            "half of the text",
            pkcs1[..pkcs1.len() / 2].into(),
            KeyError::EndMissing,
        ),
        (
            "only the BEGIN line",
            lines[0].into(),
            KeyError::OnlyBeginLine,
        ),
        (
            "an encrypted PKCS#8 key",
            section("ENCRYPTED PRIVATE KEY"),
            KeyError::Encrypted,
        ),
        ("an encrypted PKCS#1 key", encrypted, KeyError::Encrypted),
        (
            "an OpenSSH key",
            section("OPENSSH PRIVATE KEY"),
            KeyError::OpenSsh,
        ),
        (
            "an EC key",
            section("EC PRIVATE KEY"),
            KeyError::EllipticCurve,
        ),
        ("a public key", rsa().public.clone(), KeyError::PublicKey),
        (
            "a PKCS#1 public key",
            section("RSA PUBLIC KEY"),
            KeyError::PublicKey,
        ),
        (
            "a certificate",
            section("CERTIFICATE"),
            KeyError::Certificate,
        ),
        (
            "a DSA key",
            section("DSA PRIVATE KEY"),
            KeyError::OtherSection,
        ),
        (
            "a certificate signing request",
            section("CERTIFICATE REQUEST"),
            KeyError::OtherSection,
        ),
    ];
    for (what, text, expected) in table {
        let error = Credentials::from_pem(KEY_ID, text)
            .map(|_| what)
            .unwrap_err();
        assert!(
            matches!(&error, CredentialsError::Key(e) if e == expected),
            "{what}: {error}"
        );
        check_message(&error);
    }
}

#[test]
fn rejects_rsa_keys_under_2048_bits_with_their_length() {
    let key = rsa::PrivateKey::new(&mut SysRng, 1024).unwrap();
    for pem in [
        key.to_pkcs1_pem(LineEnding::LF).unwrap(),
        key.to_pkcs8_pem(LineEnding::LF).unwrap(),
    ] {
        let error = Credentials::from_pem(KEY_ID, &pem).unwrap_err();
        assert!(
            matches!(
                error,
                CredentialsError::Key(KeyError::RsaTooShort { bits: 1024 })
            ),
            "{error}"
        );
    }
}

#[test]
fn diagnoses_unsupported_keys_generated_by_openssl() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let Some(_) = openssl(
        path,
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
            "-out",
            "rsa",
        ],
    ) else {
        return;
    };
    let cases: &[(&str, &str, KeyError)] = &[
        (
            "pkey -in rsa -aes256 -passout pass:secret -out KEY",
            "encrypted PKCS#8",
            KeyError::Encrypted,
        ),
        (
            "rsa -in rsa -traditional -aes256 -passout pass:secret -out KEY",
            "encrypted PKCS#1",
            KeyError::Encrypted,
        ),
        (
            "pkey -in rsa -pubout -out KEY",
            "public",
            KeyError::PublicKey,
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY",
            "EC PKCS#8",
            KeyError::EllipticCurve,
        ),
        (
            "ecparam -name prime256v1 -genkey -noout -out KEY",
            "EC SEC1",
            KeyError::EllipticCurve,
        ),
        (
            "genpkey -algorithm X25519 -out KEY",
            "X25519",
            KeyError::OtherAlgorithm,
        ),
        (
            "genpkey -algorithm ed448 -out KEY",
            "Ed448",
            KeyError::OtherAlgorithm,
        ),
        (
            "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out KEY",
            "RSA-PSS",
            KeyError::OtherAlgorithm,
        ),
        (
            "req -x509 -key rsa -subj /CN=test -out KEY",
            "certificate",
            KeyError::Certificate,
        ),
    ];
    for (command, what, expected) in cases {
        openssl(path, &command.split(' ').collect::<Vec<_>>());
        let error = Credentials::from_pem_file(KEY_ID, path.join("KEY"))
            .map(|_| what)
            .unwrap_err();
        assert!(
            matches!(&error, CredentialsError::KeyFile { source, .. } if source == expected),
            "{what}: {error}"
        );
        check_message(&error);
        std::fs::remove_file(path.join("KEY")).unwrap();
    }
}

#[test]
fn errors_of_unusable_files_contain_their_path() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let error_for = |path: &Path| Credentials::from_pem_file(KEY_ID, path).unwrap_err();
    let der = rsa::PrivateKey::from_pkcs1_pem(rsa().private.expose_secret())
        .unwrap()
        .to_pkcs1_der()
        .unwrap();
    for (path, expected) in [
        (file("der", &der.as_bytes()[1..]), KeyError::NotUtf8),
        (file("utf16", &[0xff, 0xfe, b'-', 0]), KeyError::NotPem),
        (file("empty", b""), KeyError::Empty),
        (
            file("large", &vec![b'a'; 64 * 1024 + 1]),
            KeyError::TooLarge,
        ),
    ] {
        let error = error_for(&path);
        assert!(
            matches!(&error, CredentialsError::KeyFile { source, .. } if *source == expected),
            "{error}"
        );
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
        check_message(&error);
    }
    let pem = rsa().private.expose_secret();
    let padded = " ".repeat(64 * 1024 - pem.len()) + pem;
    Credentials::from_pem_file(KEY_ID, file("largest", padded.as_bytes())).unwrap();
    let error = error_for(&directory.path().join("missing.pem"));
    assert!(
        matches!(&error, CredentialsError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    );
    assert!(error.to_string().contains("missing.pem"), "{error}");
}

#[test]
fn errors_do_not_repeat_a_key_passed_as_an_id_or_a_path() {
    for pair in [rsa(), ed25519()] {
        let pem = pair.private.expose_secret();
        for (form, key) in key_forms(&pair.private) {
            let as_id = Credentials::from_pem(&key, pem).map(|_| form).unwrap_err();
            assert!(matches!(as_id, CredentialsError::InvalidApiKeyId), "{form}");
            let as_path = Credentials::from_pem_file(KEY_ID, &key).unwrap_err();
            assert!(
                matches!(as_path, CredentialsError::PathContainsKey(_)),
                "{form}: {as_path:?}"
            );
            let as_key_file = Credentials::from_key_file(&key).unwrap_err();
            let swapped = Credentials::from_pem(&key, KEY_ID).unwrap_err();
            let as_line =
                Credentials::from_pem(KEY_ID, &format!("Kalshi-API-Key-ID: {key}\n{pem}"));
            let as_text = Credentials::from_pem(KEY_ID, &key);
            for error in [as_id, as_path, as_key_file, swapped]
                .into_iter()
                .chain(as_line.err())
                .chain(as_text.err())
            {
                check_message(&error);
            }
        }
    }
}

#[test]
fn opens_a_path_that_resembles_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory
        .path()
        .join(URL_SAFE_NO_PAD.encode(std::array::from_fn::<u8, 60, _>(|n| n as u8)));
    std::fs::write(&path, ed25519().private.expose_secret()).unwrap();
    Credentials::from_pem_file(KEY_ID, &path).unwrap();
}

#[test]
fn error_names_a_long_path_that_is_not_a_key() {
    for word in ["secrets1", "SECRETS1", "SecretsOf"] {
        let path = word.repeat(10);
        let error = Credentials::from_pem_file(KEY_ID, &path).unwrap_err();
        assert!(
            matches!(error, CredentialsError::File { .. }) && error.to_string().contains(&path),
            "{error}"
        );
    }
}

#[test]
fn reads_the_api_key_id_from_a_key_file() {
    let pem = ed25519().private.expose_secret();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kalshi.pem");
    let line = format!("Kalshi-API-Key-ID: {KEY_ID}\n");
    for text in [
        format!("{line}{pem}"),
        format!("{line}{line}{pem}"),
        format!(
            "my key\r\nkalshi-api-key-id:{KEY_ID} \r\n{}",
            pem.replace('\n', "\r\n")
        ),
        format!("{line}{pem}").replace('\n', "\\n"),
    ] {
        std::fs::write(&path, &text).unwrap();
        let credentials = Credentials::from_key_file(&path).unwrap();
        assert_eq!(
            (credentials.key_id(), credentials.file()),
            (KEY_ID, Some(path.as_path()))
        );
        assert!(signs_for(ed25519(), credentials));
        Credentials::from_pem_file(KEY_ID, &path).unwrap();
        let error = Credentials::from_pem_file("another", &path).unwrap_err();
        assert!(
            matches!(
                &error,
                CredentialsError::AnotherApiKey { given, found, path: Some(file), .. }
                    if given == "another" && found == KEY_ID && *file == path
            ),
            "{error}"
        );
        check_message(&error);
        let error = Credentials::from_pem("another", &text).unwrap_err();
        assert!(
            matches!(&error, CredentialsError::AnotherApiKey { path: None, .. }),
            "{error}"
        );
    }
    for (text, expected) in [
        (pem.to_owned(), KeyError::MissingApiKeyId),
        (
            format!("Kalshi-API-Key-ID: another\n{line}{pem}"),
            KeyError::ConflictingApiKeyIds,
        ),
        (
            format!("Kalshi-API-Key-ID:\n{pem}"),
            KeyError::InvalidApiKeyId,
        ),
        (
            format!("Kalshi-API-Key-ID: a b\n{pem}"),
            KeyError::InvalidApiKeyId,
        ),
        (
            format!("Kalshi-API-Key-ID: é\n{pem}"),
            KeyError::InvalidApiKeyId,
        ),
        (line, KeyError::NotPem),
    ] {
        std::fs::write(&path, &text).unwrap();
        let error = Credentials::from_key_file(&path).unwrap_err();
        assert!(
            matches!(&error, CredentialsError::KeyFile { source, .. } if *source == expected),
            "{text}: {error:?}"
        );
        check_message(&error);
    }
}

#[test]
fn rejects_rsa_keys_without_two_primes_of_equal_length() {
    let long = rsa::PrivateKey::from_pkcs1_pem(rsa().private.expose_secret()).unwrap();
    let short = rsa::PrivateKey::new(&mut SysRng, 1024).unwrap();
    let long = long.primes()[0].as_ref();
    let short = short.primes()[0].as_ref();
    for key in [key_of_primes(long, short), key_of_primes(short, long)] {
        for pem in [
            key.to_pkcs1_pem(LineEnding::LF).unwrap(),
            key.to_pkcs8_pem(LineEnding::LF).unwrap(),
        ] {
            let error = Credentials::from_pem(KEY_ID, &pem).unwrap_err();
            assert!(
                matches!(error, CredentialsError::Key(KeyError::InvalidRsaPrimes)),
                "{error:?}"
            );
            check_message(&error);
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let generate = [
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-out",
        "KEY",
    ];
    let three_primes = [&generate[..], &["-pkeyopt", "rsa_keygen_primes:3"]].concat();
    if openssl(directory.path(), &three_primes).is_some() {
        let error = Credentials::from_pem_file(KEY_ID, directory.path().join("KEY")).unwrap_err();
        let expected = KeyError::InvalidRsaPrimes;
        assert!(
            matches!(&error, CredentialsError::KeyFile { source, .. } if *source == expected),
            "{error:?}"
        );
    }
}

/// Computes the key of two primes, which may have different lengths.
fn key_of_primes(p: &BoxedUint, q: &BoxedUint) -> rsa::PrivateKey {
    let bits = p.bits_precision() + q.bits_precision();
    let widened = |n: &BoxedUint| BoxedUint::from_be_slice(&n.to_be_bytes(), bits).unwrap();
    let p = widened(p);
    let q = widened(q);
    let one = widened(&BoxedUint::one());
    let e = widened(&BoxedUint::from(65537_u32));
    let totient = p.wrapping_sub(&one).wrapping_mul(q.wrapping_sub(&one));
    let d = e.invert_mod(&totient.to_nz().unwrap()).unwrap();
    let n = p.wrapping_mul(&q);
    rsa::PrivateKey::from_components_with_wide_primes(n, e, d, vec![p, q]).unwrap()
}

/// Each error names what is wrong, before anything is computed with the integers.
#[test]
fn rejects_rsa_integers_of_unsuitable_sizes_promptly() {
    let number = |bytes: usize| vec![0xc1; bytes];
    for (modulus, exponent, private_exponent, primes, expected) in [
        (256, 3, 256, [16, 240], KeyError::InvalidRsaPrimes),
        (256, 3, 256, [240, 16], KeyError::InvalidRsaPrimes),
        (
            255,
            3,
            255,
            [128, 128],
            KeyError::RsaTooShort { bits: 2040 },
        ),
        (1024, 3, 1024, [512, 512], KeyError::Damaged),
        (1025, 3, 1025, [512, 512], KeyError::Unusable),
        (256, 257, 256, [128, 128], KeyError::Damaged),
        (256, 3, 257, [128, 128], KeyError::Damaged),
        (256, 3, 256, [8000, 8000], KeyError::Damaged),
    ] {
        let numbers = [
            modulus,
            exponent,
            private_exponent,
            primes[0],
            primes[1],
            1,
            1,
            1,
        ]
        .map(number);
        let [n, e, d, p, q, dp, dq, qi] = &numbers;
        let uint = |bytes| rsa::pkcs1::UintRef::new(bytes).unwrap();
        let key = rsa::pkcs1::RsaPrivateKeyRef {
            modulus: uint(n),
            public_exponent: uint(e),
            private_exponent: uint(d),
            prime1: uint(p),
            prime2: uint(q),
            exponent1: uint(dp),
            exponent2: uint(dq),
            coefficient: uint(qi),
            other_prime_infos: None,
        };
        let der = rsa::pkcs1::der::Encode::to_der(&key).unwrap();
        let pem = format!(
            "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
            STANDARD.encode(der)
        );
        let started = std::time::Instant::now();
        let error = Credentials::from_pem(KEY_ID, &pem).unwrap_err();
        assert!(
            matches!(&error, CredentialsError::Key(reason) if *reason == expected),
            "{expected:?}: {error:?}"
        );
        assert!(
            started.elapsed() < std::time::Duration::from_secs(9),
            "{expected:?}"
        );
    }
}

#[cfg(unix)] // Windows has no FIFOs in folders; for its devices see `key_files`.
#[test]
fn rejects_special_files_without_blocking() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
    for path in [
        socket,
        link,
        "/dev/zero".into(),
        "/dev/null".into(),
        directory.path().to_owned(),
    ] {
        // In a thread, so that the test fails instead of hanging if reading blocks.
        let (sender, receiver) = std::sync::mpsc::channel();
        let opened = path.clone();
        std::thread::spawn(move || {
            sender.send(Credentials::from_pem_file(KEY_ID, opened).unwrap_err())
        });
        let error = receiver
            .recv_timeout(std::time::Duration::from_secs(5))
            .expect("reading blocked");
        assert!(
            matches!(&error, CredentialsError::File { .. }),
            "{path:?}: {error:?}"
        );
        assert!(
            path.ends_with("socket") || chain(&error).contains("not a regular file"),
            "{}",
            chain(&error)
        );
    }
}

#[cfg(unix)] // Windows has no FIFOs in directories.
#[test]
fn fifo_without_writer_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    crate::fixtures::create_fifo(&fifo);
    let started = std::time::Instant::now();
    let error = Credentials::from_pem_file(KEY_ID, &fifo).unwrap_err();
    let CredentialsError::File { source, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::TimedOut);
    assert!((10..60).contains(&started.elapsed().as_secs()));
}

#[cfg(unix)] // See above.
#[test]
fn reads_a_fifo_whose_writer_comes_later_and_writes_in_parts() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    crate::fixtures::create_fifo(&fifo);
    let path = fifo.clone();
    let writer = std::thread::spawn(move || {
        use std::io::Write as _;
        std::thread::sleep(std::time::Duration::from_millis(200));
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        for part in ed25519().private.expose_secret().as_bytes().chunks(40) {
            file.write_all(part).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    let credentials = Credentials::from_pem_file(KEY_ID, &fifo).unwrap();
    writer.join().unwrap();
    assert_eq!(credentials.file(), None, "it cannot be read again");
    assert!(signs_for(ed25519(), credentials));
}

#[test]
fn rejects_key_ids_that_are_not_visible_ascii() {
    let pem = ed25519().private.expose_secret();
    for id in ["", " ", "a b", "a\r\nHost: b", "\0", "é", "a\u{7f}"] {
        let error = Credentials::from_pem(id, pem).unwrap_err();
        assert!(
            matches!(error, CredentialsError::InvalidApiKeyId),
            "{id:?}: {error}"
        );
    }
    for id in ["a", KEY_ID, "a/b?c#d%e", "!\"<>\\^`{|}~"] {
        assert_eq!(Credentials::from_pem(id, pem).unwrap().key_id(), id);
    }
}

/// Checks that an error with its causes is one line with advice, and that neither it nor its
/// `Debug` contains a key.
fn check_message(error: &CredentialsError) {
    let line = chain(error);
    let output = format!("{line} {error:?}");
    assert!(
        !shows_key(&output, &rsa().private) && !shows_key(&output, &ed25519().private),
        "{output}"
    );
    assert!(
        !line.contains('\n') && line.contains("; "),
        "not one line with advice: {line}"
    );
}

fn signs_for(pair: &Pair, credentials: Credentials) -> bool {
    let signed = Signer::new(credentials)
        .with_clock(at_ms(1_000))
        .headers(&Method::GET, "/a")
        .unwrap();
    let (_, signature) = signed.into_iter().last().unwrap();
    verifies_bytes(pair, "1000GET/a", &STANDARD.decode(signature).unwrap())
}
