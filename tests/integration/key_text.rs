//! Keys as people have them: with changed white space, escaped, encoded once more, beside other
//! text, or not keys at all.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use kalshi_api_keys::types::PublicKeyPem;
use kalshi_api_keys::{Credentials, CredentialsError, KeyError, PublicKeyError, key_file};
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPublicKey as _};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};

use crate::fixtures::{KEY_ID, Pair, chain, ed25519, is_installed, openssl, rsa, shows_key};

/// A private key in PEM, and its fingerprint.
struct Pem {
    name: &'static str,
    text: String,
    fingerprint: String,
}

fn pems() -> Vec<Pem> {
    let pem = |name, pair: &Pair, text: &str| Pem {
        name,
        text: text.to_owned(),
        fingerprint: pair.credentials().fingerprint().to_owned(),
    };
    let pkcs1 = rsa().private.expose_secret();
    let key = rsa::PrivateKey::from_pkcs1_pem(pkcs1).unwrap();
    let pkcs8 = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    vec![
        pem("PKCS#1", rsa(), pkcs1),
        pem("PKCS#8", rsa(), &pkcs8),
        pem("Ed25519", ed25519(), ed25519().private.expose_secret()),
    ]
}

/// A form in which a key may arrive.
struct Form {
    name: &'static str,
    change: fn(&str) -> String,
}

/// Checks that every form of every key is accepted.
fn assert_found(forms: &[Form]) {
    for pem in pems() {
        for form in forms {
            let text = (form.change)(&pem.text);
            let found = Credentials::from_pem(KEY_ID, &text);
            let found =
                found.unwrap_or_else(|e| panic!("{}, {}: {}", pem.name, form.name, chain(&e)));
            assert_eq!(
                found.fingerprint(),
                pem.fingerprint,
                "{}, {}",
                pem.name,
                form.name
            );
        }
    }
}

fn key_error(text: &str) -> KeyError {
    let error = Credentials::from_pem(KEY_ID, text).expect_err("not a usable key");
    let shown = format!("{} {error:?}", chain(&error));
    assert!(!shows_key(&shown, &rsa().private), "{shown}");
    assert!(!shows_key(&shown, &ed25519().private), "{shown}");
    assert!(!shown.contains('\n'), "{shown}");
    assert!(chain(&error).contains("; "), "{shown}");
    match error {
        CredentialsError::Key(error) => error,
        error => panic!("{error:?}"),
    }
}

fn file_error(path: &Path) -> KeyError {
    match Credentials::from_pem_file(KEY_ID, path).expect_err("not a usable key") {
        CredentialsError::KeyFile { source, .. } => source,
        error => panic!("{error:?}"),
    }
}

/// Returns what stands between the BEGIN and the END line.
fn body(pem: &str) -> String {
    pem.lines().filter(|line| !line.contains("-----")).collect()
}

fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(body(pem)).unwrap()
}

fn join(pem: &str, line_end: &str) -> String {
    pem.trim_end().replace('\n', line_end)
}

fn prefix(pem: &str, prefix: &str) -> String {
    pem.lines()
        .map(|line| format!("{prefix}{line}\n"))
        .collect()
}

/// Breaks text into lines of a width, as a terminal or an editor does.
fn fold(text: &str, width: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    let lines: Vec<String> = chars
        .chunks(width)
        .map(|line| line.iter().collect())
        .collect();
    lines.join("\n")
}

#[test]
fn accepts_changed_white_space() {
    assert_found(&[
        Form {
            name: "no line ends",
            change: |pem| join(pem, ""),
        },
        Form {
            name: "spaces",
            change: |pem| join(pem, " "),
        },
        Form {
            name: "tabs",
            change: |pem| join(pem, "\t"),
        },
        Form {
            name: "CR",
            change: |pem| join(pem, "\r"),
        },
        Form {
            name: "doubled line ends",
            change: |pem| join(pem, "\n\n"),
        },
        Form {
            name: "CR CR LF",
            change: |pem| join(pem, "\r\r\n"),
        },
        Form {
            name: "no spaces at all",
            change: |pem| join(pem, "").replace(' ', ""),
        },
        Form {
            name: "no-break spaces",
            change: |pem| join(pem, "\u{a0}").replace(' ', "\u{a0}"),
        },
        Form {
            name: "line separators",
            change: |pem| join(pem, "\u{2028}"),
        },
        Form {
            name: "zero-width spaces",
            change: |pem| fold(pem, 20).replace('\n', "\u{200b}"),
        },
        Form {
            name: "byte order marks",
            change: |pem| prefix(pem, "\u{feff}"),
        },
        Form {
            name: "folded at 40",
            change: |pem| fold(&join(pem, ""), 40),
        },
        Form {
            name: "folded at 7",
            change: |pem| fold(&join(pem, ""), 7),
        },
        Form {
            name: "spaces in the hyphens",
            change: |pem| pem.replace("-----", " - - - - - "),
        },
        Form {
            name: "spaces in the markers",
            change: |pem| {
                pem.replace("-----BEGIN", "----- BEGIN")
                    .replace("KEY-----", "KEY -----")
            },
        },
        Form {
            name: "four hyphens",
            change: |pem| pem.replace("-----", "----"),
        },
        Form {
            name: "dashes",
            change: |pem| pem.replace("--", "—"),
        },
        Form {
            name: "one dash",
            change: |pem| pem.replace("-----", "–"),
        },
        Form {
            name: "no hyphens at its ends",
            change: |pem| pem.trim().trim_matches('-').to_owned(),
        },
    ]);
}

