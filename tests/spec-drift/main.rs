//! Reports what a change of the OpenAPI description means for callers: see README.md.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, ExitCode};

use serde_json::{Value, json};

const USAGE: &str = "\
Usage: spec-drift description OPENAPI_YAML
       spec-drift revisions OLD [NEW]

description  compares openapi/api_keys.yaml with the service's own description
revisions    compares it at one git revision with another, or with the working tree

Exit status: 0 no difference, 1 differences that break no caller, 2 breaking differences,
             3 wrong usage or an unreadable file";

const SPEC: &str = "openapi/api_keys.yaml";

/// What our spec states and the service's description does not, on purpose: part of an operation, field, keyword.
/// Ignored as long as the service's description says nothing there.
const DELIBERATE: [(&str, &str, &str); 8] = [
    // An empty ID would make the path of another operation.
    ("path api_key", "", "minLength"),
    // The service refuses an empty name; the client does before it sends.
    ("request", "name", "minLength"),
    // A key without scopes gets full access; callers of this crate have to say so.
    ("request", "scopes", "required"),
    // The rest stands in the service's prose.
    ("request", "scopes", "default"),
    ("request", "key_type", "default"),
    ("request", "fcm_subtrader_id", "pattern"),
    ("query fcm_subtrader_id", "", "pattern"),
    ("", "", "x-open-enum"),
];

type Result<T> = std::result::Result<T, String>;

/// An operation, a part of it (`request`, `response 201`, `query cursor`) and the fields that lead to a schema.
type Place = Vec<String>;

/// What a document states, by place and keyword.
type Facts = BTreeMap<Place, BTreeMap<String, Value>>;

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
    differences.iter().for_each(|d| println!("{}  {}", if d.breaks { "BREAKS" } else { "ok    " }, d.text));
    let breaking = differences.iter().filter(|difference| difference.breaks).count();
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
    parse(path.to_owned(), &std::fs::read(path).map_err(|e| format!("{path}: {e}"))?)
}

fn git_show(revision: &str) -> Result<Document> {
    let name = format!("{revision}:./{SPEC}");
    let shown = Command::new("git").args(["show", "--end-of-options", &name]).output();
    let shown = shown.map_err(|e| format!("git: {e}"))?;
    if !shown.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&shown.stderr).trim()));
    }
    parse(name, &shown.stdout)
}

fn parse(name: String, yaml: &[u8]) -> Result<Document> {
    let root: Value = serde_saphyr::from_slice(yaml).map_err(|e| format!("{name}: {}", e.without_snippet()))?;
    if !root["openapi"].as_str().is_some_and(|version| version.starts_with("3.")) || !root["paths"].is_object() {
        return Err(format!("{name}: not an OpenAPI 3 document"));
    }
    Ok(Document { name, root })
}

/// Returns what a document states about the operations below `/api_keys`. The service's own description names no
/// environments, no ranges of statuses and no bodies of errors, so none are compared with it.
fn facts(document: &Document, is_description: bool) -> Result<Facts> {
    let mut reader = Reader { document, facts: Facts::new(), place: Place::new(), references: Vec::new() };
    for (path, item) in objects(&document.root["paths"]) {
        if path == "/api_keys" || path.starts_with("/api_keys/") {
            reader.path(path, reader.follow(item)?)?;
        }
    }
    let servers = document.root["servers"].as_array().into_iter().flatten();
    for server in servers.filter(|_| !is_description) {
        let environment = format!("servers of {}", server["x-environment"].as_str().unwrap_or_default());
        let urls = reader.facts.entry(vec![environment]).or_default().entry("urls".to_owned()).or_insert(json!([]));
        urls.as_array_mut().into_iter().for_each(|urls| urls.push(server["url"].clone()));
    }
    let is_ours = |part: &String| part == "errors" || part.ends_with("XX");
    reader.facts.retain(|place, _| !is_description || !place.get(1).is_some_and(is_ours));
    Ok(reader.facts)
}

