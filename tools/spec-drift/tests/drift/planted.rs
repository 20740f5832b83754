//! Each difference planted in the service's description is found, alone and beside all others.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::description;
use crate::service::service;

#[test]
fn a_description_that_says_the_same_has_no_difference() {
    let found = description(&service());
    assert_eq!((found.status, found.differences()), (0, &[][..]), "{}", found.errors);
    let said = "0 differences, 0 breaking, 9 deliberate ones left out: ";
    assert!(
        found.lines[0].starts_with(said),
        "every entry of the list of deliberate ones is needed: {}",
        found.lines[0]
    );
}

#[test]
fn each_planted_difference_is_found_alone() {
    for (name, plant, expected) in PLANTED {
        let mut planted = service();
        plant(&mut planted);
        let found = description(&planted);
        assert_eq!(found.differences(), *expected, "{name}\n{}", found.errors);
        found.assert_status_fits();
    }
}

#[test]
fn all_planted_differences_are_found_together() {
    let mut planted = service();
    PLANTED.iter().for_each(|(_, plant, _)| plant(&mut planted));
    let found = description(&planted);
    found.assert_status_fits();
    let expected: BTreeSet<_> = PLANTED.iter().flat_map(|(.., lines)| *lines).copied().collect();
    assert_eq!(found.differences().iter().map(String::as_str).collect::<BTreeSet<_>>(), expected);
    assert_eq!(found.differences().len(), expected.len(), "each once");
}

#[test]
fn json_says_what_the_lines_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    let mut planted = service();
    schema(&mut planted, "CreateApiKeyRequest")["properties"]["name"]["maxLength"] = json!(64);
    std::fs::write(&path, planted.to_string()).unwrap();
    let found = crate::run(["description", path.to_str().unwrap(), "--json", "--ours", crate::OURS]);
    let said: Value = serde_json::from_str(&found.lines.concat()).unwrap();
    assert_eq!((found.status, &said["breaking"], &said["left_out"]), (2, &json!(1), &json!(9)));
    let expected = json!([{
        "breaks": true, "operation": "createApiKey", "part": "request", "field": "name",
        "keyword": "maxLength", "text": "maxLength 64, had none",
    }]);
    assert_eq!(said["differences"], expected);
}

fn schema<'a>(service: &'a mut Value, name: &str) -> &'a mut Value {
    &mut service["components"]["schemas"][name]
}

fn operation<'a>(service: &'a mut Value, method: &str, path: &str) -> &'a mut Value {
    &mut service["paths"][path][method]
}

fn remove(part: &mut Value, member: &str) -> Value {
    part.as_object_mut().unwrap().remove(member).unwrap()
}

