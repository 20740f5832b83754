//! Two spellings of one thing are no difference.

use serde_json::json;

use crate::description;
use crate::service::service;

#[test]
fn the_spelling_of_null_parts_and_bounds_does_not_matter() {
    let mut service = service();
    service["openapi"] = json!("3.1.0");
    let schemas = &mut service["components"]["schemas"];
    schemas["CreateApiKeyResponse"]["properties"]["warning"] = json!({ "type": ["string", "null"] });
    schemas["GenerateApiKeyResponse"]["properties"]["warning"] =
        json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] });
    schemas["ApiKey"]["properties"]["subaccount"] =
        json!({ "oneOf": [{ "type": "null" }, { "type": "integer", "minimum": 0.0, "maximum": 63 }] });
    schemas["ApiKey"]["properties"]["fcm_subtrader_id"] =
        json!({ "$ref": "#/components/schemas/Text", "nullable": true });
    schemas["Text"] = json!({ "type": "string", "title": "T", "deprecated": false, "minLength": 0 });
    schemas["Ts"] = json!({ "type": "integer", "nullable": true, "format": "int64" });
    schemas["ListKeys200"] = json!({ "allOf": [
        { "type": "object", "required": ["api_keys"] },
        { "properties": { "api_keys": { "type": "array", "items": { "$ref": "#/components/schemas/ApiKey" } } } },
        { "properties": { "api_key_region_expiration_ts": { "$ref": "#/components/schemas/Ts" } } },
    ], "additionalProperties": true });
    let found = description(&service);
    assert_eq!((found.status, found.differences()), (0, &[][..]), "{}", found.errors);
}

#[test]
fn statuses_without_quotes_and_bodies_by_reference_are_read() {
    let mut service = service();
    let body = service["paths"]["/api_keys"]["post"]["requestBody"].take();
    service["paths"]["/api_keys"]["post"]["requestBody"] = json!({ "$ref": "#/components/requestBodies/New" });
    service["components"]["requestBodies"] = json!({ "New": body });
    let item = service["paths"]["/api_keys"].take();
    service["paths"]["/api_keys"] = json!({ "$ref": "#/components/x-items/~1keys" });
    service["components"]["x-items"] = json!({ "/keys": item });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.yaml");
    std::fs::write(&path, service.to_string().replace("\"200\":", "200: ").replace("\"401\":", "401: ")).unwrap();
    let found = crate::description_at(&path);
    assert_eq!((found.status, found.differences()), (0, &[][..]), "{}", found.errors);
}

/// A schema that holds itself ends, and is the same under another name.
#[test]
fn a_schema_that_holds_itself_is_compared() {
    let mut service = service();
    let schemas = &mut service["components"]["schemas"];
    schemas["ApiKey"]["properties"]["parent"] = json!({ "$ref": "#/components/schemas/ApiKey" });
    let found = description(&service);
    assert_eq!(found.differences(), ["ok      getApiKeys, answer 200, api_keys[].parent: new and optional"]);
}
