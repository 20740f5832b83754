//! Counts the heap allocations of `Signer::headers`. Two are inherent: the returned timestamp and
//! signature.

use std::hint::black_box;

use http::Method;
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys_benches::{PATH, private_key, signer};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn main() {
    for key_type in [ApiKeyType::Rsa, ApiKeyType::Ed25519] {
        let signer = signer(&private_key(key_type.clone()));
        // The first call initializes state that later ones reuse.
        black_box(signer.headers(&Method::GET, PATH).unwrap());
        let region = Region::new(ALLOCATOR);
        let headers = black_box(signer.headers(&Method::GET, PATH).unwrap());
        let change = region.change();
        println!(
            "{key_type}: {} allocations and {} reallocations of {} bytes for one Signer::headers",
            change.allocations, change.reallocations, change.bytes_allocated
        );
        drop(headers);
    }
}
