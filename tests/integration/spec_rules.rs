//! Lints the OpenAPI description for mistakes that the build accepts, and tests the errors of the
//! build script.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use heck::ToUpperCamelCase;
use serde_json::{Value, json};
use snapbox::{Data, assert_data_eq};

use crate::build_script::{self, HAND_WRITTEN, generate, members, operations};
use crate::contract::{resolve, spec};

const SIGNED: [&str; 3] = [
    "kalshiAccessKey",
    "kalshiAccessSignature",
    "kalshiAccessTimestamp",
];
const JSON: &str = "application/json";
const UNDOCUMENTED: &str = "#/components/schemas/UndocumentedValue";

#[test]
fn spec_violates_no_rule() {
    assert_eq!(violations(&spec()), [""; 0]);
}

/// Each file is a complete OpenAPI description.
#[test]
fn invalid_yaml_fails_the_build_with_its_location() {
    each_file("yaml", |yaml| generate(yaml).unwrap_err());
}

/// Each file is a merge patch (RFC 7396) for the OpenAPI description.
#[test]
fn input_that_progenitor_rejects_fails_the_build_with_one_line() {
    each_file("build", |patch| {
        generate(&patched(patch).to_string()).unwrap_err()
    });
}

#[test]
fn violations_that_build_are_reported() {
    each_file("rules", |patch| {
        let spec = patched(patch);
        generate(&spec.to_string()).unwrap_or_else(|error| panic!("{patch}: {error}"));
        violations(&spec).join("\n# ")
    });
}

/// What the service may add needs no other crate, and one odd value does not fail a whole response.
#[test]
fn strings_of_any_format_are_plain_strings() {
    let mut spec = spec();
    for (name, keyword, value) in [
        ("created_at", "format", "date-time"),
        ("owner", "format", "uuid"),
        ("address", "format", "ipv4"),
        ("tag", "pattern", "^[a-z]+$"),
    ] {
        spec["components"]["schemas"]["ApiKey"]["properties"][name] =
            json!({ "type": "string", keyword: value });
    }
    let code = generate(&spec.to_string()).unwrap();
    for name in ["created_at", "owner", "address", "tag"] {
        let field = format!("pub {name}: ::std::option::Option<::std::string::String>,");
        assert!(code.contains(&field), "no {field}");
    }
}

/// Each replacement simulates the output of another release of progenitor.
#[test]
fn unexpected_generated_code_fails_the_build() {
    let generated = prettyplease::unparse(&build_script::progenitor(&spec()).unwrap());
    let post_process =
        |code: &str| build_script::post_process(syn::parse_file(code).unwrap(), &spec());
    assert_eq!(post_process(&generated).err(), None);
    for (find, replace) in [
        ("ResponseValue::from_response", "ResponseValue::decode"),
        ("ResponseValue::empty", "ResponseValue::stream"),
        ("fn new_with_client", "fn with_client"),
        ("map_err(|_|", "map_err(|_error|"),
        ("operation_id: \"get_api_keys\"", "id: \"get_api_keys\""),
        ("pub mod types", "pub mod schema"),
        (
            "private_key: crate::types::PrivateKeyPem",
            "private_key: String",
        ),
        ("extra: Err(", "extra: Ok("),
        ("pub struct Client ", "pub struct ApiKeys "),
        ("pub fn get_api_keys(", "pub fn list_api_keys("),
    ] {
        assert!(generated.contains(find), "{find}");
        let error = post_process(&generated.replacen(find, replace, 1))
            .err()
            .unwrap_or_else(|| panic!("{replace} builds"));
        assert!(error.contains("build.rs expects"), "{error}");
    }
}

/// Compares the result of `check` for each file of a folder with the comment at the beginning of
/// the file. To accept a new result, run `SNAPSHOTS=overwrite cargo test spec_rules`.
fn each_file(folder: &str, check: impl Fn(&str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/broken_specs")
        .join(folder);
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let comment = text
            .split_inclusive('\n')
            .take_while(|line| line.starts_with('#'))
            .map(str::len)
            .sum();
        let actual = format!("# {}\n{}", check(&text), &text[comment..]);
        assert_data_eq!(actual, Data::read_from(&path, None).raw());
        count += 1;
    }
    assert!(count > 4);
}

fn patched(patch: &str) -> Value {
    let mut spec = spec();
    merge(&mut spec, build_script::read(patch).unwrap());
    spec
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        return *target = patch;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.as_object_mut().unwrap().remove(&name).expect(&name)),
            value => merge(&mut target[name], value),
        }
    }
}

// ---- the rules ----