#[test]
fn accepts_escapes_at_any_depth() {
    assert_found(&[
        Form {
            name: "one backslash",
            change: |pem| join(pem, r"\n"),
        },
        Form {
            name: "two backslashes",
            change: |pem| join(pem, r"\\n"),
        },
        Form {
            name: "four backslashes",
            change: |pem| join(pem, r"\\\\n"),
        },
        Form {
            name: "CRLF",
            change: |pem| join(pem, r"\r\n"),
        },
        Form {
            name: "CRLF, twice",
            change: |pem| join(pem, r"\\r\\n"),
        },
        Form {
            name: "Unicode",
            change: |pem| join(pem, r"\u000a"),
        },
        Form {
            name: "Unicode, twice",
            change: |pem| join(pem, r"\\u000D\\u000A"),
        },
        Form {
            name: "hexadecimal",
            change: |pem| join(pem, r"\x0a"),
        },
        Form {
            name: "octal",
            change: |pem| join(pem, r"\012"),
        },
        Form {
            name: "PowerShell",
            change: |pem| join(pem, "`n"),
        },
        Form {
            name: "continued lines",
            change: |pem| join(pem, "\\\n"),
        },
        Form {
            name: "escaped and continued lines",
            change: |pem| join(pem, "\\n\\\n"),
        },
        Form {
            name: "carets",
            change: |pem| join(pem, "^M\n"),
        },
        Form {
            name: "slashes",
            change: |pem| join(&pem.replace('/', r"\/"), r"\n"),
        },
        Form {
            name: "plus signs",
            change: |pem| join(&pem.replace('+', r"\u002B"), r"\n"),
        },
        Form {
            name: "of a URL",
            change: |pem| {
                let encoded = pem
                    .replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D");
                encoded.replace('\n', "%0A").replace(' ', "+")
            },
        },
        Form {
            name: "of a URL, twice",
            change: |pem| {
                pem.replace('+', "%252B")
                    .replace('\n', "%250D%250A")
                    .replace(' ', "%2520")
            },
        },
        Form {
            name: "of HTML",
            change: |pem| {
                pem.replace('+', "&#43;")
                    .replace('/', "&#x2F;")
                    .replace('=', "&#x3D;")
                    .replace('\n', "&#10;")
            },
        },
        Form {
            name: "of quoted-printable",
            change: |pem| pem.replace('=', "=3D"),
        },
        Form {
            name: "JSON, twice",
            change: |pem| {
                let once = serde_json::to_string(pem).unwrap();
                serde_json::to_string(&once).unwrap()
            },
        },
    ]);
}

