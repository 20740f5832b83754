//! A full description as the service might publish it: our spec's facts in another hand.

use serde_json::{Value, json};

use crate::ours;

/// Our spec without what only we say, under other names, partly inlined, among other operations.
pub fn service() -> Value {
    let mut spec = ours();
    as_the_service_writes(&mut spec);
    let schemas = spec["components"]["schemas"].as_object_mut().unwrap();
    schemas.retain(|name, _| name != "ErrorResponse");
    for (name, keyword) in [("ApiKeyName", "minLength"), ("ApiKeyId", "minLength"), ("FcmSubtraderId", "pattern")] {
        assert!(schemas[name].as_object_mut().unwrap().remove(keyword).is_some());
    }
    for name in ["CreateApiKeyRequest", "GenerateApiKeyRequest"] {
        schemas[name]["required"].as_array_mut().unwrap().retain(|field| field != "scopes");
    }
    let key_type = &mut schemas["GenerateApiKeyRequest"]["properties"]["key_type"];
    assert!(key_type.as_object_mut().unwrap().remove("default").is_some());
    for name in ["ApiKeyId", "ApiKeyName", "FcmSubtraderId", "PrivateKeyPem", "Subaccount"] {
        inline(&mut spec, name);
    }
    // The names go as text: keys and references alike.
    let mut text = spec.to_string();
    for (ours, theirs) in [
        ("ApiKeyScope", "Scope"),
        ("ApiKeyType", "model.KeyType"),
        ("GetApiKeysResponse", "ListKeys200"),
        ("kalshiAccess", "kalshi-"),
        ("\"getApiKeys\"", "\"GetApiKeys\""),
        ("\"generateApiKey\"", "\"GenerateApiKey\""),
    ] {
        assert!(text.contains(ours));
        text = text.replace(ours, theirs);
    }
    let mut service: Value = serde_json::from_str(&text).unwrap();
    service["servers"] = json!([{ "url": "https://example.com/trade-api/v2" }]);
    service["paths"]["/portfolio/orders"] = json!({ "post": {
        "operationId": "CreateOrder",
        "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Order" } } } },
        "responses": { "201": { "description": "" } },
    } });
    service["paths"]["/api_keys_of_others"] = json!({ "get": { "operationId": "GetOthers", "responses": {} } });
    // What our operations do not reach may be broken.
    service["components"]["schemas"]["Order"] = json!({ "properties": {
        "parent": { "$ref": "#/components/schemas/Order" },
        "side": { "$ref": "#/nowhere" },
    } });
    service
}

/// Errors without a body or a range, no extension of ours, other words.
fn as_the_service_writes(part: &mut Value) {
    match part {
        Value::Array(items) => items.iter_mut().for_each(as_the_service_writes),
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with("x-") && !matches!(name.as_str(), "example" | "4XX" | "5XX"));
            for (name, member) in members.iter_mut() {
                match name.as_str() {
                    "400" | "401" | "403" | "404" | "409" | "500" => *member = json!({ "description": "Refused" }),
                    "description" => *member = json!("In other words"),
                    _ => as_the_service_writes(member),
                }
            }
            if members.contains_key("enum") {
                members.insert("x-enum-varnames".to_owned(), json!(["A", "B"]));
            }
        }
        _ => {}
    }
}

fn inline(spec: &mut Value, name: &str) {
    fn replace(part: &mut Value, reference: &str, schema: &Value) {
        if part["$ref"] == reference {
            *part = schema.clone();
        }
        match part {
            Value::Array(items) => items.iter_mut().for_each(|item| replace(item, reference, schema)),
            Value::Object(members) => members.values_mut().for_each(|member| replace(member, reference, schema)),
            _ => {}
        }
    }
    let schema = spec["components"]["schemas"].as_object_mut().unwrap().remove(name).unwrap();
    replace(spec, &format!("#/components/schemas/{name}"), &schema);
}