/// Returns every violation as `location: rule`.
fn violations(spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for operation in operations(spec) {
        let name = operation.id;
        let mut report = |rule: String| found.push(format!("operation {name}: {rule}"));
        security(operation.description, &mut report);
        bodies(spec, operation.description, &mut report);
        let parameters: Vec<_> = operation
            .parameters
            .iter()
            .map(|parameter| resolve(spec, parameter))
            .collect();
        path_and_parameters(operation.path, &parameters, &mut report);
    }
    let (mut sent, mut read) = (BTreeSet::new(), BTreeSet::new());
    for operation in operations(spec) {
        let operation = operation.description;
        collect_references(spec, &operation["requestBody"], &mut sent);
        collect_references(spec, &operation["parameters"], &mut sent);
        collect_references(spec, &operation["responses"], &mut read);
    }
    let mut schemas = Vec::new();
    for (name, schema) in members(&spec["components"]["schemas"]) {
        if name != name.to_upper_camel_case() {
            found.push(format!(
                "schema {name}: its Rust type would be named {}",
                name.to_upper_camel_case()
            ));
        }
        if HAND_WRITTEN.contains(&name) && !sent.contains(name) && !read.contains(name) {
            found.push(format!(
                "schema {name}: unused, although hand-written in src/types"
            ));
        }
        if read.contains(name)
            && name != "ErrorResponse"
            && schema["type"] == "object"
            && schema["additionalProperties"]["$ref"] != UNDOCUMENTED
        {
            found.push(format!(
                "schema {name}: a response that does not keep undocumented values"
            ));
        }
        // A sub-account out of range is kept as an undocumented value.
        schemas.push((
            format!("schema {name}"),
            schema,
            sent.contains(name),
            read.contains(name) && name != "Subaccount",
        ));
    }
    for operation in operations(spec) {
        let location = format!("operation {}", operation.id);
        let operation = operation.description;
        let schema = |body| &resolve(spec, body)["content"][JSON]["schema"];
        schemas.push((
            location.clone(),
            schema(&operation["requestBody"]),
            true,
            false,
        ));
        schemas.extend(
            members(&operation["responses"])
                .map(|(_, body)| (location.clone(), schema(body), false, true)),
        );
    }
    for (location, schema, is_sent, is_read) in schemas {
        visit_schemas(schema, &mut |part| {
            let mut report = |rule: String| found.push(format!("{location}: {rule}"));
            required_and_default(spec, part, &mut report);
            if is_sent {
                optional_arrays(part, &mut report);
            }
            if is_read {
                lenient_response(part, &mut report);
            }
        });
    }
    servers(spec, &mut found);
    let known = serde_json::from_value::<openapiv3::OpenAPI>(spec.clone()).unwrap();
    unknown_members(spec, &serde_json::to_value(known).unwrap(), "", &mut found);
    found
}

/// Calls `visit` with a schema and each schema nested in it.
fn visit_schemas(schema: &Value, visit: &mut dyn FnMut(&Value)) {
    visit(schema);
    let lists = ["allOf", "anyOf", "oneOf"]
        .into_iter()
        .filter_map(|name| schema[name].as_array())
        .flatten();
    let inner = ["items", "additionalProperties", "not"]
        .into_iter()
        .filter_map(|name| schema.get(name));
    lists
        .chain(inner)
        .chain(members(&schema["properties"]).map(|(_, part)| part))
        .for_each(|part| visit_schemas(part, visit));
}

