//! What the generator would get wrong in silence, or refuse without a place: refused here, in words.

use std::collections::BTreeSet;

use heck::{ToSnakeCase, ToUpperCamelCase};
use openapiv3::OpenAPI;
use serde_json::{Value, from_value};

use crate::document::{base_url, below, children, is_method, members, operations, place, reached, resolve, visit};
use crate::finish::variants;
use crate::{ENVIRONMENTS, HAND_WRITTEN, PLAIN, Result, SIGNED};

const JSON: &str = "application/json";

pub fn check(document: &Value) -> Result<()> {
    if !document.is_object() {
        return Err("it is no mapping; an OpenAPI document begins with `openapi: 3.0.3`".to_owned());
    }
    if !document["openapi"].as_str().is_some_and(|version| version.starts_with("3.0.")) {
        return Err(format!(
            "its openapi is {}; the generator reads 3.0, so write `openapi: 3.0.3`",
            document["openapi"]
        ));
    }
    let spec = parse(document)?;
    if let Some(lost) = lost(document, &serde_json::to_value(spec).unwrap_or_default(), "") {
        return Err(format!("{}: OpenAPI 3.0 knows no such member here; it would be ignored", place(document, &lost)));
    }
    let rust_name = |name: &str| name.to_upper_camel_case();
    if let Some((name, _)) = members(document, "/components/schemas").find(|(name, _)| rust_name(name) != *name) {
        return Err(format!("schema {name}: call it {}, as its Rust type is called", rust_name(name)));
    }
    let mut sent = BTreeSet::new();
    operations(document).for_each(|(.., operation)| reached(document, &operation["requestBody"], &mut sent));
    visit("", document, &mut |pointer, part| {
        check_part(document, &sent, pointer, part).map_err(|fault| format!("{}: {fault}", place(document, pointer)))
    })?;

    let mut used = BTreeSet::new();
    reached(document, &document["paths"], &mut used);
    if let Some(name) =
        HAND_WRITTEN.iter().chain([&PLAIN]).find(|name| !used.contains(&format!("/components/schemas/{name}")))
    {
        return Err(format!("schema {name}: nothing refers to it, and its Rust type is written by hand"));
    }
    check_servers(document)?;
    for name in SIGNED {
        let scheme = &document["components"]["securitySchemes"][name];
        let header = scheme["name"].as_str().filter(|_| scheme["in"] == "header").unwrap_or_default();
        if header.is_empty() || !header.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(format!(
                "security scheme {name}: it is missing or names no header, and the signer sends three headers"
            ));
        }
    }
    let mut names = BTreeSet::new();
    for (name, path, item, operation) in operations(document) {
        let fault = |fault| format!("operation {name}: {fault}");
        check_operation(document, operation).map_err(fault)?;
        check_parameters(document, path, item, operation).map_err(fault)?;
        if !names.insert(name.to_snake_case()) {
            return Err(fault(format!("another operation becomes the method {} too", name.to_snake_case())));
        }
    }
    if names.is_empty() { Err("it describes no operation".to_owned()) } else { Ok(()) }
}

/// The typed document. When it does not parse, the smallest part that does not is the guilty one: the whole would only
/// say that something matched no variant.
pub fn parse(document: &Value) -> Result<OpenAPI> {
    from_value(document.clone()).map_err(|whole| {
        let mut guilty = (String::new(), whole.to_string());
        let _ = visit("", document, &mut |pointer, part| {
            let mut names = pointer.rsplit('/');
            let (name, parent) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
            let own = part.clone();
            let reason = match (name, parent) {
                _ if part.get("$ref").is_some() => None,
                (_, "schemas" | "properties" | "allOf" | "anyOf" | "oneOf") | ("schema" | "items", _) => {
                    from_value::<openapiv3::Schema>(own).err()
                }
                (_, "responses") => from_value::<openapiv3::Response>(own).err(),
                (_, "parameters") => from_value::<openapiv3::Parameter>(own).err(),
                (_, "securitySchemes") => from_value::<openapiv3::SecurityScheme>(own).err(),
                ("requestBody", _) => from_value::<openapiv3::RequestBody>(own).err(),
                ("info", "") => from_value::<openapiv3::Info>(own).err(),
                (method, _) if is_method(method) => from_value::<openapiv3::Operation>(own).err(),
                _ => None,
            };
            // A part comes after the parts that hold it.
            if let Some(reason) = reason.filter(|_| pointer.starts_with(&guilty.0)) {
                guilty = (pointer.to_owned(), reason.to_string());
            }
            Ok(())
        });
        if guilty.0.is_empty() { guilty.1 } else { format!("{}: {}", place(document, &guilty.0), guilty.1) }
    })
}

