//! Checks the OpenAPI description against the service's documentation, and hand-written code
//! against the description.
//!
//! The tables of expected values are an independent transcription of the documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use heck::ToSnakeCase;
use kalshi_api_keys::types::{ApiKeyId, ApiKeyScope, ApiKeyType, Subaccount};
use kalshi_api_keys::{Client, Credentials, Environment, Error, KeyAlgorithm, KeyPair, Signer};
use serde_json::{Value, json};

use crate::build_script;

/// Reads the OpenAPI description from the repository.
pub fn spec() -> Value {
    let yaml = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/openapi/api_keys.yaml"
    ))
    .unwrap();
    build_script::read(&yaml).unwrap()
}

/// Returns a validator for a schema of the OpenAPI description.
pub fn validator(spec: &Value, schema: &Value) -> jsonschema::Validator {
    let mut document = json_schema(schema);
    document["components"] = json_schema(&spec["components"]);
    jsonschema::validator_for(&document).unwrap()
}

/// Converts an OpenAPI 3.0 schema to JSON Schema; of the keywords in use, only `nullable` differs.
fn json_schema(part: &Value) -> Value {
    match part {
        Value::Object(members) => {
            let same = members.iter().filter(|(name, _)| *name != "nullable");
            let same: Value = same
                .map(|(name, value)| (name.clone(), json_schema(value)))
                .collect();
            if part["nullable"] == true {
                json!({ "anyOf": [{ "type": "null" }, same] })
            } else {
                same
            }
        }
        Value::Array(items) => items.iter().map(json_schema).collect(),
        other => other.clone(),
    }
}

pub fn resolve<'a>(spec: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(reference) => spec.pointer(reference.trim_start_matches('#')).unwrap(),
        None => part,
    }
}

// ---- operations ----

/// An operation as documented. Bodies are `media type: schema`; each status has a part of its
/// description.
struct Operation {
    id: &'static str,
    method_and_path: &'static str,
    request_body: Option<&'static str>,
    response_body: Option<&'static str>,
    documented: &'static [(&'static str, &'static str)],
    newer: &'static [(&'static str, &'static str)],
    parameters: &'static [&'static str],
}

const OPERATIONS: [Operation; 4] = [
    Operation {
        id: "createApiKey",
        method_and_path: "post /api_keys",
        request_body: Some("application/json: CreateApiKeyRequest"),
        response_body: Some("application/json: CreateApiKeyResponse"),
        documented: &[
            ("201", "created"),
            ("400", "invalid"),
            ("401", "Authentication failed"),
            ("403", "usage level"),
            ("500", "Internal"),
        ],
        newer: &[("409", "not yet visible"), ("429", "budget")],
        parameters: &[],
    },
    Operation {
        id: "deleteApiKey",
        method_and_path: "delete /api_keys/{api_key}",
        request_body: None,
        response_body: None,
        documented: &[
            ("204", "deleted"),
            ("400", "key ID is invalid"),
            ("401", "Authentication failed"),
            ("404", "no key with this ID"),
            ("500", "Internal"),
        ],
        newer: &[("403", "may not manage keys"), ("429", "budget")],
        parameters: &["api_key in path, required: ApiKeyId"],
    },
    Operation {
        id: "generateApiKey",
        method_and_path: "post /api_keys/generate",
        request_body: Some("application/json: GenerateApiKeyRequest"),
        response_body: Some("application/json: GenerateApiKeyResponse"),
        documented: &[
            ("201", "generated"),
            ("400", "invalid"),
            ("401", "Authentication failed"),
            ("500", "Internal"),
        ],
        newer: &[
            ("403", "FCM member"),
            ("409", "not yet visible"),
            ("429", "budget"),
        ],
        parameters: &[],
    },
    Operation {
        id: "getApiKeys",
        method_and_path: "get /api_keys",
        request_body: None,
        response_body: Some("application/json: GetApiKeysResponse"),
        documented: &[
            ("200", "keys of the account"),
            ("401", "Authentication failed"),
            ("500", "Internal"),
        ],
        newer: &[("403", "may not manage keys"), ("429", "budget")],
        parameters: &["fcm_subtrader_id in query, optional: FcmSubtraderId"],
    },
];

