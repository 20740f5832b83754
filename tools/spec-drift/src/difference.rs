//! What was found: a difference, its place, and whether it breaks callers.

use serde_json::{Value, json};

/// In what direction a schema travels: whoever sends must not be asked for more, whoever reads must not be given less.
#[derive(Clone, Copy, PartialEq)]
pub enum Direction {
    Request,
    Answer,
}

#[derive(Clone, Default)]
pub struct Place {
    pub operation: String,
    /// `request`, `answer 201`, `query fcm_subtrader_id`; empty for the operation itself.
    pub part: String,
    /// `api_keys[].scopes[]`; empty for the part itself.
    pub field: String,
}

pub struct Difference {
    pub place: Place,
    /// What of the place differs, as the specification calls it.
    pub keyword: String,
    /// The old document states this keyword, the new one says nothing.
    pub is_unstated: bool,
    pub breaks: bool,
    pub text: String,
}

impl Difference {
    pub fn line(&self) -> String {
        let Place { operation, part, field } = &self.place;
        let place = [operation, part, field].into_iter().filter(|name| !name.is_empty()).map(String::as_str);
        let verdict = if self.breaks { "BREAKS" } else { "ok    " };
        format!("{verdict}  {}: {}", place.collect::<Vec<_>>().join(", "), self.text)
    }

    pub fn json(&self) -> Value {
        let Place { operation, part, field } = &self.place;
        json!({
            "breaks": self.breaks, "operation": operation, "part": part, "field": field,
            "keyword": self.keyword, "text": self.text,
        })
    }
}
