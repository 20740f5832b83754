//! Any text parses as a private key, and as a public one, or fails with a one-line error that does
//! not repeat it.
#![no_main]

use kalshi_api_keys::Credentials;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = Credentials::external("id", text, async |_| Ok(Vec::new()));
    match Credentials::from_pem("id", text) {
        Ok(credentials) => assert_eq!(credentials.key_id(), "id"),
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n'));
            // No run of 12 alphanumeric characters, which could be key material.
            assert!(
                text.as_bytes()
                    .windows(12)
                    .filter(|run| run.iter().all(u8::is_ascii_alphanumeric))
                    .all(|run| {
                        let run = std::str::from_utf8(run).unwrap();
                        !line.contains(run) || words_in_messages().contains(run)
                    })
            );
        }
    }
});

/// Words of 12 or more letters that the messages contain themselves.
fn words_in_messages() -> &'static str {
    "certificate permissions elliptic"
}