#[test]
fn accepts_quotes_and_prefixes() {
    assert_found(&[
        Form {
            name: "double quotes",
            change: |pem| format!("\"{pem}\""),
        },
        Form {
            name: "escaped quotes",
            change: |pem| format!(r#"\"{}\""#, join(pem, r"\n")),
        },
        Form {
            name: "typographic quotes",
            change: |pem| format!("“{pem}”"),
        },
        Form {
            name: "each line",
            change: |pem| pem.lines().map(|line| format!("'{line}'\n")).collect(),
        },
        Form {
            name: "string literals",
            change: |pem| {
                pem.lines()
                    .map(|line| format!("    \"{line}\\n\" +\n"))
                    .collect()
            },
        },
        Form {
            name: "a list",
            change: |pem| serde_json::to_string(&pem.lines().collect::<Vec<_>>()).unwrap(),
        },
        Form {
            name: "a reply",
            change: |pem| prefix(pem, "> "),
        },
        Form {
            name: "a reply to a reply",
            change: |pem| prefix(pem, ">> "),
        },
        Form {
            name: "a comment",
            change: |pem| prefix(pem, "# "),
        },
        Form {
            name: "a margin",
            change: |pem| prefix(pem, "  | "),
        },
        Form {
            name: "a shell's quotes",
            change: |pem| format!("$'{}'", join(pem, r"\n")),
        },
        Form {
            name: "Markdown",
            change: |pem| format!("```pem\n{pem}```\n"),
        },
    ]);
}

#[test]
fn accepts_wrong_labels() {
    for pem in pems() {
        let body = body(&pem.text);
        for (begin, end) in [
            ("PRIVATE KEY", "PRIVATE KEY"),
            ("RSA PRIVATE KEY", "RSA PRIVATE KEY"),
            ("PRIVATE KEY", "RSA PRIVATE KEY"),
            ("RSA PRIVATE KEY", "PRIVATE KEY"),
            ("EC PRIVATE KEY", "EC PRIVATE KEY"),
            ("ED25519 PRIVATE KEY", "ED25519 PRIVATE KEY"),
            ("OPENSSH PRIVATE KEY", "OPENSSH PRIVATE KEY"),
            ("KEY", ""),
        ] {
            let text = format!("-----BEGIN {begin}-----\n{body}\n-----END {end}-----\n");
            let found = Credentials::from_pem(KEY_ID, &text)
                .unwrap_or_else(|e| panic!("{}, {begin}: {}", pem.name, chain(&e)));
            assert_eq!(found.fingerprint(), pem.fingerprint);
        }
    }
}

#[test]
fn accepts_a_key_inside_something() {
    assert_found(&[
        Form {
            name: "base64",
            change: |pem| STANDARD.encode(pem),
        },
        Form {
            name: "base64 without padding",
            change: |pem| STANDARD_NO_PAD.encode(pem),
        },
        Form {
            name: "base64url",
            change: |pem| URL_SAFE.encode(pem),
        },
        Form {
            name: "base64url without padding",
            change: |pem| URL_SAFE_NO_PAD.encode(pem),
        },
        Form {
            name: "wrapped base64",
            change: |pem| fold(&STANDARD.encode(pem), 76),
        },
        Form {
            name: "base64 with spaces",
            change: |pem| fold(&STANDARD.encode(pem), 64).replace('\n', " "),
        },
        Form {
            name: "base64 with escapes",
            change: |pem| fold(&STANDARD.encode(pem), 64).replace('\n', r"\n"),
        },
        Form {
            name: "base64 in quotes",
            change: |pem| format!("'{}'\r\n", STANDARD.encode(pem)),
        },
        Form {
            name: "base64 of base64",
            change: |pem| STANDARD.encode(STANDARD.encode(pem)),
        },
        Form {
            name: "base64 of UTF-16",
            change: |pem| {
                STANDARD.encode(
                    pem.encode_utf16()
                        .flat_map(u16::to_le_bytes)
                        .collect::<Vec<_>>(),
                )
            },
        },
        Form {
            name: "base64 between BEGIN and END",
            change: |pem| {
                format!(
                    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
                    STANDARD.encode(pem)
                )
            },
        },
        Form {
            name: "hexadecimal",
            change: |pem| hex(pem.as_bytes()),
        },
        Form {
            name: "DER in base64",
            change: |pem| body(pem),
        },
        Form {
            name: "DER in wrapped base64",
            change: |pem| fold(&body(pem), 64),
        },
        Form {
            name: "DER in base64url",
            change: |pem| URL_SAFE_NO_PAD.encode(der(pem)),
        },
        Form {
            name: "DER in hexadecimal",
            change: |pem| hex(&der(pem)),
        },
        Form {
            name: "no BEGIN line",
            change: |pem| pem.split_once('\n').unwrap().1.to_owned(),
        },
        Form {
            name: "a YAML block",
            change: |pem| {
                format!(
                    "kalshi:\n  env: demo\n  key: |\n{}  timeout: 5\n",
                    prefix(pem, "    ")
                )
            },
        },
        Form {
            name: "a YAML block of base64",
            change: |pem| {
                let wrapped = prefix(&fold(&STANDARD.encode(pem), 76), "    ");
                format!(
                    "kind: Secret\ndata:\n  kalshi-private-key.pem: |\n{wrapped}  other: YWJj\n"
                )
            },
        },
        Form {
            name: "a YAML string",
            change: |pem| format!("key: \"{}\"\n", join(pem, r"\n")),
        },
        Form {
            name: "an assignment",
            change: |pem| format!("KALSHI_PRIVATE_KEY=\"{pem}\"\n"),
        },
        Form {
            name: "an exported assignment",
            change: |pem| {
                format!(
                    "# Kalshi\nexport KALSHI_PRIVATE_KEY='{}'\nexport KALSHI_ENV=demo\n",
                    join(pem, r"\n")
                )
            },
        },
        Form {
            name: "an assignment without quotes",
            change: |pem| format!("KALSHI_ENV=demo\nKALSHI_PRIVATE_KEY={}\n", join(pem, r"\n")),
        },
        Form {
            name: "an assignment of base64",
            change: |pem| {
                format!(
                    "KALSHI_PRIVATE_KEY_BASE64={}\nKALSHI_ENV=demo\n",
                    STANDARD.encode(pem)
                )
            },
        },
        Form {
            name: "a command of PowerShell",
            change: |pem| format!("$env:KALSHI_PRIVATE_KEY = \"{}\"", join(pem, "`n")),
        },
        Form {
            name: "TOML",
            change: |pem| format!("[kalshi]\nkey = \"\"\"\n{pem}\"\"\"\n"),
        },
        Form {
            name: "after instructions",
            change: |pem| {
                format!(
                    "# Paste it between -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----\n{pem}"
                )
            },
        },
    ]);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Each text names the ID, so that nothing else is needed.
#[test]
fn finds_the_id_beside_the_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("KEY");
    for pem in pems() {
        let text = pem.text.as_str();
        let one_line = join(text, r"\n");
        let key_file = format!("Kalshi-API-Key-ID: {KEY_ID}\n{text}");
        let response = serde_json::json!({ "api_key_id": KEY_ID, "private_key": text });
        let forms = [
            key_file.clone(),
            join(&key_file, ""),
            join(&key_file, " "),
            join(&key_file, r"\\n"),
            prefix(&key_file, "> "),
            STANDARD.encode(&key_file),
            response.to_string(),
            serde_json::to_string_pretty(&response).unwrap(),
            response.to_string().replace('}', ""),
            serde_json::json!({ "data": response }).to_string(),
            serde_json::json!([response]).to_string(),
            serde_json::json!({ "private_key": text, "name": "a", "api_key_id": KEY_ID })
                .to_string(),
            serde_json::json!({ "apiKeyId": KEY_ID, "key": STANDARD.encode(text) }).to_string(),
            serde_json::json!({
                "data": { "api_key_id": STANDARD.encode(KEY_ID), "key": STANDARD.encode(text) },
            })
            .to_string(),
            serde_json::json!({ "body": response.to_string() }).to_string(),
            STANDARD.encode(response.to_string()),
            format!("KALSHI_API_KEY_ID={KEY_ID}\nKALSHI_PRIVATE_KEY=\"{text}\"\n"),
            format!(
                "export KALSHI_PRIVATE_KEY=\"{one_line}\"\nexport KALSHI_KEY_ID='{KEY_ID}' # demo\n"
            ),
            format!("KALSHI_API_KEY = {KEY_ID}\nKALSHI_PRIVATE_KEY = {one_line}\n"),
            format!(
                "$env:KALSHI_API_KEY_ID = \"{KEY_ID}\"\r\n$env:KALSHI_PRIVATE_KEY = \"{one_line}\"\r\n"
            ),
            format!("# KALSHI_API_KEY_ID=old\nKALSHI_API_KEY_ID={KEY_ID}\n{text}"),
            format!(
                "kalshi:\n  api_key_id: {KEY_ID}\n  private_key: |\n{}",
                prefix(text, "    ")
            ),
            format!("API Key ID: {KEY_ID}\nPrivate key:\n{text}"),
        ];
        for form in forms {
            std::fs::write(&path, &form).unwrap();
            let found = Credentials::from_key_file(&path)
                .unwrap_or_else(|e| panic!("{}: {}\n{form}", pem.name, chain(&e)));
            assert_eq!(found.key_id(), KEY_ID, "{form}");
            assert_eq!(found.fingerprint(), pem.fingerprint, "{form}");
        }
    }
}

#[test]
fn ignores_names_of_other_ids() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("KEY");
    for line in [
        "KALSHI_API_KEY_ID=",
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "\"private_key_id\": \"5\",",
        "\"api_key_id\": null,",
        "KALSHI_API_KEY=secret",
        "The API key ID: see the list of keys",
    ] {
        std::fs::write(
            &path,
            format!("{line}\n{}", ed25519().private.expose_secret()),
        )
        .unwrap();
        let error = Credentials::from_key_file(&path).unwrap_err();
        assert!(
            chain(&error).contains("no `Kalshi-API-Key-ID` line"),
            "{line}: {}",
            chain(&error)
        );
    }
}

