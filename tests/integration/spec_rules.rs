//! Reviews the spec: whatever builds and would still be wrong breaks a rule here, by the name of its operation or schema.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use heck::ToUpperCamelCase;
use serde_json::{Value, json};
use snapbox::{Data, assert_data_eq};

use crate::build_script::{self, HAND_WRITTEN, generate, members, operations, resolve};
use crate::contract::spec;

const SIGNED: [&str; 3] = ["kalshiAccessKey", "kalshiAccessSignature", "kalshiAccessTimestamp"];
const JSON: &str = "application/json";

#[test]
fn the_spec_breaks_no_rule() {
    assert_eq!(violations(&spec()), [""; 0]);
}

/// Each file is a whole spec.
#[test]
fn invalid_yaml_stops_the_build_with_its_place() {
    each_file("yaml", |yaml| generate(yaml).unwrap_err());
}

/// Each file is a merge patch (RFC 7396) of the spec.
#[test]
fn what_progenitor_refuses_stops_the_build_with_one_line() {
    each_file("build", |patch| generate(&patched(patch).to_string()).unwrap_err());
}

#[test]
fn what_breaks_a_rule_builds_and_is_named() {
    each_file("rules", |patch| {
        let spec = patched(patch);
        generate(&spec.to_string()).unwrap();
        violations(&spec).join("\n# ")
    });
}

/// Each replacement stands for another release of progenitor.
#[test]
fn other_generated_code_stops_the_build() {
    let generated = prettyplease::unparse(&build_script::progenitor(&spec()).unwrap());
    let post_process = |code: &str| build_script::post_process(syn::parse_file(code).unwrap(), &spec());
    assert!(post_process(&generated).is_ok());
    for (find, replace) in [
        ("ResponseValue::from_response", "ResponseValue::decode"),
        ("ResponseValue::empty", "ResponseValue::stream"),
        ("fn new_with_client", "fn with_client"),
        ("map_err(|_|", "map_err(|_error|"),
        ("TryInto<::std::option::Option<", "Into<::std::option::Option<"),
        ("pub fn get_api_keys", "pub fn list_api_keys"),
        ("pub mod types", "pub mod schema"),
        ("private_key: crate::types::PrivateKeyPem", "private_key: String"),
    ] {
        assert!(generated.contains(find), "{find}");
        let error = post_process(&generated.replace(find, replace)).err().unwrap_or_else(|| panic!("{replace} builds"));
        assert!(error.contains("build.rs expects") || error.contains("has no module"), "{error}");
    }
}

/// Compares what `found` returns for each file of a folder with the comment that the file begins with. To accept it:
/// `SNAPSHOTS=overwrite cargo test spec_rules`.
fn each_file(folder: &str, found: impl Fn(&str) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/broken_specs").join(folder);
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let comment = text.split_inclusive('\n').take_while(|line| line.starts_with('#')).map(str::len).sum();
        let found = format!("# {}\n{}", found(&text), &text[comment..]);
        assert_data_eq!(found, Data::read_from(&path, None).raw());
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
    let Value::Object(patch) = patch else { return *target = patch };
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

/// Returns every breach as `place: rule`.
fn violations(spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, _, operation) in operations(spec) {
        let name = operation["operationId"].as_str().unwrap();
        let mut breach = |rule: String| found.push(format!("operation {name}: {rule}"));
        security(operation, &mut breach);
        bodies(spec, operation, &mut breach);
        let item = &spec["paths"][path]["parameters"];
        let parameters = [item, &operation["parameters"]].into_iter().filter_map(Value::as_array).flatten();
        path_and_parameters(
            path,
            &parameters.map(|parameter| resolve(spec, parameter)).collect::<Vec<_>>(),
            &mut breach,
        );
    }
    let (mut sent, mut read) = (BTreeSet::new(), BTreeSet::new());
    for (.., operation) in operations(spec) {
        reach(spec, &operation["requestBody"], &mut sent);
        reach(spec, &operation["parameters"], &mut sent);
        reach(spec, &operation["responses"], &mut read);
    }
    let mut schemas = Vec::new();
    for (name, schema) in members(&spec["components"]["schemas"]) {
        if name != name.to_upper_camel_case() {
            found.push(format!("schema {name}: its Rust type is called {}", name.to_upper_camel_case()));
        }
        if HAND_WRITTEN.contains(&name) && !sent.contains(name) && !read.contains(name) {
            found.push(format!("schema {name}: unused, and written by hand in src/types"));
        }
        // A `Subaccount` reads every number.
        schemas.push((
            format!("schema {name}"),
            schema,
            sent.contains(name),
            read.contains(name) && name != "Subaccount",
        ));
    }
    for (.., operation) in operations(spec) {
        let place = format!("operation {}", operation["operationId"].as_str().unwrap());
        let schema = |body| &resolve(spec, body)["content"][JSON]["schema"];
        schemas.push((place.clone(), schema(&operation["requestBody"]), true, false));
        schemas.extend(members(&operation["responses"]).map(|(_, body)| (place.clone(), schema(body), false, true)));
    }
    for (place, schema, is_sent, is_read) in schemas {
        parts(schema, &mut |part| {
            let mut breach = |rule: String| found.push(format!("{place}: {rule}"));
            values(spec, part, &mut breach);
            if is_sent {
                optional_arrays(part, &mut breach);
            }
            if is_read {
                open(part, &mut breach);
            }
        });
    }
    servers(spec, &mut found);
    let known = serde_json::from_value::<openapiv3::OpenAPI>(spec.clone()).unwrap();
    unknown_members(spec, &serde_json::to_value(known).unwrap(), "", &mut found);
    found
}

