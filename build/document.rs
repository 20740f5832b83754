//! Finding one's way in a document: its parts and their pointers, operations, components and references.

use std::collections::BTreeSet;

use heck::ToSnakeCase;
use serde_json::Value;

use crate::Result;

/// Sees every part with its pointer, a part after the one that holds it. Examples and other plain values are none.
pub fn visit(pointer: &str, part: &Value, see: &mut dyn FnMut(&str, &Value) -> Result<()>) -> Result<()> {
    let by_name = ["/properties", "/responses", "/schemas"].iter().any(|map| pointer.ends_with(map));
    if !by_name {
        see(pointer, part)?;
    }
    let parts = |name: &str| by_name || !matches!(name, "example" | "examples" | "default" | "enum");
    children(part)
        .filter(|(name, _)| parts(name))
        .try_for_each(|(name, child)| visit(&below(pointer, &name), child, see))
}

pub fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A pointer in words: the operation, schema or other component, and where in it.
pub fn place(document: &Value, pointer: &str) -> String {
    let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect::<Vec<_>>();
    let names = names.iter().map(String::as_str).collect::<Vec<_>>();
    let (what, rest) = match names.as_slice() {
        ["components", kind, name, rest @ ..] => {
            (format!("{} {name}", kind.to_snake_case().trim_end_matches('s')), rest)
        }
        ["paths", path, method, rest @ ..] if is_method(method) => {
            (format!("operation {}", operation_name(path, method, &document["paths"][path][method])), rest)
        }
        [first, rest @ ..] => (first.to_string(), rest),
        [] => ("the document".to_owned(), &[][..]),
    };
    if rest.is_empty() { what } else { format!("{what}, {}", rest.join(" / ")) }
}

pub fn members<'a>(document: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let members = document.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

/// Every operation: its name (the operationId, or method and path), its path, the path's item, and itself.
pub fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value, &Value)> {
    members(document, "/paths").flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten().filter(|(method, _)| is_method(method));
        operations.map(move |(method, operation)| (operation_name(path, method, operation), path, item, operation))
    })
}

fn operation_name(path: &str, method: &str, operation: &Value) -> String {
    operation["operationId"].as_str().map_or_else(|| format!("{} {path}", method.to_uppercase()), str::to_owned)
}

pub fn is_method(name: &str) -> bool {
    matches!(name, "get" | "put" | "post" | "delete" | "options" | "head" | "patch" | "trace")
}

pub fn open_enums(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    members(document, "/components/schemas").filter(|(_, schema)| schema["x-open-enum"] == true)
}

pub fn children(value: &Value) -> Box<dyn Iterator<Item = (String, &Value)> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter().enumerate().map(|(at, item)| (at.to_string(), item))),
        Value::Object(members) => Box::new(members.iter().map(|(name, value)| (name.clone(), value))),
        _ => Box::new(std::iter::empty()),
    }
}

pub fn resolve<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    let pointer = part["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(part)
}

/// The pointers of what a part refers to, directly or not.
pub fn reached(document: &Value, part: &Value, pointers: &mut BTreeSet<String>) {
    if let Some(pointer) = part["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'))
        && pointers.insert(pointer.to_owned())
    {
        reached(document, resolve(document, part), pointers);
    }
    children(part).for_each(|(_, child)| reached(document, child, pointers));
}

/// The URL of the first server of an environment.
pub fn base_url<'a>(document: &'a Value, environment: &str) -> Option<&'a str> {
    document["servers"].as_array()?.iter().find(|server| server["x-environment"] == environment)?["url"].as_str()
}
