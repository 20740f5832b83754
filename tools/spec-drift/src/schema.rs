//! A schema without its spelling: references followed, `allOf` merged, the two ways to write null made one, and what
//! only people read left out. Two documents that mean the same give the same schema, whatever they call its parts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::Result;
use crate::document::Document;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// Without null; empty is any.
    pub types: BTreeSet<String>,
    pub nullable: bool,
    pub values: Option<Vec<Value>>,
    /// Whether its values are only those known today. The service's own description does not say.
    pub open: Option<bool>,
    pub required: BTreeSet<String>,
    pub fields: BTreeMap<String, Schema>,
    /// `[]` the items of an array, `{}` the fields without a name.
    pub inner: BTreeMap<&'static str, Schema>,
    /// `anyOf` and `oneOf`.
    pub alternatives: Vec<Schema>,
    /// Bounds, formats, defaults, and every keyword that has no place above.
    pub keywords: BTreeMap<String, Value>,
}

/// For people, or for other tools.
const WORDS: [&str; 10] =
    ["title", "description", "example", "examples", "externalDocs", "xml", "$schema", "$id", "$comment", "$defs"];

pub struct Reader<'a> {
    document: &'a Document,
    /// Whether `x-open-enum` is to be heeded.
    knows_open: bool,
    /// The references being followed, and how deep each stands: a schema may hold itself.
    within: Vec<(String, usize)>,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub fn new(document: &'a Document, knows_open: bool) -> Self {
        Self { document, knows_open, within: Vec::new(), depth: 0 }
    }

    pub fn schema(&mut self, part: &Value) -> Result<Schema> {
        let Some(members) = part.as_object() else {
            let never = (*part == false).then(|| ("never".to_owned(), json!(true)));
            return Ok(Schema { keywords: never.into_iter().collect(), ..Schema::default() });
        };
        let mut schema = self.own(members)?;
        let mut parts = self.each(&members.get("allOf").cloned().unwrap_or_default())?;
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            parts.push(self.referenced(reference)?);
        }
        let (mut alternatives, mut or_null) = (Vec::new(), false);
        for list in ["anyOf", "oneOf"].iter().filter_map(|list| members.get(*list)?.as_array()) {
            or_null |= list.iter().any(|part| part["type"] == "null");
            alternatives.extend(list.iter().filter(|part| part["type"] != "null").cloned());
        }
        let mut alternatives = self.each(&Value::Array(alternatives))?;
        match alternatives.len() {
            1 => parts.append(&mut alternatives),
            _ => schema.alternatives = alternatives,
        }
        // What stands beside the parts is said of this place, and outranks them.
        let said = members.contains_key("nullable") || schema.nullable || or_null;
        let nullable =
            if said { schema.nullable || or_null } else { !parts.is_empty() && parts.iter().all(|p| p.nullable) };
        parts.into_iter().for_each(|part| schema.merge(part));
        schema.nullable = nullable;
        Ok(schema)
    }

    /// What the schema says itself, without the parts it is made of.
    fn own(&mut self, members: &Map<String, Value>) -> Result<Schema> {
        let mut schema = Schema::default();
        for (keyword, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            match keyword.as_str() {
                "$ref" | "allOf" | "anyOf" | "oneOf" => {}
                "type" => {
                    let types = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                    schema.types = types.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                    schema.nullable |= schema.types.remove("null");
                }
                "nullable" => schema.nullable |= *value == true,
                "enum" | "const" => {
                    let values = value.as_array().filter(|_| keyword == "enum").cloned();
                    let mut values = values.unwrap_or_else(|| vec![value.clone()]);
                    values.retain(|value| !value.is_null());
                    schema.values = Some(values);
                    schema.open = self.knows_open.then(|| members.get("x-open-enum") == Some(&json!(true)));
                }
                "required" => {
                    schema.required =
                        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
                }
                "properties" => {
                    for (name, field) in value.as_object().into_iter().flatten() {
                        schema.fields.insert(name.clone(), self.deeper(field)?);
                    }
                }
                "items" => drop(schema.inner.insert("[]", self.deeper(value)?)),
                "additionalProperties" if value.is_object() && *value != json!({}) => {
                    schema.inner.insert("{}", self.deeper(value)?);
                }
                "discriminator" => drop(schema.keywords.insert(keyword.clone(), value["propertyName"].clone())),
                // 3.0 writes `minimum: 0, exclusiveMinimum: true`, 3.1 `exclusiveMinimum: 0`.
                "minimum" if members.get("exclusiveMinimum") == Some(&json!(true)) => {
                    schema.keywords.insert("exclusiveMinimum".to_owned(), value.clone());
                }
                "maximum" if members.get("exclusiveMaximum") == Some(&json!(true)) => {
                    schema.keywords.insert("exclusiveMaximum".to_owned(), value.clone());
                }
                "exclusiveMinimum" | "exclusiveMaximum" if value.is_boolean() => {}
                "minLength" | "minItems" | "minProperties" if *value == 0 => {}
                "default" => drop(schema.keywords.insert(keyword.clone(), value.clone())),
                "additionalProperties" if *value != false => {}
                "additionalProperties" => drop(schema.keywords.insert(keyword.clone(), value.clone())),
                _ if *value == false || keyword.starts_with("x-") || WORDS.contains(&keyword.as_str()) => {}
                _ => drop(schema.keywords.insert(keyword.clone(), value.clone())),
            }
        }
        Ok(schema)
    }

    fn referenced(&mut self, reference: &str) -> Result<Schema> {
        if let Some((_, depth)) = self.within.iter().find(|(known, _)| known == reference) {
            let up = self.depth - depth;
            if up == 0 {
                return Err(self.document.fault(reference, "leads to itself"));
            }
            let again = ("the same again, levels up".to_owned(), json!(up));
            return Ok(Schema { keywords: [again].into(), ..Schema::default() });
        }
        let target = self.document.target(reference)?;
        self.within.push((reference.to_owned(), self.depth));
        let schema = self.schema(target);
        self.within.pop();
        schema
    }

    fn deeper(&mut self, part: &Value) -> Result<Schema> {
        self.depth += 1;
        let schema = self.schema(part);
        self.depth -= 1;
        schema
    }

    fn each(&mut self, list: &Value) -> Result<Vec<Schema>> {
        list.as_array().into_iter().flatten().map(|part| self.schema(part)).collect()
    }
}

