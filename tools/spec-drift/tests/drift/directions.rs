//! The same change, sent and read: what breaks one way is fine the other way.

use serde_json::{Value, json};

use crate::revisions::revisions;

/// A field in a request and in an answer, before and after, and whether it breaks there.
const RULES: &[(&str, &str, &str, bool, bool)] = &[
    // before, after, what is said, breaks as sent, breaks as read
    (r#"{"type":"string"}"#, r#"{"type":"integer"}"#, "integer, was string", true, true),
    (r#"{"type":"integer"}"#, r#"{"type":"number"}"#, "number, was integer", false, true),
    (r#"{"type":"number"}"#, r#"{"type":"integer"}"#, "integer, was number", true, false),
    (r#"{"type":"string"}"#, "{}", "anything, was string", false, true),
    (r#"{}"#, r#"{"type":"string"}"#, "string, was anything", true, false),
    (r#"{"type":"string"}"#, r#"{"type":"string","nullable":true}"#, "may be null, was never null", false, true),
    (r#"{"type":"string","nullable":true}"#, r#"{"type":"string"}"#, "never null, could be null", true, false),
    (r#"{"type":"string"}"#, r#"{"type":"string","maxLength":9}"#, "maxLength 9, had none", true, false),
    (r#"{"type":"string","maxLength":9}"#, r#"{"type":"string"}"#, "gone: maxLength, was 9", false, false),
    (r#"{"type":"string","maxLength":9}"#, r#"{"type":"string","maxLength":8}"#, "maxLength 8, was 9", true, false),
    (r#"{"type":"string","minLength":9}"#, r#"{"type":"string","minLength":8}"#, "minLength 8, was 9", false, false),
    (r#"{"type":"integer","minimum":1}"#, r#"{"type":"integer","minimum":2}"#, "minimum 2, was 1", true, false),
    (r#"{"type":"integer","maximum":1}"#, r#"{"type":"integer","maximum":2}"#, "maximum 2, was 1", false, false),
    (r#"{"type":"string"}"#, r#"{"type":"string","pattern":"a"}"#, "pattern \"a\", had none", true, false),
    (r#"{"type":"string","pattern":"a"}"#, r#"{"type":"string"}"#, "gone: pattern, was \"a\"", false, false),
    (r#"{"type":"string"}"#, r#"{"type":"string","format":"uuid"}"#, "format \"uuid\", had none", true, false),
    (
        r#"{"type":"integer","format":"int32"}"#,
        r#"{"type":"integer","format":"int64"}"#,
        "format \"int64\", was \"int32\"",
        false,
        true,
    ),
    (
        r#"{"type":"integer","format":"int64"}"#,
        r#"{"type":"integer","format":"int32"}"#,
        "format \"int32\", was \"int64\"",
        true,
        false,
    ),
    (r#"{"type":"string","enum":["a"]}"#, r#"{"type":"string","enum":["a","b"]}"#, "new value \"b\"", false, true),
    (r#"{"type":"string","enum":["a","b"]}"#, r#"{"type":"string","enum":["a"]}"#, "gone: value \"b\"", true, false),
    (r#"{"type":"string"}"#, r#"{"type":"string","enum":["a"]}"#, "one of \"a\", was any", true, false),
    (r#"{"type":"string","enum":["a"]}"#, r#"{"type":"string"}"#, "any value, was one of \"a\"", false, true),
    (
        r#"{"type":"string","enum":["a"],"x-open-enum":true}"#,
        r#"{"type":"string","enum":["a","b"],"x-open-enum":true}"#,
        "new value \"b\"",
        false,
        false,
    ),
    (
        r#"{"type":"string","enum":["a"],"x-open-enum":true}"#,
        r#"{"type":"string","enum":["a"]}"#,
        "a closed enum, was open",
        true,
        true,
    ),
    (
        r#"{"type":"string","default":"a"}"#,
        r#"{"type":"string","default":"b"}"#,
        "default \"b\", was \"a\"",
        true,
        false,
    ),
    (r#"{"type":"string"}"#, r#"{"type":"string","default":"b"}"#, "default \"b\", had none", false, false),
    (r#"{"type":"string"}"#, r#"{"type":"string","deprecated":true}"#, "deprecated true, had none", false, false),
    (
        r#"{"oneOf":[{"type":"string"},{"type":"boolean"}]}"#,
        r#"{"oneOf":[{"type":"string"},{"type":"boolean"},{"type":"integer"}]}"#,
        "new alternative integer",
        false,
        true,
    ),
    (
        r#"{"type":"object"}"#,
        r#"{"type":"object","additionalProperties":false}"#,
        "additionalProperties false, had none",
        true,
        true,
    ),
];

#[test]
fn what_breaks_depends_on_the_direction() {
    for (before, after, said, sent, read) in RULES {
        let [before, after] = [before, after].map(|field| with_field(&serde_json::from_str(field).unwrap(), json!([])));
        let verdict = |breaks| if breaks { "BREAKS" } else { "ok    " };
        let expected = [
            format!("{}  generateApiKey, request, planted: {said}", verdict(*sent)),
            format!("{}  generateApiKey, answer 201, planted: {said}", verdict(*read)),
        ];
        let found = revisions(&before, &after);
        assert_eq!(found.differences(), expected, "{}", found.errors);
        found.assert_status_fits();
    }
}

#[test]
fn what_is_required_depends_on_the_direction() {
    let field = json!({ "type": "string" });
    let [optional, required] = [json!([]), json!(["planted"])].map(|required| with_field(&field, required));
    let found = revisions(&optional, &required);
    let expected = [
        "BREAKS  generateApiKey, request, planted: required, was optional",
        "ok      generateApiKey, answer 201, planted: required, was optional",
    ];
    assert_eq!(found.differences(), expected);
    let found = revisions(&required, &optional);
    let expected = [
        "ok      generateApiKey, request, planted: optional, was required",
        "BREAKS  generateApiKey, answer 201, planted: optional, was required",
    ];
    assert_eq!(found.differences(), expected);
}

/// Our spec with one more field in what `generateApiKey` sends and reads.
fn with_field(field: &Value, required: Value) -> Value {
    let mut spec = crate::ours();
    for schema in ["GenerateApiKeyRequest", "GenerateApiKeyResponse"] {
        let schema = &mut spec["components"]["schemas"][schema];
        schema["properties"]["planted"] = field.clone();
        schema["required"].as_array_mut().unwrap().extend(required.as_array().unwrap().clone());
    }
    spec
}
