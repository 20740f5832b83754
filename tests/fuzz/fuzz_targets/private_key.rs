//! Any text is a private key or an error of one line that repeats none of it.
#![no_main]

use kalshi_api_keys::Credentials;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Credentials::from_pem("id", text) {
        Ok(credentials) => assert_eq!(credentials.key_id(), "id"),
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n'));
            // No run of it that could be key material.
            assert!(text.as_bytes().windows(12).filter(|run| run.iter().all(u8::is_ascii_alphanumeric)).all(|run| {
                let run = std::str::from_utf8(run).unwrap();
                !line.contains(run) || line_words().contains(run)
            }));
        }
    }
});

/// Long words that the messages themselves hold.
fn line_words() -> &'static str {
    "certificate permissions elliptic"
}