impl Schema {
    /// Both hold: where both speak of the same, the narrower bound does, and else what `self` says.
    fn merge(&mut self, part: Schema) {
        match (self.types.is_empty(), part.types.is_empty()) {
            (true, _) => self.types = part.types,
            (false, true) => {}
            (false, false) => self.types.retain(|kind| part.types.contains(kind)),
        }
        self.open = self.open.or(part.open);
        self.values = match (self.values.take(), part.values) {
            (Some(own), Some(other)) => Some(own.into_iter().filter(|value| other.contains(value)).collect()),
            (own, other) => own.or(other),
        };
        self.required.extend(part.required);
        for (name, field) in part.fields {
            match self.fields.get_mut(&name) {
                Some(own) => own.merge(field),
                None => drop(self.fields.insert(name, field)),
            }
        }
        for (name, inner) in part.inner {
            match self.inner.get_mut(name) {
                Some(own) => own.merge(inner),
                None => drop(self.inner.insert(name, inner)),
            }
        }
        self.alternatives.extend(part.alternatives);
        for (keyword, value) in part.keywords {
            let bound = bound(&keyword);
            let own = self.keywords.entry(keyword).or_insert_with(|| value.clone());
            let narrower = match bound {
                Some(Bound::Least) => value.as_f64() > own.as_f64(),
                Some(Bound::Most) => value.as_f64() < own.as_f64(),
                None => false,
            };
            if narrower {
                *own = value;
            }
        }
    }

    /// In words, as short as they come.
    pub fn in_words(&self) -> String {
        let types = self.types.iter().map(String::as_str).collect::<Vec<_>>();
        if types.is_empty() { "anything".to_owned() } else { types.join(" or ") }
    }
}

pub enum Bound {
    Least,
    Most,
}

pub fn bound(keyword: &str) -> Option<Bound> {
    match keyword {
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => Some(Bound::Least),
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => Some(Bound::Most),
        _ => None,
    }
}