/// Returns the operations by `method path`.
fn operations(spec: &Value) -> BTreeMap<String, &Value> {
    let paths = spec["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    operations.collect()
}

/// Returns each media type of a body with a summary of its schema.
fn content(body: &Value) -> Option<String> {
    let content = body["content"].as_object()?.iter();
    let content =
        content.map(|(media_type, media)| format!("{media_type}: {}", summary(&media["schema"])));
    Some(content.collect::<Vec<_>>().join(", "))
}

#[test]
fn operations_match_the_documentation() {
    let spec = spec();
    let found = operations(&spec);
    // Operations that are not listed here are allowed, so that adding one only takes an edit of the
    // description.
    for expected in OPERATIONS {
        let found = found[expected.method_and_path];
        let id = expected.id;
        assert_eq!(found["operationId"], id);
        assert_eq!(
            content(&found["requestBody"]).as_deref(),
            expected.request_body,
            "request body of {id}"
        );
        assert_eq!(
            found["requestBody"].is_object(),
            found["requestBody"]["required"] == true,
            "{id}'s request body"
        );

        let parameters = found["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| {
                let presence = if parameter["required"] == true {
                    "required"
                } else {
                    "optional"
                };
                let (name, location) = (
                    parameter["name"].as_str().unwrap(),
                    parameter["in"].as_str().unwrap(),
                );
                format!(
                    "{name} in {location}, {presence}: {}",
                    summary(&parameter["schema"])
                )
            });
        assert_eq!(
            parameters.collect::<Vec<_>>(),
            expected.parameters,
            "parameters of {id}"
        );

        let security = json!([{ "kalshiAccessSignature": [], "kalshiAccessKey": [], "kalshiAccessTimestamp": [] }]);
        assert_eq!(found["security"], security, "security of {id}");

        let responses = found["responses"].as_object().unwrap();
        let statuses = expected.documented.iter().chain(expected.newer);
        let expected_statuses = statuses
            .clone()
            .map(|(status, _)| *status)
            .chain(["4XX", "5XX"])
            .collect::<BTreeSet<_>>();
        assert_eq!(
            responses
                .keys()
                .map(String::as_str)
                .collect::<BTreeSet<_>>(),
            expected_statuses,
            "statuses of {id}"
        );
        for (status, meaning) in statuses {
            let response = resolve(&spec, &responses[*status]);
            let description = response["description"].as_str().unwrap();
            assert!(
                description.contains(meaning),
                "{id} {status}: {description}"
            );
            let error = Some("application/json: ErrorResponse");
            let body = if status.starts_with('2') {
                expected.response_body
            } else {
                error
            };
            assert_eq!(
                content(response).as_deref(),
                body,
                "body of the {status} response of {id}"
            );
        }
    }
}

#[test]
fn servers_and_security_schemes_match_the_documentation() {
    let spec = spec();
    let servers = spec["servers"].as_array().unwrap().iter();
    let servers = servers.map(|s| {
        (
            s["x-environment"].as_str().unwrap(),
            s["url"].as_str().unwrap(),
        )
    });
    let expected = [
        ("production", "https://external-api.kalshi.com/trade-api/v2"),
        (
            "production",
            "https://api.elections.kalshi.com/trade-api/v2",
        ),
        ("demo", "https://external-api.demo.kalshi.co/trade-api/v2"),
        ("demo", "https://demo-api.kalshi.co/trade-api/v2"),
    ];
    assert_eq!(servers.collect::<Vec<_>>(), expected);

    let schemes = spec["components"]["securitySchemes"]
        .as_object()
        .unwrap()
        .iter();
    let mut schemes: Vec<_> = schemes
        .map(|(name, s)| json!([name, s["type"], s["in"], s["name"]]))
        .collect();
    schemes.sort_by_key(Value::to_string);
    let expected = [
        json!(["kalshiAccessKey", "apiKey", "header", "KALSHI-ACCESS-KEY"]),
        json!([
            "kalshiAccessSignature",
            "apiKey",
            "header",
            "KALSHI-ACCESS-SIGNATURE"
        ]),
        json!([
            "kalshiAccessTimestamp",
            "apiKey",
            "header",
            "KALSHI-ACCESS-TIMESTAMP"
        ]),
    ];
    assert_eq!(schemes, expected);
}

