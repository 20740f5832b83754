//! Reports breaking changes between OpenAPI descriptions: see README.md.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, ExitCode};

use serde_json::{Value, json};

const USAGE: &str = "\
Usage: spec-drift description OPENAPI_YAML
       spec-drift revisions OLD [NEW]

description  compares openapi/api_keys.yaml with the service's own description
revisions    compares it at one git revision with another, or with the working tree

Exit status: 0 no differences, 1 non-breaking differences only, 2 breaking differences,
             3 usage error or unreadable file";

const SPEC: &str = "openapi/api_keys.yaml";

/// Keywords that our description deliberately adds: part of an operation, field, keyword. Ignored
/// if the service's description lacks the keyword.
const DELIBERATE: [(&str, &str, &str); 8] = [
    // An empty ID would yield the path of another operation.
    ("path api_key", "", "minLength"),
    // The service rejects an empty name; the client does so before sending.
    ("request", "name", "minLength"),
    // The service grants full access by default; callers of this crate must request it explicitly.
    ("request", "scopes", "required"),
    // The service states the rest only in prose.
    ("request", "scopes", "default"),
    ("request", "key_type", "default"),
    ("request", "fcm_subtrader_id", "pattern"),
    ("query fcm_subtrader_id", "", "pattern"),
    ("", "", "x-open-enum"),
];

type Result<T> = std::result::Result<T, String>;

/// A location: an operation, a part of it (`request`, `response 201`, `query cursor`) and the path
/// of fields to a schema.
type Location = Vec<String>;

/// The values of keywords in a document, by location and keyword.
type Facts = BTreeMap<Location, BTreeMap<String, Value>>;

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(status) => ExitCode::from(status),
        Err(message) => {
            eprintln!("spec-drift: {message}");
            ExitCode::from(3)
        }
    }
}

fn run(arguments: &[String]) -> Result<u8> {
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let (old, new) = match arguments[..] {
        ["description", file] => (read(SPEC)?, read(file)?),
        ["revisions", old] => (git_show(old)?, read(SPEC)?),
        ["revisions", old, new] => (git_show(old)?, git_show(new)?),
        _ => return Err(USAGE.to_owned()),
    };
    let is_description = arguments[0] == "description";
    let [before, after] = [facts(&old, is_description)?, facts(&new, is_description)?];
    let mut differences = compare(&before, &after);
    let all = differences.len();
    differences.retain(|difference| !is_description || !difference.is_deliberate);
    differences
        .iter()
        .for_each(|d| println!("{}  {}", if d.breaks { "BREAKS" } else { "ok    " }, d.text));
    let breaking = differences
        .iter()
        .filter(|difference| difference.breaks)
        .count();
    println!(
        "{} differences, {breaking} breaking, {} deliberate ones ignored",
        differences.len(),
        all - differences.len()
    );
    Ok(match (differences.len(), breaking) {
        (0, _) => 0,
        (_, 0) => 1,
        _ => 2,
    })
}

struct Document {
    name: String,
    root: Value,
}

fn read(path: &str) -> Result<Document> {
    parse(
        path.to_owned(),
        &std::fs::read(path).map_err(|e| format!("{path}: {e}"))?,
    )
}

fn git_show(revision: &str) -> Result<Document> {
    let name = format!("{revision}:./{SPEC}");
    let shown = Command::new("git")
        .args(["show", "--end-of-options", &name])
        .output();
    let shown = shown.map_err(|e| format!("git: {e}"))?;
    if !shown.status.success() {
        return Err(format!(
            "{name}: {}",
            String::from_utf8_lossy(&shown.stderr).trim()
        ));
    }
    parse(name, &shown.stdout)
}

fn parse(name: String, yaml: &[u8]) -> Result<Document> {
    let root: Value =
        serde_saphyr::from_slice(yaml).map_err(|e| format!("{name}: {}", e.without_snippet()))?;
    if !root["openapi"]
        .as_str()
        .is_some_and(|version| version.starts_with("3."))
        || !root["paths"].is_object()
    {
        return Err(format!("{name}: not an OpenAPI 3 document"));
    }
    Ok(Document { name, root })
}

