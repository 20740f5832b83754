//! Any error body parses or fails to; members are bounded, and parsed bodies round-trip.
#![no_main]

use kalshi_api_keys::fuzzing::error_body;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Some(error) = error_body(body) else {
        return;
    };
    let members = [&error.code, &error.message, &error.details, &error.service];
    assert!(members.into_iter().flatten().all(|text| text.len() <= 1024));
    if error.code.is_some() {
        let reparsed = error_body(&serde_json::to_vec(&error).unwrap()).unwrap();
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            serde_json::to_value(&reparsed).unwrap()
        );
    }
});