/// IDs that the service returns are never judged by a guess.
#[test]
fn accepts_any_visible_id_beside_the_key() {
    let pem = ed25519().private.expose_secret();
    let directory = tempfile::tempdir().unwrap();
    for id in [
        "0123456789abcdef".repeat(4),
        "Ab1".repeat(30),
        r"a%41\b".to_owned(),
    ] {
        let path = directory.path().join(format!("{}.pem", id.len()));
        key_file::save(&path, Some(&id), &ed25519().private).unwrap();
        assert_eq!(Credentials::from_key_file(&path).unwrap().key_id(), id);
        let response = serde_json::json!({ "api_key_id": id, "private_key": pem }).to_string();
        if !id.contains('\\') {
            std::fs::write(&path, response).unwrap();
            assert_eq!(Credentials::from_key_file(&path).unwrap().key_id(), id);
        }
    }
}

#[test]
fn shows_both_ids_that_differ() {
    let pem = ed25519().private.expose_secret();
    for named in ["theirs".to_owned(), "0123456789abcdef".repeat(4)] {
        let text = format!("Kalshi-API-Key-ID: {named}\n{pem}");
        let error = Credentials::from_pem(KEY_ID, &text).unwrap_err();
        assert!(
            matches!(
                &error,
                CredentialsError::AnotherApiKey { given, found, .. }
                    if given == KEY_ID && *found == named
            ),
            "{error}"
        );
    }
}

/// A text that is not a usable key, and its error.
struct Case<E> {
    text: String,
    expected: E,
}

fn case<E>(text: String, expected: E) -> Case<E> {
    Case { text, expected }
}

#[test]
fn diagnoses_text_in_place_of_a_key() {
    let pem = rsa().private.expose_secret();
    let begin = pem.lines().next().unwrap();
    let between =
        |text: &str| format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let digits = body(pem);
    let changed = |n: usize| {
        let mut lines: Vec<&str> = pem.lines().collect();
        lines.remove(n);
        lines.join("\n")
    };
    let cases = [
        case(begin.to_owned(), KeyError::OnlyBeginLine),
        case("-----BEGIN".to_owned(), KeyError::OnlyBeginLine),
        case("-----BEGIN PRIVATE KEY".to_owned(), KeyError::OnlyBeginLine),
        case(format!("\"{begin}\\n"), KeyError::OnlyBeginLine),
        case(
            format!("KALSHI_PRIVATE_KEY={begin}\r\n"),
            KeyError::OnlyBeginLine,
        ),
        case(
            pem.trim_end().rsplit_once('\n').unwrap().0.to_owned(),
            KeyError::EndMissing,
        ),
        case(pem[..200].to_owned(), KeyError::EndMissing),
        case(STANDARD.encode(&pem[..200]), KeyError::EndMissing),
        case(between(KEY_ID), KeyError::ApiKeyId),
        case(between(&format!("  {KEY_ID}\\n")), KeyError::ApiKeyId),
        case(KEY_ID.to_owned(), KeyError::ApiKeyId),
        case(format!(" \"{KEY_ID}\"\r\n"), KeyError::ApiKeyId),
        case(between(""), KeyError::Placeholder),
        case(between("..."), KeyError::Placeholder),
        case(between("…"), KeyError::Placeholder),
        case(between("<your key>"), KeyError::Placeholder),
        case(between("${KALSHI_PRIVATE_KEY}"), KeyError::Placeholder),
        case(between("your private key goes here"), KeyError::Placeholder),
        case(
            between("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC..."),
            KeyError::Placeholder,
        ),
        case(between(&"x".repeat(400)), KeyError::Placeholder),
        case(
            between(&"0123456789abcdef".repeat(4)),
            KeyError::Placeholder,
        ),
        case(
            between("sk_live_51Habcdefghijklmnop"),
            KeyError::Placeholder,
        ),
        case(changed(1), KeyError::Damaged),
        case(
            ed25519()
                .private
                .expose_secret()
                .replace("BQYDK2Vw", "BQYDK2V"),
            KeyError::Damaged,
        ),
        case(changed(5), KeyError::Damaged),
        case(pem.replace(&digits[640..642], ""), KeyError::Damaged),
        case("\u{feff} \"\" \r\n".to_owned(), KeyError::Empty),
        case(
            "/home/me/.config/kalshi/keys/Trading1/production".to_owned(),
            KeyError::NotPem,
        ),
        case(
            STANDARD.encode("some other secret, which is no key at all"),
            KeyError::NotPem,
        ),
        case(
            r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#
                .to_owned(),
            KeyError::JsonWebKey,
        ),
    ];
    for Case { text, expected } in cases {
        assert_eq!(key_error(&text), expected, "{text}");
    }
}