/// Collects the facts about the operations below `/api_keys`. The service's own description has no
/// environments, status ranges or error bodies, so these are not compared with it.
fn facts(document: &Document, is_description: bool) -> Result<Facts> {
    let mut reader = Reader {
        document,
        facts: Facts::new(),
        location: Location::new(),
        references: Vec::new(),
    };
    for (path, item) in objects(&document.root["paths"]) {
        if path == "/api_keys" || path.starts_with("/api_keys/") {
            reader.path(path, reader.follow(item)?)?;
        }
    }
    let servers = document.root["servers"].as_array().into_iter().flatten();
    for server in servers.filter(|_| !is_description) {
        let environment = format!(
            "servers of {}",
            server["x-environment"].as_str().unwrap_or_default()
        );
        let urls = reader
            .facts
            .entry(vec![environment])
            .or_default()
            .entry("urls".to_owned())
            .or_insert(json!([]));
        urls.as_array_mut()
            .into_iter()
            .for_each(|urls| urls.push(server["url"].clone()));
    }
    let is_ours = |part: &String| part == "errors" || part.ends_with("XX");
    reader
        .facts
        .retain(|location, _| !is_description || !location.get(1).is_some_and(is_ours));
    Ok(reader.facts)
}

fn objects(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

struct Reader<'a> {
    document: &'a Document,
    facts: Facts,
    location: Location,
    /// The references being followed, to detect recursive schemas.
    references: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    /// Records a fact unless the keyword is already set: a schema overrides what it references.
    fn fact(&mut self, keyword: &str, mut value: Value) {
        if let ("type" | "enum", Some(values)) = (keyword, value.as_array_mut()) {
            values.sort_by_key(Value::to_string);
        }
        // 63 and 63.0 are equal.
        let whole = value
            .as_f64()
            .filter(|number| number.fract() == 0.0)
            .map(|number| json!(number as i64));
        let facts = self.facts.entry(self.location.clone()).or_default();
        facts
            .entry(keyword.to_owned())
            .or_insert(whole.unwrap_or(value));
    }

    fn at(&mut self, step: &str, visit: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.location.push(step.to_owned());
        self.facts.entry(self.location.clone()).or_default();
        visit(self)?;
        self.location.pop();
        Ok(())
    }

    fn target(&self, reference: &str) -> Result<&'a Value> {
        let target = reference
            .strip_prefix('#')
            .and_then(|pointer| self.document.root.pointer(pointer));
        target.ok_or_else(|| {
            format!(
                "{}: `$ref: {reference}` does not resolve within the document",
                self.document.name
            )
        })
    }

    fn follow(&self, value: &'a Value) -> Result<&'a Value> {
        value["$ref"]
            .as_str()
            .map_or(Ok(value), |reference| self.target(reference))
    }

    fn path(&mut self, path: &str, item: &'a Value) -> Result<()> {
        for (method, operation) in
            objects(item).filter(|(_, operation)| operation["responses"].is_object())
        {
            let path = format!("{} {path}", method.to_uppercase());
            let mut name = operation["operationId"]
                .as_str()
                .unwrap_or(&path)
                .to_owned();
            // The service's description uses `GetApiKeys`.
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            self.at(&name, |reader| {
                reader.fact("path", json!(path));
                reader.operation(item, operation)
            })?;
        }
        Ok(())
    }

    fn operation(&mut self, item: &'a Value, operation: &'a Value) -> Result<()> {
        self.fact("security", self.security(operation)?);
        if operation["deprecated"] == true {
            self.fact("deprecated", json!(true));
        }
        for parameter in [operation, item]
            .iter()
            .filter_map(|part| part["parameters"].as_array())
            .flatten()
        {
            let parameter = self.follow(parameter)?;
            let text = |member: &str| parameter[member].as_str().unwrap_or_default();
            self.at(&format!("{} {}", text("in"), text("name")), |reader| {
                for (keyword, value) in objects(parameter).filter(|(_, value)| **value != false) {
                    if matches!(
                        keyword.as_str(),
                        "required" | "deprecated" | "style" | "explode" | "content"
                    ) {
                        reader.fact(keyword, value.clone());
                    }
                }
                reader.schema(&parameter["schema"])
            })?;
        }
        if let Some(body) = operation.get("requestBody") {
            let body = self.follow(body)?;
            self.at("request", |reader| {
                if body["required"] == true {
                    reader.fact("required", json!(true));
                }
                reader.content(body)
            })?;
        }
        for (status, response) in objects(&operation["responses"]) {
            let response = self.follow(response)?;
            if status.starts_with(['4', '5', 'd']) {
                self.at(&format!("error {status}"), |_| Ok(()))?;
                self.at("errors", |reader| reader.content(response))?;
            } else {
                self.at(&format!("response {status}"), |reader| {
                    reader.content(response)
                })?;
            }
        }
        Ok(())
    }

    /// Returns the alternative sets of headers that authenticate a request.
    fn security(&self, operation: &Value) -> Result<Value> {
        let root = &self.document.root;
        let mut sets = BTreeSet::new();
        for set in operation
            .get("security")
            .unwrap_or(&root["security"])
            .as_array()
            .into_iter()
            .flatten()
        {
            let schemes = objects(set)
                .map(|(name, _)| self.follow(&root["components"]["securitySchemes"][name]));
            let names = schemes.map(|scheme| {
                Ok(scheme?["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_ascii_uppercase())
            });
            sets.insert(names.collect::<Result<BTreeSet<_>>>()?);
        }
        Ok(json!(sets))
    }

    fn content(&mut self, body: &'a Value) -> Result<()> {
        for (media_type, content) in objects(&body["content"]) {
            self.fact(media_type, json!(true));
            if media_type == "application/json" {
                self.schema(&content["schema"])?;
            }
        }
        Ok(())
    }

    /// Records the facts of a schema, then those of the schemas that it is composed of.
    fn schema(&mut self, schema: &'a Value) -> Result<()> {
        let mut parts = Vec::new();
        for (keyword, value) in objects(schema) {
            match keyword.as_str() {
                "$ref" | "title" | "description" | "example" | "examples" => {}
                "allOf" => parts.extend(value.as_array().into_iter().flatten()),
                "anyOf" | "oneOf" => {
                    let alternatives = value.as_array().into_iter().flatten();
                    let (null, others): (Vec<_>, Vec<_>) =
                        alternatives.partition(|part| part["type"] == "null");
                    if !null.is_empty() {
                        self.fact("nullable", json!(true));
                    }
                    match others[..] {
                        [one] => parts.push(one),
                        _ => self.fact(keyword, json!(others)),
                    }
                }
                "type" => {
                    let mut types = value
                        .as_array()
                        .cloned()
                        .unwrap_or_else(|| vec![value.clone()]);
                    if types.iter().any(|name| name == "null") {
                        self.fact("nullable", json!(true));
                    }
                    types.retain(|name| name != "null");
                    self.fact("type", Value::Array(types));
                }
                "required" => {
                    for name in value
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                    {
                        self.at(name, |reader| {
                            reader.fact("required", json!(true));
                            Ok(())
                        })?;
                    }
                }
                "properties" => {
                    for (name, field) in objects(value) {
                        self.at(name, |reader| reader.schema(field))?;
                    }
                }
                "items" => self.at("[]", |reader| reader.schema(value))?,
                "additionalProperties" if *value == true || *value == json!({}) => {}
                "additionalProperties" if value.is_object() => {
                    self.at("{}", |reader| reader.schema(value))?
                }
                "x-open-enum" | "additionalProperties" => self.fact(keyword, value.clone()),
                _ if *value == false || keyword.starts_with("x-") => {}
                _ => self.fact(keyword, value.clone()),
            }
        }
        if let Some(reference) = schema["$ref"].as_str() {
            if self.references.contains(&reference) {
                self.fact("recursive", json!(true));
                return Ok(());
            }
            self.references.push(reference);
            self.schema(self.target(reference)?)?;
            self.references.pop();
        }
        parts.into_iter().try_for_each(|part| self.schema(part))
    }
}

struct Difference {
    breaks: bool,
    is_deliberate: bool,
    text: String,
}

fn compare(old: &Facts, new: &Facts) -> Vec<Difference> {
    let mut differences = Vec::new();
    for location in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        // Skip everything below an added or removed location.
        let parent = &location[..location.len() - 1];
        if !parent.is_empty() && [old, new].iter().any(|facts| !facts.contains_key(parent)) {
            continue;
        }
        let mut report = |breaks, is_deliberate, change: String| {
            differences.push(Difference {
                breaks,
                is_deliberate,
                text: format!("{}: {change}", display(location)),
            });
        };
        match (old.get(location), new.get(location)) {
            (Some(before), Some(after)) => {
                for keyword in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
                    let [old_value, new_value] = [before, after].map(|facts| facts.get(keyword));
                    if old_value != new_value {
                        let breaks = breaks(location, keyword, old_value, new_value, before);
                        report(
                            breaks,
                            new_value.is_none() && is_deliberate(location, keyword),
                            describe(keyword, old_value, new_value),
                        );
                    }
                }
            }
            // Without its own entry, an error status still matches its range.
            (Some(_), None) => report(
                !is_error_status(location) || location[1].ends_with("XX"),
                false,
                "removed".to_owned(),
            ),
            (None, after) => {
                let is_required = after.is_some_and(|after| after.contains_key("required"));
                let breaks = if is_response(location) {
                    location.len() == 2 && !is_error_status(location)
                } else {
                    is_required
                };
                report(
                    breaks,
                    false,
                    if is_required {
                        "added and required"
                    } else {
                        "added"
                    }
                    .to_owned(),
                );
            }
        }
    }
    differences
}