/// A difference, how the service's description is edited, and the lines it makes.
type Planted = (&'static str, fn(&mut Value), &'static [&'static str]);

const PLANTED: &[Planted] = &[
    (
        "a new operation",
        |s| *operation(s, "patch", "/api_keys/{api_key}") = json!({ "operationId": "RenameApiKey", "responses": {} }),
        &["ok      RenameApiKey: new, PATCH /api_keys/{api_key}"],
    ),
    (
        "a new header in every signature, under security of the whole document",
        |s| {
            let security = remove(operation(s, "get", "/api_keys"), "security");
            s["security"] = security;
            s["security"][0]["nonce"] = json!([]);
            s["components"]["securitySchemes"]["nonce"] =
                json!({ "type": "apiKey", "in": "header", "name": "Kalshi-Access-Nonce" });
        },
        &[
            "BREAKS  getApiKeys: no longer signed by header KALSHI-ACCESS-KEY, header KALSHI-ACCESS-SIGNATURE, header KALSHI-ACCESS-TIMESTAMP",
            "ok      getApiKeys: signed by header KALSHI-ACCESS-KEY, header KALSHI-ACCESS-NONCE, header KALSHI-ACCESS-SIGNATURE, header KALSHI-ACCESS-TIMESTAMP",
        ],
    ),
    (
        "a parameter of the whole path",
        |s| {
            s["paths"]["/api_keys"]["parameters"] =
                json!([{ "in": "query", "name": "cursor", "schema": { "type": "string" } }])
        },
        &["ok      createApiKey, query cursor: new and optional", "ok      getApiKeys, query cursor: new and optional"],
    ),
    (
        "a required parameter",
        |s| {
            let parameters = operation(s, "delete", "/api_keys/{api_key}")["parameters"].as_array_mut().unwrap();
            parameters.push(json!({ "in": "query", "name": "reason", "required": true }));
        },
        &["BREAKS  deleteApiKey, query reason: new and required"],
    ),
    (
        "a parameter that becomes required",
        |s| operation(s, "get", "/api_keys")["parameters"][0]["required"] = json!(true),
        &["BREAKS  getApiKeys, query fcm_subtrader_id: required, was optional"],
    ),
    (
        "another pattern than ours, which is deliberate only where the service has none",
        |s| operation(s, "get", "/api_keys")["parameters"][0]["schema"]["pattern"] = json!("^x$"),
        &[r#"BREAKS  getApiKeys, query fcm_subtrader_id: pattern "^x$", was "^[^\\r\\n]+_[A-Za-z0-9]{1,16}$""#],
    ),
    (
        "another format",
        |s| operation(s, "delete", "/api_keys/{api_key}")["parameters"][0]["schema"]["format"] = json!("uuid"),
        &[r#"BREAKS  deleteApiKey, path api_key: format "uuid", had none"#],
    ),
    (
        "another success",
        |s| {
            let responses = &mut operation(s, "post", "/api_keys/generate")["responses"];
            responses["200"] = remove(responses, "201");
        },
        &["BREAKS  generateApiKey, answer 201: status 200, was 201"],
    ),
    (
        "a new error",
        |s| operation(s, "get", "/api_keys")["responses"]["429"] = json!({ "description": "" }),
        &["ok      getApiKeys, answer 429: new, an error"],
    ),
    (
        "an error gone",
        |s| drop(remove(&mut operation(s, "post", "/api_keys")["responses"], "409")),
        &["ok      createApiKey, answer 409: gone"],
    ),
    (
        "a required field",
        |s| {
            let schema = schema(s, "CreateApiKeyRequest");
            schema["properties"]["expires_ts"] = json!({ "type": "integer" });
            schema["required"].as_array_mut().unwrap().push(json!("expires_ts"));
        },
        &["BREAKS  createApiKey, request, expires_ts: new and required"],
    ),
    (
        "an optional field",
        |s| schema(s, "GenerateApiKeyRequest")["properties"]["note"] = json!({ "type": "string" }),
        &["ok      generateApiKey, request, note: new and optional"],
    ),
    (
        "a field gone from a request",
        |s| drop(remove(&mut schema(s, "CreateApiKeyRequest")["properties"], "fcm_subtrader_id")),
        &["BREAKS  createApiKey, request, fcm_subtrader_id: gone"],
    ),
    (
        "a narrower bound",
        |s| schema(s, "GenerateApiKeyRequest")["properties"]["subaccount"]["maximum"] = json!(31),
        &["BREAKS  generateApiKey, request, subaccount: maximum 31, was 63"],
    ),
    (
        "a wider bound",
        |s| schema(s, "CreateApiKeyRequest")["properties"]["subaccount"]["maximum"] = json!(127),
        &["ok      createApiKey, request, subaccount: maximum 127, was 63"],
    ),
    (
        "a new length",
        |s| schema(s, "CreateApiKeyRequest")["properties"]["name"]["maxLength"] = json!(64),
        &["BREAKS  createApiKey, request, name: maxLength 64, had none"],
    ),
    (
        "another default",
        |s| schema(s, "GenerateApiKeyRequest")["properties"]["key_type"]["default"] = json!("ed25519"),
        &[r#"BREAKS  generateApiKey, request, key_type: default "ed25519", was "rsa""#],
    ),
    (
        "a value that open enums do not list yet",
        |s| schema(s, "Scope")["enum"].as_array_mut().unwrap().push(json!("write::rfq")),
        &[
            r#"ok      createApiKey, request, scopes[]: new value "write::rfq""#,
            r#"ok      generateApiKey, request, scopes[]: new value "write::rfq""#,
            r#"ok      getApiKeys, answer 200, api_keys[].scopes[]: new value "write::rfq""#,
        ],
    ),
    (
        "a value gone",
        |s| schema(s, "model.KeyType")["enum"] = json!(["ed25519"]),
        &[
            r#"BREAKS  generateApiKey, request, key_type: gone: value "rsa""#,
            r#"ok      generateApiKey, answer 201, key_type: gone: value "rsa""#,
        ],
    ),
    (
        "a field gone from an answer",
        |s| drop(remove(&mut schema(s, "ListKeys200")["properties"], "api_key_region_expiration_ts")),
        &["BREAKS  getApiKeys, answer 200, api_key_region_expiration_ts: gone"],
    ),
    (
        "a field that may now be absent",
        |s| schema(s, "ApiKey")["required"] = json!(["api_key_id", "scopes"]),
        &["BREAKS  getApiKeys, answer 200, api_keys[].name: optional, was required"],
    ),
    (
        "a field that may now be null",
        |s| schema(s, "GenerateApiKeyResponse")["properties"]["private_key"]["nullable"] = json!(true),
        &["BREAKS  generateApiKey, answer 201, private_key: may be null, was never null"],
    ),
    (
        "a field that is no longer null",
        |s| drop(remove(&mut schema(s, "ApiKey")["properties"]["fcm_subtrader_id"], "nullable")),
        &["ok      getApiKeys, answer 200, api_keys[].fcm_subtrader_id: never null, could be null"],
    ),
    (
        "another type",
        |s| schema(s, "CreateApiKeyResponse")["properties"]["api_key_id"]["type"] = json!("integer"),
        &["BREAKS  createApiKey, answer 201, api_key_id: integer, was string"],
    ),
    (
        "a new field in an answer",
        |s| schema(s, "ApiKey")["properties"]["created_ts"] = json!({ "type": "integer" }),
        &["ok      getApiKeys, answer 200, api_keys[].created_ts: new and optional"],
    ),
    (
        "a wider bound of an answer",
        |s| schema(s, "ApiKey")["properties"]["subaccount"]["allOf"][0]["maximum"] = json!(127),
        &["ok      getApiKeys, answer 200, api_keys[].subaccount: maximum 127, was 63"],
    ),
    (
        "a keyword that the tool does not know",
        |s| schema(s, "CreateApiKeyRequest")["dependentRequired"] = json!({ "name": ["scopes"] }),
        &[r#"BREAKS  createApiKey, request: dependentRequired {"name":["scopes"]}, had none"#],
    ),
];

/// These would hide others, so each stands alone.
#[test]
fn an_operation_gone_moved_or_renamed_breaks() {
    let mut gone = service();
    remove(&mut gone["paths"], "/api_keys/generate");
    assert_eq!(description(&gone).differences(), ["BREAKS  generateApiKey: gone, was POST /api_keys/generate"]);

    let mut moved = service();
    let item = remove(&mut moved["paths"], "/api_keys/generate");
    moved["paths"]["/keys"] = json!({ "put": item["post"] });
    assert_eq!(description(&moved).differences(), ["BREAKS  generateApiKey: PUT /keys, was POST /api_keys/generate"]);

    let mut renamed = service();
    operation(&mut renamed, "get", "/api_keys")["operationId"] = json!("ListApiKeys");
    let expected = ["BREAKS  getApiKeys: called ListApiKeys, which renames the client's method"];
    assert_eq!(description(&renamed).differences(), expected);

    let mut parameter = service();
    let mut item = remove(&mut parameter["paths"], "/api_keys/{api_key}");
    item["delete"]["parameters"][0]["name"] = json!("id");
    parameter["paths"]["/api_keys/{id}"] = item;
    let expected = ["BREAKS  deleteApiKey, path api_key: called id, which renames the builder's setter"];
    assert_eq!(description(&parameter).differences(), expected);
}