// ---- schemas ----

/// Every field of every object schema, with `*` if required, and a summary of its schema.
const FIELDS: [&str; 26] = [
    "ApiKey.api_key_id*: string",
    "ApiKey.fcm_subtrader_id: string, nullable",
    // Deliberately neither required nor never null: SDKs guard against null.
    "ApiKey.name: string, nullable",
    "ApiKey.scopes: array of ApiKeyScope, nullable",
    "ApiKey.subaccount: Subaccount, nullable",
    "CreateApiKeyRequest.fcm_subtrader_id: FcmSubtraderId",
    "CreateApiKeyRequest.name*: ApiKeyName",
    "CreateApiKeyRequest.public_key*: PublicKeyPem",
    // Deliberately required: the service grants full access by default.
    "CreateApiKeyRequest.scopes*: ApiKeyScopes",
    "CreateApiKeyRequest.subaccount: Subaccount",
    "CreateApiKeyResponse.api_key_id*: string",
    "CreateApiKeyResponse.warning: string, nullable",
    "ErrorResponse.code: string",
    "ErrorResponse.details: string",
    "ErrorResponse.message: string",
    "GenerateApiKeyRequest.fcm_subtrader_id: FcmSubtraderId",
    r#"GenerateApiKeyRequest.key_type: ApiKeyType, default "rsa""#,
    "GenerateApiKeyRequest.name*: ApiKeyName",
    "GenerateApiKeyRequest.scopes*: ApiKeyScopes",
    "GenerateApiKeyRequest.subaccount: Subaccount",
    "GenerateApiKeyResponse.api_key_id*: string",
    "GenerateApiKeyResponse.key_type: ApiKeyType",
    "GenerateApiKeyResponse.private_key*: PrivateKeyPem",
    "GenerateApiKeyResponse.warning: string, nullable",
    "GetApiKeysResponse.api_key_region_expiration_ts: integer, format \"int64\", nullable",
    "GetApiKeysResponse.api_keys*: array of ApiKey",
];

/// Every schema that is not an object.
const VALUES: [&str; 10] = [
    "ApiKeyId: string, minLength 1",
    "ApiKeyName: string, minLength 1",
    r#"ApiKeyScope: string, enum ["read","write","read::block_trade_accept","read::portfolio_balance","write::trade","write::transfer","write::fcm_risk","write::block_trade_accept"], open"#,
    "ApiKeyScopes: array of ApiKeyScope, minItems 1",
    r#"ApiKeyType: string, enum ["rsa","ed25519"], open"#,
    r#"FcmSubtraderId: string, pattern "^[^\\r\\n]+_[A-Za-z0-9]{1,16}$""#,
    "PrivateKeyPem: string",
    "PublicKeyPem: string",
    "Subaccount: integer, maximum 63, minimum 0",
    "UndocumentedValue: anything",
];

/// Summarizes a schema: its type or the schema that it refers to, and every keyword that changes
/// what it accepts.
fn summary(schema: &Value) -> String {
    let reference = schema["$ref"]
        .as_str()
        .or(schema["allOf"][0]["$ref"].as_str());
    let kind = match reference {
        Some(reference) => reference
            .trim_start_matches("#/components/schemas/")
            .to_owned(),
        None if schema["type"] == "array" => format!("array of {}", summary(&schema["items"])),
        None => schema["type"].as_str().unwrap_or("anything").to_owned(),
    };
    let ignored = [
        "$ref",
        "allOf",
        "items",
        "type",
        "description",
        "example",
        "properties",
        "required",
        "additionalProperties",
    ];
    let members = schema
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !ignored.contains(&name.as_str()));
    let members = members.map(|(name, value)| match name.as_str() {
        "nullable" if *value == true => ", nullable".to_owned(),
        "x-open-enum" if *value == true => ", open".to_owned(),
        _ => format!(", {name} {value}"),
    });
    kind + &members
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect::<String>()
}

