//! What our spec states and the service's description does not, on purpose: each with its reason. Silent as long as the
//! service states nothing there; another value of the service's own is a difference like any other.
//!
//! They stand here and not in the spec because the spec describes the service, and this list describes the spec.

use crate::difference::Difference;

/// Part of an operation, field, keyword, reason.
const DELIBERATE: [(&str, &str, &str, &str); 6] = [
    ("path api_key", "", "minLength", "an empty ID would make the path of another operation"),
    ("request", "name", "minLength", "the service refuses an empty name; the client says so before it sends"),
    ("request", "scopes", "required", "optional there, and a missing list means full access: the client asks for one"),
    ("request", "key_type", "default", "in words there"),
    ("request", "fcm_subtrader_id", "pattern", "in words there"),
    ("query fcm_subtrader_id", "", "pattern", "in words there"),
];

pub fn is_deliberate(difference: &Difference) -> bool {
    let place = &difference.place;
    let known = |(part, field, keyword, _): &(&str, &str, &str, &str)| {
        (place.part.as_str(), place.field.as_str(), difference.keyword.as_str()) == (*part, *field, *keyword)
    };
    difference.is_unstated && DELIBERATE.iter().any(known)
}
