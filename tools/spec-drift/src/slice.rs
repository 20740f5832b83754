//! The API-keys operations of a document, with all that they reach, and nothing else of it.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToSnakeCase;
use serde_json::{Value, json};

use crate::Result;
use crate::document::Document;
use crate::schema::{Reader, Schema};

const PATH: &str = "/api_keys";
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Who wrote a document. What only our own spec says is `None` in a slice of the service's, and not compared with it.
#[derive(Clone, Copy, PartialEq)]
pub enum Author {
    Ourselves,
    Service,
}

pub struct Slice {
    /// By path, its placeholders without names, and method.
    pub operations: BTreeMap<(String, String), Operation>,
    /// The base URLs of each environment; the first is the default.
    pub servers: Option<BTreeMap<String, Vec<String>>>,
}

pub struct Operation {
    /// The operationId, or method and path.
    pub name: String,
    pub method: String,
    pub path: String,
    pub is_deprecated: bool,
    /// Each way to sign: what it sends, and where.
    pub security: BTreeSet<BTreeSet<String>>,
    /// By where it is and its name; a parameter in the path by its position.
    pub parameters: BTreeMap<(String, String), Parameter>,
    pub request: Option<Request>,
    pub successes: BTreeMap<String, Content>,
    pub errors: BTreeSet<String>,
    pub error_ranges: Option<BTreeSet<String>>,
    pub error_bodies: Option<BTreeMap<String, Content>>,
}

pub struct Parameter {
    pub name: String,
    pub is_required: bool,
    /// How lists and objects are written out.
    pub style: String,
    pub schema: Schema,
}

pub struct Request {
    pub is_required: bool,
    pub content: Content,
}

/// By media type.
pub type Content = BTreeMap<String, Schema>;

impl Operation {
    /// The method of the generated client; the service's spelling `GetApiKeys` is ours `getApiKeys`.
    pub fn rust_name(&self) -> String {
        self.name.to_snake_case()
    }
}

impl Slice {
    /// The operations under `/api_keys`, and those known by name, wherever they have gone.
    pub fn of(document: &Document, author: Author, known: &BTreeSet<String>) -> Result<Self> {
        let mut operations = BTreeMap::new();
        for (path, item) in document.root()["paths"].as_object().into_iter().flatten() {
            let ours = path == PATH || path.strip_prefix(PATH).is_some_and(|rest| rest.starts_with('/'));
            let item = document.follow(item)?;
            for (method, operation) in
                METHODS.iter().filter_map(|method| Some((method.to_uppercase(), item.get(*method)?)))
            {
                let name = operation["operationId"].as_str().map_or_else(|| format!("{method} {path}"), str::to_owned);
                if ours || known.contains(&name.to_snake_case()) {
                    let operation = Spelt { document, author, path, item, operation }.read(name, &method)?;
                    operations.insert((shape(path), method), operation);
                }
            }
        }
        let servers = (author == Author::Ourselves).then(|| servers(document.root()));
        Ok(Self { operations, servers })
    }

    pub fn rust_names(&self) -> BTreeSet<String> {
        self.operations.values().map(Operation::rust_name).collect()
    }
}

fn servers(root: &Value) -> BTreeMap<String, Vec<String>> {
    let mut servers = BTreeMap::<String, Vec<String>>::new();
    for server in root["servers"].as_array().into_iter().flatten() {
        let text = |member: &str| server[member].as_str().unwrap_or_default().to_owned();
        servers.entry(text("x-environment")).or_default().push(text("url"));
    }
    servers
}

/// A path as it goes over the wire: `/api_keys/{id}` and `/api_keys/{api_key}` are one.
pub fn shape(path: &str) -> String {
    let step = |step: &str| if step.starts_with('{') { "{}".to_owned() } else { step.to_owned() };
    path.split('/').map(step).collect::<Vec<_>>().join("/")
}

/// An operation as it is written, and what it is written in.
struct Spelt<'a> {
    document: &'a Document,
    author: Author,
    path: &'a str,
    item: &'a Value,
    operation: &'a Value,
}