fn objects(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

struct Reader<'a> {
    document: &'a Document,
    facts: Facts,
    place: Place,
    /// Those being followed: a schema may contain itself.
    references: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    /// States a fact, unless one is known there: a schema outranks what it refers to.
    fn fact(&mut self, keyword: &str, mut value: Value) {
        if let ("type" | "enum", Some(values)) = (keyword, value.as_array_mut()) {
            values.sort_by_key(Value::to_string);
        }
        // 63 and 63.0 are one number.
        let whole = value.as_f64().filter(|number| number.fract() == 0.0).map(|number| json!(number as i64));
        let facts = self.facts.entry(self.place.clone()).or_default();
        facts.entry(keyword.to_owned()).or_insert(whole.unwrap_or(value));
    }

    fn at(&mut self, step: &str, visit: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.place.push(step.to_owned());
        self.facts.entry(self.place.clone()).or_default();
        visit(self)?;
        self.place.pop();
        Ok(())
    }

    fn target(&self, reference: &str) -> Result<&'a Value> {
        let target = reference.strip_prefix('#').and_then(|pointer| self.document.root.pointer(pointer));
        target.ok_or_else(|| format!("{}: `$ref: {reference}` points to nothing in the document", self.document.name))
    }

    fn follow(&self, value: &'a Value) -> Result<&'a Value> {
        value["$ref"].as_str().map_or(Ok(value), |reference| self.target(reference))
    }

    fn path(&mut self, path: &str, item: &'a Value) -> Result<()> {
        for (method, operation) in objects(item).filter(|(_, operation)| operation["responses"].is_object()) {
            let path = format!("{} {path}", method.to_uppercase());
            let mut name = operation["operationId"].as_str().unwrap_or(&path).to_owned();
            // The service writes `GetApiKeys`.
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
        for parameter in [operation, item].iter().filter_map(|part| part["parameters"].as_array()).flatten() {
            let parameter = self.follow(parameter)?;
            let text = |member: &str| parameter[member].as_str().unwrap_or_default();
            self.at(&format!("{} {}", text("in"), text("name")), |reader| {
                for (keyword, value) in objects(parameter).filter(|(_, value)| **value != false) {
                    if matches!(keyword.as_str(), "required" | "deprecated" | "style" | "explode" | "content") {
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
                self.at(&format!("response {status}"), |reader| reader.content(response))?;
            }
        }
        Ok(())
    }

    /// Returns the sets of headers that sign a request.
    fn security(&self, operation: &Value) -> Result<Value> {
        let root = &self.document.root;
        let mut sets = BTreeSet::new();
        for set in operation.get("security").unwrap_or(&root["security"]).as_array().into_iter().flatten() {
            let schemes = objects(set).map(|(name, _)| self.follow(&root["components"]["securitySchemes"][name]));
            let names = schemes.map(|scheme| Ok(scheme?["name"].as_str().unwrap_or_default().to_ascii_uppercase()));
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

    /// States what a schema says itself, then what the schemas say that it is made of.
    fn schema(&mut self, schema: &'a Value) -> Result<()> {
        let mut parts = Vec::new();
        for (keyword, value) in objects(schema) {
            match keyword.as_str() {
                "$ref" | "title" | "description" | "example" | "examples" => {}
                "allOf" => parts.extend(value.as_array().into_iter().flatten()),
                "anyOf" | "oneOf" => {
                    let alternatives = value.as_array().into_iter().flatten();
                    let (null, others): (Vec<_>, Vec<_>) = alternatives.partition(|part| part["type"] == "null");
                    if !null.is_empty() {
                        self.fact("nullable", json!(true));
                    }
                    match others[..] {
                        [one] => parts.push(one),
                        _ => self.fact(keyword, json!(others)),
                    }
                }
                "type" => {
                    let mut types = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                    if types.iter().any(|name| name == "null") {
                        self.fact("nullable", json!(true));
                    }
                    types.retain(|name| name != "null");
                    self.fact("type", Value::Array(types));
                }
                "required" => {
                    for name in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
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
                "additionalProperties" if value.is_object() => self.at("{}", |reader| reader.schema(value))?,
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
    for place in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
        // What is below something new or gone is no news.
        let parent = &place[..place.len() - 1];
        if !parent.is_empty() && [old, new].iter().any(|facts| !facts.contains_key(parent)) {
            continue;
        }
        let mut found = |breaks, is_deliberate, what: String| {
            differences.push(Difference { breaks, is_deliberate, text: format!("{}: {what}", display(place)) });
        };
        match (old.get(place), new.get(place)) {
            (Some(before), Some(after)) => {
                for keyword in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
                    let [was, is] = [before, after].map(|facts| facts.get(keyword));
                    if was != is {
                        let breaks = breaks(place, keyword, was, is, before);
                        found(breaks, is.is_none() && is_deliberate(place, keyword), describe(keyword, was, is));
                    }
                }
            }
            // A single error status is still read, as one of its range.
            (Some(_), None) => found(!is_error_status(place) || place[1].ends_with("XX"), false, "gone".to_owned()),
            (None, after) => {
                let is_required = after.is_some_and(|after| after.contains_key("required"));
                let breaks = if is_response(place) { place.len() == 2 && !is_error_status(place) } else { is_required };
                found(breaks, false, if is_required { "new and required" } else { "new" }.to_owned());
            }
        }
    }
    differences
}

fn display(place: &[String]) -> String {
    let field = place.iter().skip(2).fold(String::new(), |field, step| match step.as_str() {
        "[]" | "{}" => field + step,
        _ if field.is_empty() => step.clone(),
        _ => field + "." + step,
    });
    place
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
            let added = new.iter().filter(|value| !old.contains(value)).map(|value| format!(" +{value}"));
            let gone = old.iter().filter(|value| !new.contains(value)).map(|value| format!(" -{value}"));
            format!("{keyword}{}", added.chain(gone).collect::<String>())
        }
        (Some(old), Some(new)) => format!("{keyword} {new}, was {old}"),
        (None, Some(new)) => format!("{keyword} {new}, had none"),
        (_, None) => format!("no {keyword}, was {}", old.unwrap_or(&Value::Null)),
    }
}

fn is_error_status(place: &[String]) -> bool {
    place.get(1).is_some_and(|part| part.starts_with("error "))
}

fn is_response(place: &[String]) -> bool {
    place.get(1).is_some_and(|part| part.starts_with("error") || part.starts_with("response"))
}

fn is_deliberate(place: &[String], keyword: &str) -> bool {
    let [part, field] = [1, 2].map(|step| place.get(step).map_or("", String::as_str));
    keyword == "x-open-enum" || DELIBERATE.contains(&(part, field, keyword))
}

/// Whether callers break. Whoever sends must not be asked for more than before, whoever reads must not be given less;
/// bounds of what is read break nothing, because the client reads past them. A keyword that is not known here breaks
/// until a person has looked.
fn breaks(
    place: &[String],
    keyword: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    before: &BTreeMap<String, Value>,
) -> bool {
    let is_read = is_response(place);
    let is_narrower = |is_narrower: fn(f64, f64) -> bool| {
        let [old, new] = [old, new].map(|value| value.and_then(Value::as_f64));
        new.is_some_and(|new| old.is_none_or(|old| is_narrower(new, old)))
    };
    match keyword {
        "deprecated" => false,
        "urls" => old.map(|urls| &urls[0]) != new.map(|urls| &urls[0]),
        "required" => is_read == new.is_none(),
        "nullable" => is_read == new.is_some(),
        "enum" if is_read && before.get("x-open-enum") == Some(&json!(true)) => false,
        "type" | "enum" if is_read => !includes(old, new),
        "type" | "enum" => !includes(new, old),
        "format" if is_read => before.get("type") != Some(&json!(["string"])) && !includes(old, new),
        "format" => !includes(new, old),
        "default" => !is_read && old.is_some() && new.is_some(),
        "pattern" => !is_read && new.is_some(),
        "minimum" | "minLength" | "minItems" => !is_read && is_narrower(|new, old| new > old),
        "maximum" | "maxLength" | "maxItems" => !is_read && is_narrower(|new, old| new < old),
        "x-open-enum" => new.is_none(),
        media_type if media_type.contains('/') => new.is_none(),
        _ => true,
    }
}

/// Whether all that `part` admits is admitted by `whole`; nothing stated admits anything.
fn includes(whole: Option<&Value>, part: Option<&Value>) -> bool {
    const WIDER: [(&str, &str); 3] = [("number", "integer"), ("int64", "int32"), ("double", "float")];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let (Some(whole), part) = (whole.map(list), part.map(list)) else { return true };
    let is_included = |value: &Value| {
        whole.contains(value) || WIDER.iter().any(|(wide, narrow)| value == narrow && whole.iter().any(|w| w == wide))
    };
    part.is_some_and(|part| part.iter().all(is_included))
}
