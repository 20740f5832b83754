//! Bodies that the service documents, or that were recorded from it, byte for byte. Judged without
//! this crate's client and signer: requests are written to a socket, and signed by `ed25519_dalek`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use kalshi_api_keys::sandbox::Fault;

use super::authentication::{EXPIRED, NO_KEY, NO_SIGNATURE, UNKNOWN_KEY, WRONG_SIGNATURE};
use super::{KEY, OPERATIONS, SIGNATURE, TestKey, exchange, path, restricted_key, sandbox, text};

/// The text is documented, the JSON around it is not.
const RESTRICTED: &str = r#"{"error":{"code":"api_key_restricted","message":"this API key is restricted to a single sub-account and cannot access this endpoint"}}"#;
const RATE_LIMITED: &str = r#"{"error": "too many requests"}"#;
const ATTESTATION_LAPSED: &str = r#"{"error":{"code":"Your_location_attestation_for_API_trading_is_missing_or_expired._Please_verify_your_location_in_the_Kalshi_app_or_website,_and_then_retry.","message":"Your location attestation for API trading is missing or expired. Please verify your location in the Kalshi app or website, and then retry."}}"#;

struct Case {
    name: &'static str,
    headers: HeaderMap,
    fault: Option<Fault>,
    status: u16,
    body: &'static str,
}

#[tokio::test]
async fn every_operation_returns_the_known_bodies() {
    let sandbox = sandbox().await;
    let root = TestKey::root(&sandbox);
    let restricted = TestKey::register(&sandbox, restricted_key("x", 7));
    for (method, rest) in OPERATIONS {
        let method = method.as_str();
        let path = path(&sandbox, rest);
        let now = SystemTime::now();
        let signed = root.sign(&millis(now), method, &path);
        let mut without_key = signed.clone();
        without_key.remove(KEY);
        let mut without_signature = signed.clone();
        without_signature.remove(SIGNATURE);
        let mut unknown = signed.clone();
        unknown.insert(KEY, text("a952bcbe-ec3b-4b5b-b8f9-11dae589608c"));
        let late = millis(now - Duration::from_secs(30));
        let cases = [
            Case {
                name: "no key header",
                headers: without_key,
                fault: None,
                status: 401,
                body: NO_KEY,
            },
            Case {
                name: "no signature header",
                headers: without_signature,
                fault: None,
                status: 401,
                body: NO_SIGNATURE,
            },
            Case {
                name: "clock off by 30 s",
                headers: root.sign(&late, method, &path),
                fault: None,
                status: 401,
                body: EXPIRED,
            },
            Case {
                name: "wrong text signed",
                headers: root.sign(&millis(now), method, rest),
                fault: None,
                status: 401,
                body: WRONG_SIGNATURE,
            },
            Case {
                name: "unknown key ID",
                headers: unknown,
                fault: None,
                status: 401,
                body: UNKNOWN_KEY,
            },
            Case {
                name: "key of one sub-account",
                headers: restricted.sign(&millis(now), method, &path),
                fault: None,
                status: 403,
                body: RESTRICTED,
            },
            Case {
                name: "rate limit",
                headers: signed.clone(),
                fault: Some(Fault::rate_limited()),
                status: 429,
                body: RATE_LIMITED,
            },
            Case {
                name: "lapsed attestation",
                headers: signed,
                fault: Some(Fault::attestation_lapsed()),
                status: 403,
                body: ATTESTATION_LAPSED,
            },
        ];
        for case in cases {
            let name = format!("{}: {method} {rest}", case.name);
            if let Some(fault) = case.fault {
                sandbox.fail_next(fault);
            }
            let response = exchange(&sandbox, method, &path, &case.headers).await;
            let (head, body) = response.split_once("\r\n\r\n").expect("a head");
            assert_eq!(body, case.body, "{name}");
            let mut lines = head.lines();
            let status_line = lines.next().expect("a status line");
            let status = case.status;
            assert!(
                status_line.starts_with(&format!("HTTP/1.1 {status} ")),
                "{name}: {status_line}"
            );
            let mut headers: Vec<_> = lines
                .filter_map(|line| line.split_once(": "))
                .filter(|(header, _)| *header != "connection")
                .collect();
            headers.sort();
            let [(_, length), content_type, (date, _)] = headers[..] else {
                panic!("{name}: {head}")
            };
            assert_eq!(length, body.len().to_string(), "{name}");
            assert_eq!(content_type, ("content-type", "application/json"), "{name}");
            assert_eq!(date, "date", "{name}");
        }
    }
    assert_eq!(sandbox.keys().len(), 2, "nothing was created or deleted");
}

/// Unix milliseconds, in decimal.
fn millis(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).expect("after 1970");
    since.as_millis().to_string()
}