/// Calls `see` with a schema and each schema inside it.
fn parts(schema: &Value, see: &mut dyn FnMut(&Value)) {
    see(schema);
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
    let inner = ["items", "additionalProperties", "not"].into_iter().filter_map(|name| schema.get(name));
    lists.chain(inner).chain(members(&schema["properties"]).map(|(_, part)| part)).for_each(|part| parts(part, see));
}

/// Adds the names of the schemas that a part refers to, directly or not.
fn reach(spec: &Value, part: &Value, names: &mut BTreeSet<String>) {
    let name = part["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
    if name.is_empty() || names.insert(name.to_owned()) {
        let part = resolve(spec, part);
        part.as_array().into_iter().flatten().for_each(|item| reach(spec, item, names));
        members(part).for_each(|(_, member)| reach(spec, member, names));
    }
}

fn security(operation: &Value, breach: &mut dyn FnMut(String)) {
    let one = operation["security"].as_array().filter(|alternatives| alternatives.len() == 1);
    let names: Vec<_> = one.into_iter().flatten().flat_map(members).map(|(name, _)| name).collect();
    if names != SIGNED {
        breach(format!("its security is not one requirement of {}", SIGNED.join(", ")));
    }
}

fn bodies(spec: &Value, operation: &Value, breach: &mut dyn FnMut(String)) {
    for range in ["4XX", "5XX"] {
        if operation["responses"].get(range).is_none() {
            breach(format!("no {range} response, so an undocumented status loses its reason"));
        }
    }
    let mut successes = BTreeSet::new();
    for (status, body) in members(&operation["responses"]).chain([("request", &operation["requestBody"])]) {
        let body = resolve(spec, body);
        let media: Vec<_> = members(&body["content"]).map(|(media, _)| media).collect();
        let schema = &body["content"][JSON]["schema"];
        if !media.is_empty() && (media != [JSON] || schema.is_null()) {
            breach(format!("its {status} body is not a schema in {JSON} alone"));
        }
        match status.as_bytes()[0] {
            b'2' if media.is_empty() && status != "204" => {
                breach(format!("its {status} response has no content, so its body is lost"));
            }
            b'2' => drop(successes.insert(schema.to_string())),
            b'4' | b'5' if schema["$ref"] != "#/components/schemas/ErrorResponse" => {
                breach(format!("its {status} response is not an ErrorResponse"));
            }
            b'1' | b'3' => breach(format!("its {status} response is an error of the client, whatever the spec says")),
            _ => {}
        }
    }
    if successes.len() != 1 {
        breach(format!("{} kinds of 2xx response; one type is generated", successes.len()));
    }
}

fn path_and_parameters(path: &str, parameters: &[&Value], breach: &mut dyn FnMut(String)) {
    let placeholders: BTreeSet<_> = path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    let places = |place: &str| {
        parameters
            .iter()
            .filter(|parameter| parameter["in"] == place)
            .map(|p| p["name"].as_str().unwrap())
            .collect::<BTreeSet<_>>()
    };
    if placeholders != places("path") {
        breach(format!("the placeholders of {path} are not its path parameters {:?}", places("path")));
    }
    for name in places("header").union(&places("cookie")) {
        breach(format!("the parameter {name} is neither in path nor in query; the signer owns the headers"));
    }
    if path.contains(|c: char| !c.is_ascii_alphanumeric() && !"/_-.{}".contains(c)) {
        breach(format!("the path {path} has to be percent-encoded"));
    }
}

/// `required` names properties, and a default is one of the values known today and within bounds.
fn values(spec: &Value, schema: &Value, breach: &mut dyn FnMut(String)) {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if schema["properties"].get(name).is_none() {
            breach(format!("required names {name}, which is not a property"));
        }
    }
    if let Some(default) =
        schema.get("default").filter(|default| !crate::contract::validator(spec, schema).is_valid(default))
    {
        breach(format!("the default {default} does not fit"));
    }
}