#[test]
fn accepts_a_raw_ed25519_pair() {
    let pem = ed25519().private.expose_secret();
    let seed = &der(pem)[16..];
    let public = &der(&ed25519().public)[12..];
    let pair = [seed, public].concat();
    let fingerprint = ed25519().credentials().fingerprint().to_owned();
    let pair_base64 = STANDARD.encode(&pair);
    for text in [
        pair_base64.clone(),
        format!("KALSHI_PRIVATE_KEY={pair_base64}\n"),
        URL_SAFE_NO_PAD.encode(&pair),
        hex(&pair),
        hex(&pair).to_uppercase(),
        format!("-----BEGIN PRIVATE KEY-----\n{pair_base64}\n-----END PRIVATE KEY-----\n"),
    ] {
        let found =
            Credentials::from_pem(KEY_ID, &text).unwrap_or_else(|e| panic!("{}", chain(&e)));
        assert_eq!(found.fingerprint(), fingerprint);
    }
    // The public half is of another key.
    let other = [seed, seed].concat();
    assert_eq!(key_error(&STANDARD.encode(other)), KeyError::NotPem);
}

/// The command in the message makes PEM of the key.
#[cfg(unix)] // Needs a shell.
#[test]
fn names_the_command_for_a_raw_ed25519_seed() {
    let pem = ed25519().private.expose_secret();
    let seed = &der(pem)[16..];
    let seed_base64 = STANDARD.encode(seed);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("KEY");
    let forms = [
        seed_base64.as_bytes().to_vec(),
        format!("{seed_base64}\n").into_bytes(),
        STANDARD_NO_PAD.encode(seed).into_bytes(),
        URL_SAFE_NO_PAD.encode(seed).into_bytes(),
        hex(seed).into_bytes(),
        format!("{}\n", hex(seed).to_uppercase()).into_bytes(),
        format!("-----BEGIN PRIVATE KEY-----\n{seed_base64}\n-----END PRIVATE KEY-----\n")
            .into_bytes(),
        seed.to_vec(),
    ];
    for form in forms {
        std::fs::write(&path, &form).unwrap();
        let error = file_error(&path);
        assert!(matches!(error, KeyError::RawEd25519 { .. }), "{error}");
        let message = error.to_string();
        let command = message.split('`').nth(1).unwrap();
        if !is_installed("openssl") || !is_installed("xxd") {
            continue;
        }
        let status = Command::new("sh")
            .args(["-c", command])
            .current_dir(&directory)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{command}");
        let made = std::fs::read_to_string(directory.path().join("kalshi.pem")).unwrap();
        assert_eq!(made, pem, "{command}");
    }
}

#[test]
fn decodes_other_encodings_and_binary_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("KEY");
    let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
    for pem in pems() {
        let text = format!(
            "Kalshi-API-Key-ID: {KEY_ID}\r\n{}",
            pem.text.replace('\n', "\r\n")
        );
        let ascii: Vec<u32> = text.bytes().map(u32::from).collect();
        let with_comment = format!("\u{feff}# ключ — clé\r\n{text}");
        let files: Vec<Vec<u8>> = vec![
            units(&with_comment)
                .iter()
                .flat_map(|unit| unit.to_le_bytes())
                .collect(),
            units(&with_comment)
                .iter()
                .flat_map(|unit| unit.to_be_bytes())
                .collect(),
            units(&text)
                .iter()
                .flat_map(|unit| unit.to_le_bytes())
                .collect(),
            units(&text)
                .iter()
                .flat_map(|unit| unit.to_be_bytes())
                .collect(),
            ascii.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            ascii.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            [b"# cl\xe9\n", text.as_bytes()].concat(),
        ];
        for file in files {
            std::fs::write(&path, &file).unwrap();
            let found = Credentials::from_key_file(&path)
                .unwrap_or_else(|e| panic!("{}: {}", pem.name, chain(&e)));
            assert_eq!(found.fingerprint(), pem.fingerprint);
            assert_eq!(found.key_id(), KEY_ID);
        }
        std::fs::write(&path, der(&pem.text)).unwrap();
        let found = Credentials::from_pem_file(KEY_ID, &path).unwrap();
        assert_eq!(found.fingerprint(), pem.fingerprint);
        key_file::add_key_id(&path, KEY_ID).unwrap();
        let found = Credentials::from_key_file(&path).unwrap();
        assert_eq!(found.fingerprint(), pem.fingerprint);
    }
    let cut_off = &der(rsa().private.expose_secret())[..700];
    std::fs::write(&path, cut_off).unwrap();
    assert_eq!(file_error(&path), KeyError::Damaged);
    std::fs::write(&path, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    assert_eq!(file_error(&path), KeyError::NotUtf8);
}

