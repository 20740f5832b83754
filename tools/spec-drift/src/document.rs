//! An OpenAPI document as text and as data. Every complaint about it names the file, the line and the column.

use serde_json::Value;

use crate::Result;

pub struct Document {
    pub name: String,
    text: String,
    value: Value,
}

impl Document {
    pub fn parse(name: &str, bytes: Vec<u8>) -> Result<Self> {
        let text = String::from_utf8(bytes).map_err(|e| {
            let before = String::from_utf8_lossy(&e.as_bytes()[..e.utf8_error().valid_up_to()]).into_owned();
            format!("{name}:{}: not UTF-8", end_of(&before))
        })?;
        let value: Value = serde_saphyr::from_str(&text).map_err(|e| {
            let place = e.location().map_or("1:1".to_owned(), |at| format!("{}:{}", at.line(), at.column()));
            let message = e.without_snippet().to_string();
            // What follows repeats the place, or speaks to the caller of the parser.
            let end = [" at line", ", set ", "; use "].iter().filter_map(|end| message.find(end)).min();
            format!("{name}:{place}: {}", &message[..end.unwrap_or(message.len())])
        })?;
        if !value["openapi"].as_str().is_some_and(|version| version.starts_with("3.")) || !value["paths"].is_object() {
            return Err(format!("{name}:1:1: no OpenAPI 3 document: it needs `openapi: 3.…` and `paths`"));
        }
        Ok(Self { name: name.to_owned(), text, value })
    }

    pub fn version(&self) -> &str {
        self.value["info"]["version"].as_str().unwrap_or("no version")
    }

    pub fn root(&self) -> &Value {
        &self.value
    }

    /// What a `$ref` points at.
    pub fn target(&self, reference: &str) -> Result<&Value> {
        let target = reference.strip_prefix('#').and_then(|pointer| self.value.pointer(pointer));
        target.ok_or_else(|| match reference.starts_with('#') {
            true => self.fault(reference, "points at nothing in this document"),
            false => self.fault(reference, "points at another document; bundle them into one first"),
        })
    }

    /// The part itself, or what its `$ref` points at.
    pub fn follow<'a>(&'a self, part: &'a Value) -> Result<&'a Value> {
        let mut at = part;
        let mut seen = Vec::new();
        while let Some(reference) = at["$ref"].as_str() {
            if seen.contains(&reference) {
                return Err(self.fault(reference, "leads to itself"));
            }
            seen.push(reference);
            at = self.target(reference)?;
        }
        Ok(at)
    }

    pub fn fault(&self, reference: &str, what: &str) -> String {
        let at = self.text.find(reference).unwrap_or_default();
        format!("{}:{}: $ref {reference:?} {what}", self.name, end_of(&self.text[..at]))
    }
}

/// Line and column of what follows a text.
fn end_of(text: &str) -> String {
    let column = text.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{}:{column}", text.split('\n').count())
}
