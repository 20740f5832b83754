//! Any bytes of an error answer become the one shape, its members short, and the shape reads itself.
#![no_main]

use kalshi_api_keys::fuzzing::canonical;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let error = canonical(body);
    let members = [&error.code, &error.message, &error.details, &error.service];
    assert!(members.into_iter().flatten().all(|text| text.len() <= 1024));
    let again = canonical(&serde_json::to_vec(&error).unwrap());
    if error.code.is_some() || error.message.is_some() || error.details.is_some() || error.service.is_some() {
        assert_eq!(serde_json::to_value(&error).unwrap(), serde_json::to_value(&again).unwrap());
    }
});