#[test]
fn selects_one_of_several_keys_by_its_id() {
    let theirs = Pair::generate_ed25519();
    let ours = ed25519().private.expose_secret();
    let theirs = theirs.private.expose_secret();
    let fingerprint = ed25519().credentials().fingerprint().to_owned();
    let id_line = |id: &str| format!("Kalshi-API-Key-ID: {id}\n");
    let a = id_line("theirs");
    let b = id_line(KEY_ID);
    let pair = |id: &str, key: &str| serde_json::json!({ "private_key": key, "api_key_id": id });
    for text in [
        format!("{a}{theirs}{b}{ours}"),
        format!("{b}{ours}{a}{theirs}"),
        format!("{theirs}{a}{ours}{b}"),
        serde_json::json!([pair("theirs", theirs), pair(KEY_ID, ours)]).to_string(),
        format!(
            "KALSHI_PROD_API_KEY_ID=theirs\nKALSHI_PROD_PRIVATE_KEY=\"{theirs}\"\nKALSHI_DEMO_API_KEY_ID={KEY_ID}\nKALSHI_DEMO_PRIVATE_KEY=\"{ours}\"\n"
        ),
        // Another key that cannot be used.
        format!("{a}{}{b}{ours}", theirs.replace("MC4CAQ", "MC4CAA")),
        // The same key twice, and a key that is commented out.
        format!("{ours}{ours}"),
        format!("{ours}{}", STANDARD.encode(ours)),
        format!("{}\n{ours}", prefix(theirs, "# ")),
        format!(
            "#KEY=\"{}\"\nKEY=\"{}\"\n",
            join(theirs, r"\n"),
            join(ours, r"\n")
        ),
        // Other sections do not matter.
        format!(
            "{}{ours}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            rsa().public
        ),
    ] {
        let found = Credentials::from_pem(KEY_ID, &text)
            .unwrap_or_else(|e| panic!("{}\n{text}", chain(&e)));
        assert_eq!(found.fingerprint(), fingerprint, "{text}");
    }
    for text in [
        format!("{theirs}{ours}"),
        format!("{b}{theirs}{ours}"),
        format!("{ours}{}", rsa().private.expose_secret()),
        format!(
            "{ours}{}",
            rsa().private.expose_secret().replace("AAKCAQEA", "")
        ),
        format!("{a}{theirs}{a}{ours}"),
        format!("{b}{theirs}{b}{ours}"),
    ] {
        assert_eq!(key_error(&text), KeyError::SeveralKeys, "{text}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("KEY");
    std::fs::write(&path, format!("{a}{theirs}{b}{ours}")).unwrap();
    let error = Credentials::from_key_file(&path).unwrap_err();
    assert!(
        chain(&error).contains("several different private keys"),
        "{}",
        chain(&error)
    );
}

/// Runs a program in a directory; returns whether it is installed.
fn run(directory: &Path, command: &str) -> bool {
    let mut words = command
        .split(' ')
        .map(|word| if word == "''" { "" } else { word });
    let program = words.next().unwrap();
    let output = Command::new(program)
        .args(words)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{command}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            true
        }
        Err(error) => {
            eprintln!("skipped: {command}: {error}");
            false
        }
    }
}

