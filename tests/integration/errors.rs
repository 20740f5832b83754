//! Properties of `Error`: its message, effect, transience and `Retry-After`.

use std::time::Duration;

use http::Method;
use kalshi_api_keys::{Client, Credentials, Effect, Environment, Error, Operation, Signer, types};

use serde_json::json;

use crate::fixtures::{credentials, ed25519, key_forms, rsa, shows_key, unreachable_url};
use crate::raw_server::{RawServer, Reply};

/// Calls `generateApiKey` and returns its error.
async fn generate(client: &Client) -> Error {
    let body = types::GenerateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()]);
    client
        .generate_api_key()
        .body(body)
        .send()
        .await
        .unwrap_err()
}

/// Returns the error of `generateApiKey` for a reply of the server.
async fn error_for(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Error {
    let server = RawServer::start(move |_, _| reply()).await;
    generate(&server.client(credentials())).await
}

#[tokio::test]
async fn errors_report_message_effect_and_safety_of_resending() {
    let nobody = || unreachable_url().parse::<Environment>().unwrap();
    let error_response =
        |status: u16, body: &'static str| error_for(move || Reply::json(status, body));
    let unreachable = generate(&Client::new(nobody(), credentials()).unwrap()).await;
    let before_1970 = {
        let signer = Signer::new(credentials())
            .with_clock(|| std::time::UNIX_EPOCH - Duration::from_secs(1));
        let builder = Client::builder(nobody(), credentials()).signer(signer);
        generate(&builder.build().unwrap()).await
    };
    let not_allowed = {
        let builder = Client::builder(nobody(), credentials());
        let https_only = reqwest::Client::builder().https_only(true).build().unwrap();
        generate(&builder.http_client(https_only).build().unwrap()).await
    };
    use Effect::{NotSent, Refused, Unknown};
    // The error, its effect, whether it is transient, whether POST is safe to resend, and a part of
    // its message.
    let table = [
        (unreachable, NotSent, true, true, "not sent: could not connect to http://127.0.0.1:"),
        (before_1970, NotSent, false, true, "not sent: this machine's clock is before 1970"),
        (not_allowed, NotSent, false, true, "not sent: invalid request; check the base URL"),
        (error_for(|| Reply::Reset).await, Unknown, true, false, "no response from http://127.0.0.1:"),
        (error_for(|| Reply::Bytes(vec![])).await, Unknown, true, false, "it may have taken effect: list the keys"),
        (
            error_response(401, r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}"#).await,
            Refused,
            false,
            true,
            "the service returned 401: authentication_error: NOT_FOUND; check the API key ID and the environment",
        ),
        (
            error_response(401, r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"INCORRECT_API_KEY_SIGNATURE"}}"#).await,
            Refused,
            false,
            true,
            "INCORRECT_API_KEY_SIGNATURE; sign with the private key that belongs to the API key ID",
        ),
        (error_response(400, r#"{"msg":"a\n b"}"#).await, Refused, false, true, "the service returned 400: a b; correct the request"),
        (error_response(401, SERVICE_ERROR).await, Refused, false, true, "401: a: b; check the API key ID, its private key and the environment"),
        (error_response(403, SERVICE_ERROR).await, Refused, false, true, "403: a: b; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `write`"),
        (error_response(404, SERVICE_ERROR).await, Refused, false, true, "404: a: b; list the keys to see which exist"),
        (error_response(408, SERVICE_ERROR).await, Unknown, true, false, "408: a: b; it may have taken effect"),
        (error_response(409, SERVICE_ERROR).await, Refused, true, true, "409: a: b; try again once the FCM subtrader has propagated"),
        (error_response(429, SERVICE_ERROR).await, Refused, true, true, "429: a: b; try again later"),
        (error_response(500, SERVICE_ERROR).await, Unknown, true, false, "500: a: b; it may have taken effect: list the keys to find out"),
        (
            error_response(429, r#"{"error": "too many requests"}"#).await,
            Refused,
            true,
            true,
            "the service returned 429: too many requests; try again later",
        ),
        (error_response(429, "").await, Unknown, true, false, "the response 429 from http://127.0.0.1:"),
        (error_response(403, "<html>").await, Unknown, false, false, "is not in the service's error format, and may come from a gateway; it may"),
        (error_response(503, "<html>").await, Unknown, true, false, "it may have taken effect: list the keys to find out"),
        (error_response(201, r#"{"api_key_id":"a"}"#).await, Unknown, false, false, "is not as documented; it may have taken effect"),
        (error_response(302, "").await, Unknown, false, false, "is a redirect, which is never followed; it may have taken effect"),
        (
            error_for(|| Reply::Bytes(b"HTTP/1.1 201 -\r\nContent-Length: 9\r\n\r\n{".to_vec())).await,
            Unknown,
            true,
            false,
            "was truncated; it may have taken effect",
        ),
        (
            error_for(|| Reply::Bytes(b"HTTP/1.1 201 -\r\nContent-Length: 9\r\n\r\n".to_vec())).await,
            Unknown,
            true,
            false,
            "the response was truncated; it may have taken effect",
        ),
    ];
    for (error, effect, transient, safe_post, expected) in table {
        let line = error.to_string();
        assert!(line.contains(expected), "{line:?} lacks {expected:?}");
        assert!(
            !line.contains('\n') && !line.to_ascii_lowercase().contains("content-length"),
            "{line}"
        );
        assert_eq!(
            (error.effect(), error.is_transient()),
            (effect, transient),
            "{line}"
        );
        assert_eq!(error.is_safe_to_resend(&Method::POST), safe_post, "{line}");
        for method in [Method::GET, Method::DELETE] {
            assert!(error.is_safe_to_resend(&method), "{line}");
        }
        // `Display` does not repeat the cause, which `source` returns.
        if let Some(source) = std::error::Error::source(&error) {
            assert!(!line.contains(&source.to_string()), "{line}");
        }
    }
}

/// An error body in the format of the service.
const SERVICE_ERROR: &str = r#"{"error":{"code":"a","message":"b"}}"#;

/// A list has no effect, so its errors do not mention one.
#[tokio::test]
async fn errors_of_a_list_do_not_mention_an_effect() {
    for (reply, advice) in [
        (
            Reply::json as fn(u16, &'static str) -> Reply,
            "check the base URL",
        ),
        (|_, _| Reply::Reset, "check the network and the base URL"),
        (|_, _| Reply::json(404, "<html>"), "check the base URL"),
        (|_, _| Reply::json(302, ""), "check the base URL"),
        (|_, _| Reply::json(503, "<html>"), "try again later"),
        (|_, _| Reply::json(500, SERVICE_ERROR), "try again later"),
        (
            |_, _| Reply::Bytes(b"HTTP/1.1 200 -\r\nContent-Length: 9\r\n\r\n".to_vec()),
            "try again",
        ),
    ] {
        let server = RawServer::start(move |_, _| reply(404, SERVICE_ERROR)).await;
        let error = server
            .client(credentials())
            .get_api_keys()
            .send()
            .await
            .unwrap_err();
        let line = error.to_string();
        assert!(
            line.contains(&format!("; {advice}")) && !line.contains("effect"),
            "{line:?} lacks {advice:?}"
        );
    }
}

/// Calls an operation.
async fn call(client: &Client, operation: &str) -> Error {
    let create = types::CreateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()])
        .public_key(&ed25519().public);
    match operation {
        "getApiKeys" => client.get_api_keys().send().await.unwrap_err(),
        "createApiKey" => client
            .create_api_key()
            .body(create)
            .send()
            .await
            .unwrap_err(),
        "deleteApiKey" => client
            .delete_api_key()
            .api_key("a")
            .send()
            .await
            .unwrap_err(),
        _ => generate(client).await,
    }
}

#[tokio::test]
async fn rejections_advise_the_way_out() {
    struct Case {
        operation: &'static str,
        status: u16,
        body: &'static str,
        expected: &'static str,
    }
    const RESTRICTED: &str = r#"{"error":{"code":"forbidden","message":"this API key is restricted to a single sub-account and cannot access this endpoint"}}"#;
    const ATTESTATION: &str = r#"{"error":{"code":"Your_location_attestation_for_API_trading_is_missing_or_expired._Please_complete_the_location_verification_on_the_Kalshi_website_within_30_days.","message":"b"}}"#;
    let cases = [
        Case {
            operation: "getApiKeys",
            status: 403,
            body: RESTRICTED,
            expected: "cannot access this endpoint; sign with an unrestricted key of the account's owner, bound to no sub-account or FCM subtrader, that has the scope `read`",
        },
        Case {
            operation: "deleteApiKey",
            status: 403,
            body: r#"{"error": "this API key is restricted to a single sub-account and cannot access this endpoint"}"#,
            expected: "that has the scope `write`",
        },
        Case {
            operation: "createApiKey",
            status: 403,
            body: RESTRICTED,
            expected: "cannot access this endpoint; sign with an unrestricted key of the account's owner",
        },
        Case {
            operation: "createApiKey",
            status: 403,
            body: SERVICE_ERROR,
            expected: "let the service generate the key pair (`generate`) or paste the public key on the website",
        },
        Case {
            operation: "generateApiKey",
            status: 403,
            body: r#"{"error":{"code":"forbidden","message":"fcm_subtrader_id is for FCM members"}}"#,
            expected: "bind keys to a subtrader as an FCM member only",
        },
        Case {
            operation: "generateApiKey",
            status: 403,
            body: ATTESTATION,
            expected: "the service returned 403: Your location attestation for API trading is missing or expired. Please complete the location verification on the Kalshi website within 30 days.: b; renew the location attestation on the website",
        },
        Case {
            operation: "generateApiKey",
            status: 409,
            body: SERVICE_ERROR,
            expected: "try again once the FCM subtrader has propagated",
        },
        Case {
            operation: "deleteApiKey",
            status: 409,
            body: SERVICE_ERROR,
            expected: "409: a: b; try again later",
        },
    ];
    for case in cases {
        let server = RawServer::start(move |_, _| Reply::json(case.status, case.body)).await;
        let error = call(&server.client(credentials()), case.operation).await;
        let line = error.to_string();
        assert!(
            line.contains(case.expected),
            "{line:?} lacks {:?}",
            case.expected
        );
        assert_eq!(error.effect(), Effect::Refused, "{line}");
    }
}

#[tokio::test]
async fn message_says_how_long_to_wait() {
    struct Case {
        status: u16,
        body: &'static str,
        expected: &'static str,
    }
    let cases = [
        Case {
            status: 429,
            body: r#"{"error": "too many requests"}"#,
            expected: "429: too many requests; wait 7 s, then try again",
        },
        Case {
            status: 429,
            body: "<html>",
            expected: "; it may have taken effect: list the keys to find out, and wait 7 s before the next request",
        },
        Case {
            status: 404,
            body: SERVICE_ERROR,
            expected: "404: a: b; list the keys to see which exist, and wait 7 s before the next request",
        },
    ];
    for case in cases {
        let error =
            error_for(move || Reply::new(case.status, "Retry-After: 7\r\n", case.body)).await;
        let line = error.to_string();
        assert!(
            line.contains(case.expected),
            "{line:?} lacks {:?}",
            case.expected
        );
    }
    let now = error_for(|| Reply::new(429, "Retry-After: 0\r\n", SERVICE_ERROR)).await;
    assert!(
        now.to_string().ends_with("429: a: b; try again later"),
        "{now}"
    );
}

/// A gateway that quotes a response has no marker in what it quotes.
#[tokio::test]
async fn key_material_in_an_error_is_not_shown() {
    for (form, text) in [rsa(), ed25519()]
        .into_iter()
        .flat_map(|pair| key_forms(&pair.private))
    {
        for message in [text.clone(), format!("could not store {text} of the key")] {
            for body in [
                json!({ "error": { "code": "a", "message": message } }),
                json!({ "error": { "code": message, "message": "b" } }),
                json!({ "error": message }),
                json!({ "msg": message }),
            ] {
                let server = RawServer::always(500, "", body.to_string()).await;
                let error = generate(&server.client(credentials())).await;
                for key in [&rsa().private, &ed25519().private] {
                    assert!(!shows_key(&error.to_string(), key), "{form}: {error}");
                }
                assert!(error.to_string().contains("[REDACTED]"), "{form}: {error}");
            }
        }
    }
}

/// Signed with a key that exists in another environment, or sent where nothing listens.
#[tokio::test]
async fn errors_name_the_base_url() {
    const NOT_FOUND: &str = r#"{"error":{"code":"authentication_error","details":"NOT_FOUND"}}"#;
    struct Case {
        reply: fn() -> Reply,
        names_base_url: bool,
    }
    let cases = [
        Case {
            reply: || Reply::json(401, NOT_FOUND),
            names_base_url: true,
        },
        Case {
            reply: || Reply::json(401, SERVICE_ERROR),
            names_base_url: true,
        },
        Case {
            reply: || Reply::json(401, "<html>"),
            names_base_url: true,
        },
        Case {
            reply: || Reply::Reset,
            names_base_url: true,
        },
        Case {
            reply: || Reply::json(403, SERVICE_ERROR),
            names_base_url: false,
        },
        Case {
            reply: || Reply::json(404, SERVICE_ERROR),
            names_base_url: false,
        },
    ];
    for case in cases {
        let server = RawServer::start(move |_, _| (case.reply)()).await;
        let client = server.client(credentials());
        let line = client.get_api_keys().send().await.unwrap_err().to_string();
        let expected = format!("; the base URL was {}", server.base_url());
        assert_eq!(line.contains(&expected), case.names_base_url, "{line}");
        assert!(!line.contains("default"), "{line}");

        let by_default = Client::builder(server.environment(), credentials())
            .environment_by_default()
            .build()
            .unwrap();
        let error = by_default.get_api_keys().send().await.unwrap_err();
        let line = error.to_string();
        assert_eq!(
            line.contains("demo is the default"),
            case.names_base_url,
            "{line}"
        );
    }
}

#[tokio::test]
async fn not_found_shows_the_path_of_the_service() {
    for reply in [
        (|| Reply::json(404, SERVICE_ERROR)) as fn() -> Reply,
        || Reply::json(404, "<html>"),
    ] {
        let server = RawServer::start(move |_, _| reply()).await;
        let origin = server.base_url().strip_suffix("/trade-api/v2").unwrap();
        for path in ["", "/trade-api/v1", "/v2"] {
            let environment = Environment::custom(&format!("{origin}{path}")).unwrap();
            let client = Client::new(environment, credentials()).unwrap();
            let line = client.get_api_keys().send().await.unwrap_err().to_string();
            let expected = format!("the service's would be {}", server.base_url());
            assert!(line.ends_with(&expected), "{line}");
        }
    }
}

#[tokio::test]
async fn paths_that_are_not_relative_are_not_sent() {
    let server = RawServer::start(|_, _| Reply::json(200, "{}")).await;
    let client = server.client(credentials());
    struct Case {
        path: &'static str,
        corrected: &'static str,
    }
    let cases = [
        Case {
            path: "/trade-api/v2/portfolio/balance",
            corrected: "it should be \"/portfolio/balance\"",
        },
        Case {
            path: "/trade-api/v2/trade-api/v2/portfolio?a=b",
            corrected: "it should be \"/portfolio\"",
        },
        Case {
            path: "portfolio",
            corrected: "it should be \"/portfolio\"",
        },
        Case {
            path: "https://demo-api.kalshi.co/trade-api/v2/portfolio",
            corrected: "it should be \"/portfolio\"",
        },
    ];
    for case in cases {
        let request = client.request(Method::GET, case.path);
        let error = client.execute(request).await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest(_)), "{error:?}");
        let line = error.to_string();
        assert!(line.ends_with(case.corrected), "{}: {line}", case.path);
    }
    assert!(server.received().is_empty());
    let request = client.request(Method::GET, "/portfolio/trade-api/v2");
    client.execute(request).await.unwrap();
}

#[tokio::test]
async fn errors_convert_to_and_from_progenitor_errors() {
    for reply in [
        || Reply::Reset,
        || Reply::json(404, SERVICE_ERROR),
        || Reply::json(200, "[]"),
    ] {
        let error = error_for(reply).await;
        let line = error.to_string();
        let generated: progenitor_client::Error<types::ErrorResponse> = error.into();
        // What to do next depends on the operation, which the error of progenitor does not know.
        let (what, _next) = line.split_once("; ").unwrap();
        assert!(
            Error::from(generated).to_string().starts_with(what),
            "{line}"
        );
    }
}

/// progenitor's errors have no variant for it, and a success would be the worst one.
#[tokio::test]
async fn a_request_that_was_not_signed_is_an_invalid_request_of_progenitor() {
    let unable =
        Credentials::external("id", &ed25519().public, async |_| Err("locked".into())).unwrap();
    let client = Client::new(Environment::custom(&unreachable_url()).unwrap(), unable).unwrap();
    let error = client.get_api_keys().send().await.unwrap_err();
    let progenitor_client::Error::InvalidRequest(reason) = error.into() else {
        panic!("another error")
    };
    assert_eq!(reason, "the external key did not sign: locked");
}

/// Such errors are not made by this crate: nothing is known of what became of the request.
#[test]
fn errors_of_other_hooks_do_not_claim_that_nothing_was_sent() {
    use progenitor_client::Error as Generated;
    let payload = serde_json::from_str::<u8>("{").unwrap_err();
    for generated in [
        Generated::Custom("a hook".to_owned()),
        Generated::InvalidResponsePayload("{".into(), payload),
    ] {
        let error = Error::from(generated);
        assert_eq!(error.effect(), Effect::Unknown, "{error}");
        assert!(!error.to_string().contains("not sent"), "{error}");
        assert!(!error.is_safe_to_resend(&http::Method::POST), "{error}");
    }
}

#[tokio::test]
async fn retry_after_is_parsed_as_seconds_and_as_a_date() {
    let date = "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n";
    let table = [
        ("Retry-After: 3\r\n", Some(3)),
        ("Retry-After:  120 \r\n", Some(120)),
        ("Retry-After: 0\r\n", Some(0)),
        ("Retry-After: Tue, 14 Nov 2023 22:14:20 GMT\r\n", Some(60)),
        ("Retry-After: Tue, 14 Nov 2023 22:00:00 GMT\r\n", Some(0)),
        ("Retry-After: soon\r\n", None),
        ("Retry-After: -1\r\n", None),
        ("Retry-After: 1.5\r\n", None),
        ("", None),
    ];
    for (header, seconds) in table {
        for (status, body) in [(429, SERVICE_ERROR), (429, ""), (302, "")] {
            let headers = format!("{date}{header}");
            let error = error_for(move || Reply::new(status, &headers, body)).await;
            assert_eq!(
                error.retry_after(),
                seconds.map(Duration::from_secs),
                "{header}"
            );
        }
    }
    // Without a `Date` header, the local clock is used.
    let in_an_hour = std::time::SystemTime::now() + Duration::from_secs(3600);
    let header = format!("Retry-After: {}\r\n", httpdate::fmt_http_date(in_an_hour));
    let error = error_for(move || Reply::new(503, &header, "")).await;
    assert!(error.retry_after().unwrap().as_secs().abs_diff(3600) <= 60);
    assert_eq!(Error::InvalidRequest(String::new()).retry_after(), None);
}

#[tokio::test]
async fn a_lost_or_truncated_response_returns_its_cause() {
    let truncated = || Reply::Bytes(b"HTTP/1.1 201 -\r\nContent-Length: 9\r\n\r\n{".to_vec());
    for (reply, has_cause) in [(|| Reply::Reset) as fn() -> Reply, truncated, || {
        Reply::json(302, "")
    }]
    .into_iter()
    .zip([true, true, false])
    {
        let error = error_for(reply).await;
        assert_eq!(
            std::error::Error::source(&error).is_some(),
            has_cause,
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_error_names_its_operation() {
    let server = RawServer::start(|_, _| Reply::json(404, SERVICE_ERROR)).await;
    let client = server.client(credentials());
    let operation = Operation::find("generateApiKey").unwrap();
    let request = client.request(Method::POST, operation.path);
    for error in [
        generate(&client).await,
        client
            .execute_operation(operation, request)
            .await
            .unwrap_err(),
    ] {
        let Error::ErrorResponse(refusal) = error else {
            panic!("{error:?}")
        };
        assert_eq!(refusal.operation(), Some(operation));
    }
}