fn display(location: &[String]) -> String {
    let field = location
        .iter()
        .skip(2)
        .fold(String::new(), |field, step| match step.as_str() {
            "[]" | "{}" => field + step,
            _ if field.is_empty() => step.clone(),
            _ => field + "." + step,
        });
    location
        .iter()
        .take(2)
        .map(String::as_str)
        .chain((!field.is_empty()).then_some(&*field))
        .collect::<Vec<_>>()
        .join(", ")
}

fn describe(keyword: &str, old: Option<&Value>, new: Option<&Value>) -> String {
    match (old, new) {
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let added = new
                .iter()
                .filter(|value| !old.contains(value))
                .map(|value| format!(" +{value}"));
            let removed = old
                .iter()
                .filter(|value| !new.contains(value))
                .map(|value| format!(" -{value}"));
            format!("{keyword}{}", added.chain(removed).collect::<String>())
        }
        (Some(old), Some(new)) => format!("{keyword} {new}, was {old}"),
        (None, Some(new)) => format!("{keyword} {new} added"),
        (_, None) => format!("{keyword} {} removed", old.unwrap_or(&Value::Null)),
    }
}

fn is_error_status(location: &[String]) -> bool {
    location
        .get(1)
        .is_some_and(|part| part.starts_with("error "))
}