/// Collects the names of the schemas that a part of the description references, directly or
/// indirectly.
fn collect_references(spec: &Value, part: &Value, names: &mut BTreeSet<String>) {
    let name = part["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next())
        .unwrap_or_default();
    if name.is_empty() || names.insert(name.to_owned()) {
        let part = resolve(spec, part);
        part.as_array()
            .into_iter()
            .flatten()
            .for_each(|item| collect_references(spec, item, names));
        members(part).for_each(|(_, member)| collect_references(spec, member, names));
    }
}

fn security(operation: &Value, report: &mut dyn FnMut(String)) {
    let one = operation["security"]
        .as_array()
        .filter(|alternatives| alternatives.len() == 1);
    let names: Vec<_> = one
        .into_iter()
        .flatten()
        .flat_map(members)
        .map(|(name, _)| name)
        .collect();
    if names != SIGNED {
        report(format!(
            "its security is not a single requirement of {}",
            SIGNED.join(", ")
        ));
    }
}

fn bodies(spec: &Value, operation: &Value, report: &mut dyn FnMut(String)) {
    for range in ["4XX", "5XX"] {
        if operation["responses"].get(range).is_none() {
            report(format!(
                "no {range} response, so the error body of an undocumented status is not parsed"
            ));
        }
    }
    let mut successes = BTreeSet::new();
    for (status, body) in
        members(&operation["responses"]).chain([("request", &operation["requestBody"])])
    {
        let body = resolve(spec, body);
        let media: Vec<_> = members(&body["content"]).map(|(media, _)| media).collect();
        let schema = &body["content"][JSON]["schema"];
        if !media.is_empty() && (media != [JSON] || schema.is_null()) {
            report(format!(
                "its {status} body must have a schema and only the media type {JSON}"
            ));
        }
        match status.as_bytes()[0] {
            b'2' if media.is_empty() && status != "204" => {
                report(format!(
                    "its {status} response has no content, so its body is discarded"
                ));
            }
            b'2' => drop(successes.insert(schema.to_string())),
            b'4' | b'5' if schema["$ref"] != "#/components/schemas/ErrorResponse" => {
                report(format!("its {status} response is not an ErrorResponse"));
            }
            b'1' | b'3' => report(format!(
                "its {status} response is always an error in the client"
            )),
            _ => {}
        }
    }
    if successes.len() != 1 {
        report(format!(
            "{} types of 2xx response; only one is supported",
            successes.len()
        ));
    }
}

fn path_and_parameters(path: &str, parameters: &[&Value], report: &mut dyn FnMut(String)) {
    let placeholders: BTreeSet<_> = path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .collect();
    let names_in = |location: &str| {
        parameters
            .iter()
            .filter(|parameter| parameter["in"] == location)
            .map(|p| p["name"].as_str().unwrap())
            .collect::<BTreeSet<_>>()
    };
    if placeholders != names_in("path") {
        report(format!(
            "the placeholders of {path} do not match its path parameters {:?}",
            names_in("path")
        ));
    }
    for name in names_in("header").union(&names_in("cookie")) {
        report(format!(
            "the parameter {name} is in neither path nor query; only the signer sets headers"
        ));
    }
    if path.contains(|c: char| !c.is_ascii_alphanumeric() && !"/_-.{}".contains(c)) {
        report(format!(
            "the path {path} contains characters that must be percent-encoded"
        ));
    }
}

/// Checks that `required` only lists properties and that a default is valid.
fn required_and_default(spec: &Value, schema: &Value, report: &mut dyn FnMut(String)) {
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if schema["properties"].get(name).is_none() {
            report(format!("required lists {name}, which is not a property"));
        }
    }
    if let Some(default) = schema
        .get("default")
        .filter(|default| !crate::contract::validator(spec, schema).is_valid(default))
    {
        report(format!("the default {default} is invalid"));
    }
}

/// Checks optional arrays: the generated code omits an empty one unless it has a default or is
/// nullable.
fn optional_arrays(schema: &Value, report: &mut dyn FnMut(String)) {
    let required = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    for (name, property) in members(&schema["properties"]) {
        let is_sent = required.contains(&&json!(name))
            || property.get("default").is_some()
            || property["nullable"] == true;
        if property["type"] == "array" && !is_sent {
            report(format!(
                "the optional array {name} needs a default, or an empty one is not sent"
            ));
        }
    }
}

/// Checks that an unexpected value does not make a whole response fail to parse.
fn lenient_response(schema: &Value, report: &mut dyn FnMut(String)) {
    for (name, value) in members(schema) {
        let is_lenient = match name {
            "$ref" | "allOf" | "description" | "example" | "items" | "nullable" | "properties"
            | "required" | "title" | "type" | "x-open-enum" => true,
            "enum" => schema["x-open-enum"] == true,
            "format" => {
                schema["type"] == "string" || matches!(value.as_str(), Some("int64" | "double"))
            }
            "additionalProperties" => *value != false,
            _ => false,
        };
        if !is_lenient {
            report(format!("{name} makes responses strict"));
        }
    }
}

fn servers(spec: &Value, found: &mut Vec<String>) {
    for server in spec["servers"].as_array().into_iter().flatten() {
        let (url, environment) = (
            server["url"].as_str().unwrap(),
            server["x-environment"].as_str(),
        );
        if !url.starts_with("https://") || url.contains('{') {
            found.push(format!("server {url}: not https://, or has variables"));
        }
        if !matches!(environment, Some("demo" | "production")) {
            found.push(format!(
                "server {url}: its x-environment is neither demo nor production"
            ));
        }
    }
}

/// Reports members that the generator ignores: misspelled ones, extensions, `servers` of an
/// operation.
fn unknown_members(ours: &Value, known: &Value, location: &str, found: &mut Vec<String>) {
    let is_default = |value: &Value| *value == false || value.as_array().is_some_and(Vec::is_empty);
    for (name, value) in members(ours) {
        let location = format!("{location}/{name}");
        let is_extension = match name {
            "x-environment" => location.starts_with("/servers"),
            "x-open-enum" => {
                location.matches('/').count() == 4 && *value == true && ours.get("enum").is_some()
            }
            _ => !name.starts_with("x-") && (name != "servers" || location == "/servers"),
        };
        match known.get(name) {
            Some(known) if is_extension => unknown_members(value, known, &location, found),
            None if is_default(value) => {}
            _ => found.push(format!(
                "{}: ignored by the generator",
                location.trim_start_matches('/')
            )),
        }
    }
    let items = ours
        .as_array()
        .into_iter()
        .flatten()
        .zip(known.as_array().into_iter().flatten());
    items.enumerate().for_each(|(at, (ours, known))| {
        unknown_members(ours, known, &format!("{location}/{at}"), found)
    });
}