#[test]
fn names_formats_of_other_programs() {
    struct Format {
        commands: &'static [&'static str],
        error: KeyError,
        step: &'static str,
    }
    let openssh_rsa = |is_encrypted| KeyError::OpenSshRsa { is_encrypted };
    let openssh_ed25519 = |is_encrypted| KeyError::OpenSshEd25519 { is_encrypted };
    let formats = [
        Format {
            commands: &["ssh-keygen -q -t rsa -b 2048 -N '' -f KEY"],
            error: openssh_rsa(false),
            step: "ssh-keygen -p -N '' -m PEM -f COPY",
        },
        Format {
            commands: &["ssh-keygen -q -t rsa -b 2048 -N secret -f KEY"],
            error: openssh_rsa(true),
            step: "ssh-keygen -p -N '' -m PEM -f COPY",
        },
        Format {
            commands: &["ssh-keygen -q -t ed25519 -N '' -f KEY"],
            error: openssh_ed25519(false),
            step: "--ssh-agent",
        },
        Format {
            commands: &["ssh-keygen -q -t ed25519 -N secret -f KEY"],
            error: openssh_ed25519(true),
            step: "--ssh-agent",
        },
        Format {
            commands: &["ssh-keygen -q -t ecdsa -N '' -f KEY"],
            error: KeyError::OpenSsh,
            step: "openssl genpkey -algorithm ed25519",
        },
        Format {
            commands: &["puttygen -q -t rsa --new-passphrase /dev/null -o KEY"],
            error: KeyError::Putty,
            step: "puttygen KEY -O private-openssh",
        },
        Format {
            commands: &[
                "openssl genpkey -algorithm ed25519 -out pem",
                "openssl pkcs12 -export -nocerts -inkey pem -passout pass:secret -out KEY",
            ],
            error: KeyError::Pkcs12,
            step: "openssl pkcs12 -in KEY -nocerts -nodes",
        },
        Format {
            commands: &[
                "keytool -genkeypair -keyalg RSA -dname CN=a -storetype JKS -storepass secret -keystore KEY",
            ],
            error: KeyError::JavaKeyStore,
            step: "keytool -importkeystore",
        },
        Format {
            commands: &[
                "openssl genpkey -algorithm ed25519 -out pem",
                "openssl pkcs8 -topk8 -in pem -passout pass:secret -outform DER -out KEY",
            ],
            error: KeyError::Encrypted,
            step: "openssl pkey -in KEY",
        },
        Format {
            commands: &["openssl ecparam -name prime256v1 -genkey -noout -outform DER -out KEY"],
            error: KeyError::EllipticCurve,
            step: "openssl genpkey -algorithm ed25519",
        },
        Format {
            commands: &[
                "openssl req -x509 -newkey rsa:2048 -nodes -keyout pem -subj /CN=a -outform DER -out KEY",
            ],
            error: KeyError::Certificate,
            step: "provide the private key",
        },
        Format {
            commands: &[
                "openssl genpkey -algorithm ed25519 -out pem",
                "openssl pkey -in pem -pubout -outform DER -out KEY",
            ],
            error: KeyError::PublicKey,
            step: "provide the private key",
        },
    ];
    for format in formats {
        let directory = tempfile::tempdir().unwrap();
        if !format
            .commands
            .iter()
            .all(|command| run(directory.path(), command))
        {
            continue;
        }
        let path = directory.path().join("KEY");
        let error = file_error(&path);
        assert_eq!(error, format.error, "{:?}", format.commands);
        assert!(error.to_string().contains(format.step), "{error}");
        // Its base64 in a variable is the same.
        let file = std::fs::read(&path).unwrap();
        assert_eq!(
            key_error(&STANDARD.encode(file)),
            format.error,
            "{:?}",
            format.commands
        );
    }
}

/// The step for an OpenSSH key works.
#[test]
fn loads_a_converted_openssh_rsa_key() {
    let directory = tempfile::tempdir().unwrap();
    for command in [
        "ssh-keygen -q -t rsa -b 2048 -N '' -f COPY",
        "ssh-keygen -p -N '' -m PEM -f COPY",
    ] {
        if !run(directory.path(), command) {
            return;
        }
    }
    Credentials::from_pem_file(KEY_ID, directory.path().join("COPY")).unwrap();
}

#[test]
fn accepts_public_keys_in_every_form() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let rsa_public = rsa::PrivateKey::from_pkcs1_pem(rsa().private.expose_secret())
        .unwrap()
        .to_public_key();
    let pkcs1 = rsa_public.to_pkcs1_pem(LineEnding::LF).unwrap();
    assert_eq!(
        pkcs1.parse::<PublicKeyPem>().unwrap().as_str(),
        rsa().public
    );
    let mislabelled = pkcs1.replace("RSA PUBLIC", "PUBLIC");
    assert_eq!(
        mislabelled.parse::<PublicKeyPem>().unwrap().as_str(),
        rsa().public
    );
    for pair in [rsa(), ed25519()] {
        let pem = &pair.public;
        for form in [
            join(pem, ""),
            join(pem, " "),
            join(pem, r"\n"),
            join(pem, r"\\r\\n"),
            prefix(pem, "  > "),
            format!("PUBLIC_KEY=\"{pem}\""),
            STANDARD.encode(pem),
            body(pem),
            serde_json::json!({ "public_key": pem }).to_string(),
            format!("{pem}{pem}"),
        ] {
            let parsed: PublicKeyPem = form.parse().unwrap_or_else(|e| panic!("{e}: {form}"));
            assert_eq!(parsed.as_str(), pem, "{form}");
        }
    }
    for algorithm in ["rsa", "ed25519"] {
        let commands = [
            format!("ssh-keygen -q -t {algorithm} -N '' -C me@home -f {algorithm}"),
            format!("ssh-keygen -e -f {algorithm}.pub"),
        ];
        if !run(path, &commands[0]) {
            return;
        }
        let line = std::fs::read_to_string(path.join(format!("{algorithm}.pub"))).unwrap();
        let words: Vec<&str> = commands[1].split(' ').skip(1).collect();
        let rfc4716 = Command::new("ssh-keygen")
            .args(words)
            .current_dir(path)
            .output()
            .unwrap();
        let rfc4716 = String::from_utf8(rfc4716.stdout).unwrap();
        let parsed: PublicKeyPem = line.parse().unwrap();
        assert_eq!(
            rfc4716.parse::<PublicKeyPem>().unwrap(),
            parsed,
            "{rfc4716}"
        );
        let without_comment = line.replace(" me@home", "");
        assert_eq!(without_comment.parse::<PublicKeyPem>().unwrap(), parsed);
        let with_words = line.trim().to_owned() + " of mine";
        assert_eq!(with_words.parse::<PublicKeyPem>().unwrap(), parsed);
        // OpenSSH converts it to the same.
        let pem = ["-e", "-m", "PKCS8", "-f", "rsa.pub"];
        let pem = Command::new("ssh-keygen")
            .args(pem)
            .current_dir(path)
            .output()
            .unwrap();
        if algorithm == "rsa" {
            assert_eq!(String::from_utf8(pem.stdout).unwrap(), parsed.as_str());
        }
    }
}