/// The first member that the typed document does not hold, mostly a misspelt one.
fn lost(document: &Value, kept: &Value, pointer: &str) -> Option<String> {
    let is_default = |value: &Value| *value == Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty);
    children(document).find_map(|(name, child)| match kept.pointer(&below("", &name)) {
        Some(kept) => lost(child, kept, &below(pointer, &name)),
        None => Some(below(pointer, &name)).filter(|_| !is_default(child)),
    })
}

fn check_part(document: &Value, sent: &BTreeSet<String>, pointer: &str, part: &Value) -> Result<()> {
    if let Some(reference) = part["$ref"].as_str() {
        if pointer.rsplit_once('/').is_some_and(|(parent, _)| parent == "/paths") {
            return Err("a path is written out here; the generator follows no $ref in its place".to_owned());
        }
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        return target.map(|_| ()).ok_or_else(|| format!("$ref {reference:?} points at nothing in this document"));
    }
    if !pointer.is_empty() && part.get("servers").is_some() {
        return Err("it has servers of its own, which the generator ignores".to_owned());
    }
    if part["type"] == "array" && part.get("items").is_none() {
        return Err("it is an array and does not say of what (items)".to_owned());
    }
    let required = || part["required"].as_array().into_iter().flatten();
    // The generator would drop it.
    if let Some(name) = required().find(|name| part["properties"].get(name.as_str().unwrap_or("")).is_none()) {
        return Err(format!("required names {name}, which is no property of it"));
    }
    // A type that takes any string takes a misspelt default as well.
    let value = part.get("default").filter(|_| part.get("type").is_some());
    if let Some(value) = value.filter(|value| !fits(document, part, value)) {
        return Err(format!("its default {value} does not fit it"));
    }
    let is_sent = |schema: &String| {
        pointer.strip_prefix(schema.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_sent = sent.iter().any(is_sent) || pointer.contains("/requestBody/");
    if is_sent && let Some(properties) = part["properties"].as_object() {
        for (name, property) in properties.iter().filter(|(_, p)| p["type"] == "array" && p["nullable"] != true) {
            if property.get("default").is_none() && required().all(|required| required != name) {
                return Err(format!("the optional array {name:?} needs a default, else an empty one is not sent"));
            }
        }
    }
    let is_schema = pointer.rsplit_once('/').is_some_and(|(parent, _)| parent == "/components/schemas");
    for (name, value) in part.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("x-")) {
        match name.as_str() {
            "x-environment" if pointer.starts_with("/servers/") => {}
            "x-open-enum" if is_schema && *value == true => variants(part).map(|_| ())?,
            _ => {
                return Err(format!(
                    "nothing reads its {name}; known are x-environment of a server and x-open-enum: true of a schema"
                ));
            }
        }
    }
    Ok(())
}

/// Whether a default is one of the values known today, and within bounds.
fn fits(document: &Value, schema: &Value, value: &Value) -> bool {
    let schema = resolve(document, schema);
    let all = |list: &Value, value| list.as_array().into_iter().flatten().all(|part| fits(document, part, value));
    schema["enum"].as_array().is_none_or(|known| known.contains(value))
        && schema["minimum"].as_f64().is_none_or(|least| value.as_f64().is_some_and(|value| value >= least))
        && schema["maximum"].as_f64().is_none_or(|most| value.as_f64().is_some_and(|value| value <= most))
        && value.as_array().into_iter().flatten().all(|item| fits(document, &schema["items"], item))
        && all(&schema["allOf"], value)
}

fn check_servers(document: &Value) -> Result<()> {
    for (_, server) in children(&document["servers"]) {
        let url = server["url"].as_str().unwrap_or_default();
        if !url.starts_with("https://") || url.contains('{') {
            return Err(format!("server {url:?}: a base URL is https:// and holds no variable"));
        }
        if !ENVIRONMENTS.iter().any(|known| server["x-environment"] == *known) {
            return Err(format!("server {url}: its x-environment is none of {}", ENVIRONMENTS.join(", ")));
        }
    }
    match ENVIRONMENTS.iter().find(|environment| base_url(document, environment).is_none()) {
        Some(environment) => Err(format!("no server has x-environment: {environment}")),
        None => Ok(()),
    }
}

fn check_operation(document: &Value, operation: &Value) -> Result<()> {
    if operation["operationId"].as_str().is_none() {
        return Err("it has no operationId, which becomes the method's name".to_owned());
    }
    // Alternatives, and the empty one above all, would describe requests that nobody sends.
    let schemes = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
    let one = schemes.first().filter(|_| schemes.len() == 1).and_then(Value::as_object);
    if one.is_none_or(|one| one.len() != SIGNED.len() || !SIGNED.iter().all(|name| one.contains_key(*name))) {
        return Err(format!("its security is not one requirement of {}; every request is signed", SIGNED.join(", ")));
    }
    check_content("request body", resolve(document, &operation["requestBody"]))?;

    let responses = operation["responses"].as_object().ok_or("it has no responses")?;
    for range in ["4XX", "5XX"] {
        if !responses.contains_key(range) {
            return Err(format!("it has no {range} response, so an undocumented status would lose its reason"));
        }
    }
    let mut successes = Vec::new();
    for (status, response) in responses {
        let response = resolve(document, response);
        let schema = check_content(&format!("{status} response"), response)?;
        match status.as_bytes().first() {
            Some(b'2') if schema.is_none() && status != "204" => {
                return Err(format!(
                    "its {status} response has no content, so the generator would throw its body away"
                ));
            }
            Some(b'2') => successes.push(schema),
            Some(b'4' | b'5') if schema.is_some_and(|s| s["$ref"] == "#/components/schemas/ErrorResponse") => {}
            Some(b'4' | b'5') => return Err(format!("its {status} response is not an ErrorResponse in {JSON}")),
            _ => return Err(format!("its {status} response is not generated; name statuses of 2xx, 4xx and 5xx")),
        }
    }
    match successes.split_first() {
        None => Err("it has no 2xx response".to_owned()),
        Some((first, others)) if others.iter().any(|other| other != first) => {
            Err("its 2xx responses differ, and the generator makes one type of success".to_owned())
        }
        Some(_) => Ok(()),
    }
}

/// The placeholders of a path, and the parameters in it, are the same.
fn check_parameters(document: &Value, path: &str, item: &Value, operation: &Value) -> Result<()> {
    let placeholders = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default());
    let mut placeholders = placeholders.collect::<BTreeSet<_>>();
    if let Some(odd) = path.chars().find(|c| !c.is_ascii_alphanumeric() && !"/_-.{}".contains(*c)) {
        return Err(format!("its path {path} holds {odd:?}, which the signer does not expect in a path"));
    }
    for (_, parameter) in children(&item["parameters"]).chain(children(&operation["parameters"])) {
        let parameter = resolve(document, parameter);
        let name = parameter["name"].as_str().unwrap_or_default();
        match parameter["in"].as_str() {
            Some("query") => {}
            Some("path") if placeholders.remove(name) => {}
            Some("path") => return Err(format!("its parameter {name} has no placeholder {{{name}}} in {path}")),
            other => {
                return Err(format!(
                    "its parameter {name} is in {}; path and query are generated",
                    other.unwrap_or_default()
                ));
            }
        }
    }
    match placeholders.first() {
        Some(name) => Err(format!("the placeholder {{{name}}} of {path} is no parameter of it")),
        None => Ok(()),
    }
}

/// The schema of a request body or a response: JSON, or nothing at all.
fn check_content<'a>(what: &str, body: &'a Value) -> Result<Option<&'a Value>> {
    let media = body["content"].as_object().into_iter().flatten().collect::<Vec<_>>();
    match media.as_slice() {
        [] => Ok(None),
        [(name, content)] if *name == JSON => match content.get("schema") {
            Some(schema) => Ok(Some(schema)),
            None => Err(format!("its {what} has no schema")),
        },
        _ => Err(format!("its {what} is not {JSON} alone, and no other media type is generated")),
    }
}