#[test]
fn schemas_match_the_documentation() {
    let spec = spec();
    let (mut fields, mut values) = (BTreeSet::new(), BTreeSet::new());
    for (name, schema) in spec["components"]["schemas"].as_object().unwrap() {
        if schema["type"] != "object" {
            values.insert(format!("{name}: {}", summary(schema)));
            continue;
        }
        // No keyword other than `properties` and `required` restricts an object.
        assert_eq!(summary(schema), "object", "{name}");
        let required: Vec<_> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        for (field, property) in schema["properties"].as_object().unwrap() {
            let marker = if required.iter().any(|name| **name == *field) {
                "*"
            } else {
                ""
            };
            fields.insert(format!("{name}.{field}{marker}: {}", summary(property)));
        }
    }
    let missing = |documented: &[&'static str], found: &BTreeSet<String>| -> Vec<_> {
        documented
            .iter()
            .copied()
            .filter(|line| !found.contains(*line))
            .collect()
    };
    assert_eq!(
        missing(&FIELDS, &fields),
        [""; 0],
        "the spec has {fields:#?}"
    );
    assert_eq!(
        missing(&VALUES, &values),
        [""; 0],
        "the spec has {values:#?}"
    );
}

// ---- hand-written code ----

#[test]
fn subaccount_has_the_range_of_the_spec() {
    let schema = &spec()["components"]["schemas"]["Subaccount"];
    assert_eq!(schema["maximum"], Subaccount::MAX);
    assert_eq!(schema["minimum"], Subaccount::try_from(0).unwrap().get());
    assert!(Subaccount::try_from(Subaccount::MAX).is_ok());
    assert!(Subaccount::try_from(Subaccount::MAX + 1).is_err());
}

#[test]
fn api_key_id_has_the_minimum_length_of_the_spec() {
    let min = spec()["components"]["schemas"]["ApiKeyId"]["minLength"]
        .as_u64()
        .unwrap() as usize;
    assert!(ApiKeyId::try_from("x".repeat(min)).is_ok());
    assert!(ApiKeyId::try_from("x".repeat(min - 1)).is_err());
}

/// The error contains the message of `InvalidApiKeyId`, and nothing is sent.
#[test]
fn invalid_api_key_id_is_rejected_with_a_reason() {
    let pair = KeyPair::generate(KeyAlgorithm::Ed25519).unwrap();
    let credentials =
        Credentials::from_pem("id", pair.private_key_pem().unwrap().expose_secret()).unwrap();
    let client = Client::new(Environment::Demo, credentials).unwrap();
    let request = pin!(client.delete_api_key().api_key("..").send());
    // The first poll completes the future, so no runtime is needed.
    let Poll::Ready(result) = request.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it was sent")
    };
    let Err(Error::InvalidRequest(reason)) = result else {
        panic!("{result:?}")
    };
    assert_eq!(
        reason,
        format!("invalid api_key: {}", ApiKeyId::try_from("..").unwrap_err())
    );
}

#[test]
fn open_enums_know_the_values_of_the_spec() {
    let spec = spec();
    let values = |schema: &str| spec["components"]["schemas"][schema]["enum"].clone();
    assert_eq!(json!(ApiKeyScope::KNOWN), values("ApiKeyScope"));
    assert_eq!(json!(ApiKeyType::KNOWN), values("ApiKeyType"));
}

#[test]
fn environments_are_the_first_servers_of_the_spec() {
    let spec = spec();
    for (name, environment) in [
        ("production", Environment::Production),
        ("demo", Environment::Demo),
    ] {
        let first = spec["servers"]
            .as_array()
            .unwrap()
            .iter()
            .find(|server| server["x-environment"] == name)
            .unwrap();
        assert_eq!(environment.base_url().as_str(), first["url"]);
    }
}