#[test]
fn rejects_other_text_as_a_public_key() {
    let seed = &der(ed25519().private.expose_secret())[16..];
    let public = &der(&ed25519().public)[12..];
    let private = rsa().private.expose_secret();
    let cases = [
        case(join(private, ""), PublicKeyError::PrivateKey),
        case(STANDARD.encode(private), PublicKeyError::PrivateKey),
        case(body(private), PublicKeyError::PrivateKey),
        case(hex(&der(private)), PublicKeyError::PrivateKey),
        case(
            private.replace("RSA PRIVATE", "PUBLIC"),
            PublicKeyError::PrivateKey,
        ),
        case(
            format!("{}{}", rsa().public, body(private)),
            PublicKeyError::PrivateKey,
        ),
        case(
            STANDARD.encode([seed, public].concat()),
            PublicKeyError::PrivateKey,
        ),
        case(
            "-----BEGIN RSA PRIVATE\nKEY-----".to_owned(),
            PublicKeyError::PrivateKey,
        ),
        case(
            format!("{}{}", rsa().public, ed25519().public),
            PublicKeyError::SeveralKeys,
        ),
        case(
            join(&rsa().public, "").replace("-----END", ""),
            PublicKeyError::Malformed,
        ),
        case(
            rsa().public.replace("IDAQAB", ""),
            PublicKeyError::Malformed,
        ),
        case(STANDARD.encode(public), PublicKeyError::NotPem),
    ];
    for Case { text, expected } in cases {
        assert_eq!(text.parse::<PublicKeyPem>(), Err(expected), "{text}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (command, expected) in [
        (
            "req -x509 -newkey rsa:2048 -nodes -keyout pem -subj /CN=a",
            PublicKeyError::Certificate,
        ),
        ("pkey -in pem -outform PEM", PublicKeyError::PrivateKey),
    ] {
        let command: Vec<&str> = command.split(' ').collect();
        let Some(text) = openssl(path, &command) else {
            return;
        };
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.parse::<PublicKeyPem>(), Err(expected), "{text}");
    }
    for algorithm in ["ecdsa", "ed25519"] {
        if !run(
            path,
            &format!("ssh-keygen -q -t {algorithm} -N '' -f {algorithm}"),
        ) {
            return;
        }
        let text = std::fs::read_to_string(path.join(algorithm)).unwrap();
        assert_eq!(
            text.parse::<PublicKeyPem>(),
            Err(PublicKeyError::PrivateKey)
        );
    }
    let text = std::fs::read_to_string(path.join("ecdsa.pub")).unwrap();
    assert_eq!(
        text.parse::<PublicKeyPem>(),
        Err(PublicKeyError::UnsupportedAlgorithm)
    );
}

/// The largest file takes as long as its length, whatever is in it.
#[test]
fn reads_adversarial_text_promptly() {
    const LENGTH: usize = 64 * 1024;
    let rsa_pem = rsa().private.expose_secret();
    let nested = (0..30).fold(rsa_pem.to_owned(), |text, _| {
        if text.len() > LENGTH / 2 {
            text
        } else {
            STANDARD.encode(text)
        }
    });
    let section = "-----BEGIN PRIVATE KEY-----MC4CAQ-----END PRIVATE KEY-----";
    for unit in [
        "\\",
        "\\\\n",
        "\\u",
        "\\u005c",
        "%25",
        "%",
        "&amp;",
        "&amp;amp;",
        "&",
        "-",
        "—",
        "\"",
        " ",
        "\n",
        "=",
        ":",
        "A",
        "a\n",
        "0",
        "BEGIN",
        "END",
        "BEGIN-",
        "-----BEGIN",
        "-----END",
        "BEGINKEY--",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n",
        section,
        "api_key_id:",
        "api_key_id:a,",
        "Kalshi-API-Key-ID:",
        "Kalshi-API-Key-ID: a\n",
        "\"api_key_id\":\"",
        "LS0tLS1CRUdJTi",
        "MIIEpAIBAAKCAQEA",
        "MIIEpAIBAAKCAQEAMIIEpAIBAAKCAQEA ",
        "aaaaaaaaaaaaaaaaaaaaaaaa=\n",
        "{\"",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB ",
        "é",
        "\u{200b}",
        "+\"",
        "Proc-Type: 4,ENCRYPTED",
        rsa_pem,
        ed25519().private.expose_secret(),
        &nested,
        &section.repeat(2),
    ] {
        let text = unit.repeat(LENGTH.div_ceil(unit.len()));
        for text in [
            text.clone(),
            format!("{section}{text}"),
            format!("-----BEGIN PRIVATE KEY-----{text}"),
        ] {
            let started = Instant::now();
            let _ = Credentials::from_pem(KEY_ID, &text);
            let _ = text.parse::<PublicKeyPem>();
            let took = started.elapsed();
            let shown: String = unit.chars().take(40).collect();
            assert!(took < Duration::from_secs(60), "{shown:?} took {took:?}");
            if took > Duration::from_millis(200) {
                eprintln!("{shown:?} took {took:?}");
            }
        }
    }
}
