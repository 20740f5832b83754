//! Any bytes parse as a response or fail to; parsed lists round-trip, and `Debug` never contains a
//! private key.
#![no_main]

use kalshi_api_keys::types::{
    ApiKey, CreateApiKeyResponse, GenerateApiKeyResponse, GetApiKeysResponse,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(list) = serde_json::from_slice::<GetApiKeysResponse>(body) {
        let sent = serde_json::to_vec(&list).unwrap();
        let again: GetApiKeysResponse = serde_json::from_slice(&sent).unwrap();
        assert_eq!(sent, serde_json::to_vec(&again).unwrap());
    }
    let _ = serde_json::from_slice::<ApiKey>(body);
    let _ = serde_json::from_slice::<CreateApiKeyResponse>(body);
    if let Ok(generated) = serde_json::from_slice::<GenerateApiKeyResponse>(body) {
        let secret = generated.private_key.expose_secret();
        assert!(secret.len() < 12 || !format!("{:?}", generated.private_key).contains(secret));
    }
});