fn is_response(location: &[String]) -> bool {
    location
        .get(1)
        .is_some_and(|part| part.starts_with("error") || part.starts_with("response"))
}

fn is_deliberate(location: &[String], keyword: &str) -> bool {
    let [part, field] = [1, 2].map(|step| location.get(step).map_or("", String::as_str));
    keyword == "x-open-enum" || DELIBERATE.contains(&(part, field, keyword))
}

/// Returns whether a change breaks callers: a request must not become stricter, and a response must
/// not become laxer. Bounds in responses do not break, because the client ignores them. Unknown
/// keywords count as breaking until reviewed.
fn breaks(
    location: &[String],
    keyword: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    before: &BTreeMap<String, Value>,
) -> bool {
    let in_response = is_response(location);
    let is_narrower = |is_narrower: fn(f64, f64) -> bool| {
        let [old, new] = [old, new].map(|value| value.and_then(Value::as_f64));
        new.is_some_and(|new| old.is_none_or(|old| is_narrower(new, old)))
    };
    match keyword {
        "deprecated" => false,
        "urls" => old.map(|urls| &urls[0]) != new.map(|urls| &urls[0]),
        "required" => in_response == new.is_none(),
        "nullable" => in_response == new.is_some(),
        "enum" if in_response && before.get("x-open-enum") == Some(&json!(true)) => false,
        "type" | "enum" if in_response => !includes(old, new),
        "type" | "enum" => !includes(new, old),
        "format" if in_response => {
            before.get("type") != Some(&json!(["string"])) && !includes(old, new)
        }
        "format" => !includes(new, old),
        "default" => !in_response && old.is_some() && new.is_some(),
        "pattern" => !in_response && new.is_some(),
        "minimum" | "minLength" | "minItems" => !in_response && is_narrower(|new, old| new > old),
        "maximum" | "maxLength" | "maxItems" => !in_response && is_narrower(|new, old| new < old),
        "x-open-enum" => new.is_none(),
        media_type if media_type.contains('/') => new.is_none(),
        _ => true,
    }
}

/// Returns whether `whole` allows every value that `part` allows; an absent keyword allows any
/// value.
fn includes(whole: Option<&Value>, part: Option<&Value>) -> bool {
    const WIDER: [(&str, &str); 3] = [
        ("number", "integer"),
        ("int64", "int32"),
        ("double", "float"),
    ];
    let list = |value: &Value| {
        value
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![value.clone()])
    };
    let (Some(whole), part) = (whole.map(list), part.map(list)) else {
        return true;
    };
    let is_included = |value: &Value| {
        whole.contains(value)
            || WIDER
                .iter()
                .any(|(wide, narrow)| value == narrow && whole.iter().any(|w| w == wide))
    };
    part.is_some_and(|part| part.iter().all(is_included))
}