/// The generator leaves an empty list away unless it is required or has a default.
fn optional_arrays(schema: &Value, breach: &mut dyn FnMut(String)) {
    let required = schema["required"].as_array().into_iter().flatten().collect::<Vec<_>>();
    for (name, property) in members(&schema["properties"]) {
        let is_sent =
            required.contains(&&json!(name)) || property.get("default").is_some() || property["nullable"] == true;
        if property["type"] == "array" && !is_sent {
            breach(format!("the optional array {name} needs a default, or an empty one is not sent"));
        }
    }
}

/// A value that nobody expects must not fail a whole response.
fn open(schema: &Value, breach: &mut dyn FnMut(String)) {
    for (name, value) in members(schema) {
        let is_open = match name {
            "$ref" | "allOf" | "description" | "example" | "items" | "nullable" | "properties" | "required"
            | "title" | "type" | "x-open-enum" => true,
            "enum" => schema["x-open-enum"] == true,
            "format" => schema["type"] == "string" || matches!(value.as_str(), Some("int64" | "double")),
            "additionalProperties" => *value != false,
            _ => false,
        };
        if !is_open {
            breach(format!("{name} makes a response strict"));
        }
    }
}

fn servers(spec: &Value, found: &mut Vec<String>) {
    for server in spec["servers"].as_array().into_iter().flatten() {
        let (url, environment) = (server["url"].as_str().unwrap(), server["x-environment"].as_str());
        if !url.starts_with("https://") || url.contains('{') {
            found.push(format!("server {url}: not https:// or with variables"));
        }
        if !matches!(environment, Some("demo" | "production")) {
            found.push(format!("server {url}: its x-environment is neither demo nor production"));
        }
    }
}

/// Members that the generator does not read: misspelt ones, extensions, `servers` of an operation.
fn unknown_members(ours: &Value, known: &Value, place: &str, found: &mut Vec<String>) {
    let is_default = |value: &Value| *value == false || value.as_array().is_some_and(Vec::is_empty);
    for (name, value) in members(ours) {
        let place = format!("{place}/{name}");
        let is_extension = match name {
            "x-environment" => place.starts_with("/servers"),
            "x-open-enum" => place.matches('/').count() == 4 && *value == true && ours.get("enum").is_some(),
            _ => !name.starts_with("x-") && (name != "servers" || place == "/servers"),
        };
        match known.get(name) {
            Some(known) if is_extension => unknown_members(value, known, &place, found),
            None if is_default(value) => {}
            _ => found.push(format!("{}: not read by the generator", place.trim_start_matches('/'))),
        }
    }
    let items = ours.as_array().into_iter().flatten().zip(known.as_array().into_iter().flatten());
    items.enumerate().for_each(|(at, (ours, known))| unknown_members(ours, known, &format!("{place}/{at}"), found));
}