#[test]
fn signed_headers_match_the_security_schemes_of_the_spec() {
    let pair = KeyPair::generate(KeyAlgorithm::Ed25519).unwrap();
    let credentials =
        Credentials::from_pem("id", pair.private_key_pem().unwrap().expose_secret()).unwrap();
    let headers = Signer::new(credentials)
        .headers(&http::Method::GET, "/trade-api/v2/api_keys")
        .unwrap();
    let sent: BTreeSet<_> = headers
        .into_iter()
        .map(|(name, _)| name.as_str().to_ascii_uppercase())
        .collect();

    let spec = spec();
    let schemes = spec["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(
        sent,
        schemes
            .values()
            .map(|scheme| scheme["name"].as_str().unwrap().to_owned())
            .collect()
    );
}

// ---- examples ----

/// Returns every example of the OpenAPI description: its location, its schema, and the example.
fn examples(spec: &Value) -> Vec<(String, &Value, &Value)> {
    let schemas = spec["components"]["schemas"].as_object().unwrap().iter();
    let mut examples: Vec<_> = schemas
        .map(|(name, schema)| (format!("schema {name}"), schema, &schema["example"]))
        .collect();
    for (request, operation) in operations(spec) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            examples.push((
                format!("{request} {}", parameter["name"]),
                &parameter["schema"],
                &parameter["example"],
            ));
        }
        let responses = operation["responses"].as_object().unwrap().iter();
        let bodies = responses.map(|(status, response)| (status.as_str(), resolve(spec, response)));
        for (what, body) in bodies.chain([("request", &operation["requestBody"])]) {
            for content in body["content"]
                .as_object()
                .into_iter()
                .flat_map(|content| content.values())
            {
                examples.push((
                    format!("{request} {what}"),
                    &content["schema"],
                    &content["example"],
                ));
            }
        }
    }
    examples
}

#[test]
fn every_schema_parameter_and_body_has_a_valid_example() {
    let spec = spec();
    let examples = examples(&spec);
    for request in OPERATIONS.map(|operation| operation.method_and_path) {
        assert!(
            examples
                .iter()
                .any(|(location, ..)| location.starts_with(request)),
            "{request} has no example"
        );
    }
    for (location, schema, example) in examples {
        assert!(!example.is_null(), "{location} has no example");
        if let Err(error) = validator(&spec, schema).validate(example) {
            panic!("example of {location}: {error}");
        }
    }
}

#[test]
fn method_documentation_contains_the_descriptions_of_the_spec() {
    let spec = spec();
    let code = syn::parse_file(include_str!(concat!(env!("OUT_DIR"), "/client.rs"))).unwrap();
    for (request, operation) in operations(&spec) {
        let id = operation["operationId"].as_str().unwrap();
        let documentation = documentation(&code, &id.to_snake_case());
        let assert_contains = |text: &str| {
            assert!(
                documentation.contains(text),
                "documentation of {request} lacks {text:?}:\n{documentation}"
            );
        };
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let descriptions = parameters.map(|parameter| &parameter["description"]);
        for text in [&operation["summary"], &operation["description"]]
            .into_iter()
            .chain(descriptions)
        {
            assert_contains(text.as_str().unwrap());
        }
    }
}

/// Returns the doc comment of a method of `impl Client`.
fn documentation(code: &syn::File, name: &str) -> String {
    let methods = code.items.iter().flat_map(|item| match item {
        syn::Item::Impl(block) if block.trait_.is_none() => block.items.as_slice(),
        _ => &[],
    });
    let mut matching = methods.filter_map(|item| match item {
        syn::ImplItem::Fn(method) if method.sig.ident == name => Some(&method.attrs),
        _ => None,
    });
    let lines = matching
        .next()
        .unwrap()
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(syn::MetaNameValue {
                value: syn::Expr::Lit(literal),
                ..
            }) => match &literal.lit {
                syn::Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        });
    lines.collect::<Vec<_>>().join("\n")
}