impl Spelt<'_> {
    fn read(&self, name: String, method: &str) -> Result<Operation> {
        let mut operation = Operation {
            name,
            method: method.to_owned(),
            path: self.path.to_owned(),
            is_deprecated: self.operation["deprecated"] == true,
            security: self.security()?,
            parameters: self.parameters()?,
            request: None,
            successes: BTreeMap::new(),
            errors: BTreeSet::new(),
            error_ranges: (self.author == Author::Ourselves).then(BTreeSet::new),
            error_bodies: (self.author == Author::Ourselves).then(BTreeMap::new),
        };
        if let Some(body) = self.operation.get("requestBody") {
            let body = self.document.follow(body)?;
            operation.request = Some(Request { is_required: body["required"] == true, content: self.content(body)? });
        }
        for (status, response) in self.operation["responses"].as_object().into_iter().flatten() {
            let response = self.document.follow(response)?;
            let is_error = status.starts_with(['4', '5']) || status == "default";
            if !is_error {
                operation.successes.insert(status.clone(), self.content(response)?);
                continue;
            }
            // The service leaves them out, or describes another shape than the one every error is brought into.
            if let Some(bodies) = &mut operation.error_bodies {
                bodies.insert(status.clone(), self.content(response)?);
            }
            if status.bytes().all(|b| b.is_ascii_digit()) {
                operation.errors.insert(status.clone());
            } else if let Some(ranges) = &mut operation.error_ranges {
                ranges.insert(status.clone());
            }
        }
        Ok(operation)
    }

    fn schema(&self, part: &Value) -> Result<Schema> {
        Reader::new(self.document, self.author == Author::Ourselves).schema(part)
    }

    fn content(&self, body: &Value) -> Result<Content> {
        let media = body["content"].as_object().into_iter().flatten();
        let bare = |media: &str| media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        media.map(|(name, content)| Ok((bare(name), self.schema(&content["schema"])?))).collect()
    }

    fn security(&self) -> Result<BTreeSet<BTreeSet<String>>> {
        let root = self.document.root();
        let ways = self.operation.get("security").or(root.get("security")).and_then(Value::as_array);
        let mut security = BTreeSet::new();
        for way in ways.into_iter().flatten().filter_map(Value::as_object) {
            let schemes = way.keys().map(|name| {
                let scheme = self.document.follow(&root["components"]["securitySchemes"][name])?;
                let (place, sent) = (scheme["in"].as_str(), scheme["name"].as_str());
                Ok(match place.zip(sent) {
                    Some(("header", sent)) => format!("header {}", sent.to_ascii_uppercase()),
                    Some((place, sent)) => format!("{place} {sent}"),
                    None => scheme["scheme"].as_str().or(scheme["type"].as_str()).unwrap_or(name).to_owned(),
                })
            });
            security.insert(schemes.collect::<Result<_>>()?);
        }
        // No security and an empty list of it say the same.
        security.is_empty().then(|| security.insert(BTreeSet::new()));
        Ok(security)
    }

    /// Those of the path's item too, unless the operation has its own of that name.
    fn parameters(&self) -> Result<BTreeMap<(String, String), Parameter>> {
        let placeholders = self.path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default());
        let placeholders = placeholders.collect::<Vec<_>>();
        let mut parameters = BTreeMap::new();
        let written = [self.item, self.operation].into_iter().filter_map(|part| part["parameters"].as_array());
        for parameter in written.flatten() {
            let parameter = self.document.follow(parameter)?;
            let text = |member: &str| parameter[member].as_str().unwrap_or_default();
            let (place, name) = (text("in"), text("name"));
            let key = match place {
                "path" => placeholders.iter().position(|known| *known == name).unwrap_or_default().to_string(),
                "header" => name.to_ascii_lowercase(),
                _ => name.to_owned(),
            };
            let usual = if matches!(place, "query" | "cookie") { "form" } else { "simple" };
            let style = parameter["style"].as_str().unwrap_or(usual);
            let explode = parameter["explode"].as_bool().unwrap_or(style == "form");
            let content = parameter["content"].as_object().and_then(|content| content.values().next());
            let schema = &content.unwrap_or(parameter)["schema"];
            let parameter = Parameter {
                name: name.to_owned(),
                is_required: parameter["required"] == json!(true),
                style: format!("{style}{}", if explode { ", exploded" } else { "" }),
                schema: self.schema(schema)?,
            };
            parameters.insert((place.to_owned(), key), parameter);
        }
        Ok(parameters)
    }
}
