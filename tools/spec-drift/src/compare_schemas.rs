//! Schemas side by side, in the direction in which they travel.
//!
//! What is sent breaks when less is accepted than before. What is read breaks when its shape promises less than before:
//! a field gone, absent or null, another type, a value that a closed enum does not list. Bounds of what is read break
//! nothing either way, because the client reads past them. What is not known here breaks until a person has looked.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::compare::Comparison;
use crate::difference::Direction;
use crate::schema::{Bound, Schema, bound};

use Direction::{Answer, Request};

pub fn field(comparison: &mut Comparison, direction: Direction, old: &Schema, new: &Schema) {
    if old.types != new.types {
        let is_kept = match direction {
            Request => takes(new, old),
            Answer => takes(old, new) && !new.types.is_empty(),
        };
        comparison.found("type", !is_kept, format!("{}, was {}", new.in_words(), old.in_words()));
        // What follows from another type is no news.
        if old.types.is_disjoint(&new.types) {
            return;
        }
    }
    match (old.nullable, new.nullable) {
        (true, false) => comparison.found("nullable", direction == Request, "never null, could be null"),
        (false, true) => comparison.found("nullable", direction == Answer, "may be null, was never null"),
        _ => {}
    }
    values(comparison, direction, old, new);
    fields(comparison, direction, old, new);
    alternatives(comparison, direction, old, new);
    keywords(comparison, direction, old, new);
}

/// Whether every value of the types of `part` is one of the types of `whole`.
fn takes(whole: &Schema, part: &Schema) -> bool {
    let takes = |kind: &String| whole.types.contains(kind) || kind == "integer" && whole.types.contains("number");
    whole.types.is_empty() || !part.types.is_empty() && part.types.iter().all(takes)
}

fn values(comparison: &mut Comparison, direction: Direction, old: &Schema, new: &Schema) {
    let unknown_breaks = direction == Answer && old.open != Some(true);
    let list = |values: &[Value]| values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
    match (&old.values, &new.values) {
        (None, None) => {}
        (None, Some(known)) => {
            comparison.found("enum", direction == Request, format!("one of {}, was any", list(known)))
        }
        (Some(known), None) => {
            comparison.found("enum", unknown_breaks, format!("any value, was one of {}", list(known)))
        }
        (Some(before), Some(after)) => {
            for value in before.iter().filter(|value| !after.contains(value)) {
                comparison.found("enum", direction == Request, format!("gone: value {value}"));
            }
            for value in after.iter().filter(|value| !before.contains(value)) {
                comparison.found("enum", unknown_breaks, format!("new value {value}"));
            }
        }
    }
    match (old.open, new.open) {
        (Some(true), Some(false)) => comparison.breaks("x-open-enum", "a closed enum, was open"),
        (Some(false), Some(true)) => comparison.fine("x-open-enum", "an open enum, was closed"),
        _ => {}
    }
}

fn fields(comparison: &mut Comparison, direction: Direction, old: &Schema, new: &Schema) {
    let names = [old, new].into_iter().flat_map(|schema| schema.fields.keys().chain(&schema.required));
    for name in names.collect::<BTreeSet<_>>() {
        let [before, after] = [old, new].map(|schema| schema.fields.get(name));
        let [was_required, is_required] = [old, new].map(|schema| schema.required.contains(name));
        let here = comparison.place.field.clone();
        let dot = if here.is_empty() { "" } else { "." };
        comparison.place.field = format!("{here}{dot}{name}");
        match (before.is_some() || was_required, after.is_some() || is_required) {
            (true, false) => comparison.breaks("property", "gone"),
            (false, true) => {
                let text = if is_required { "new and required" } else { "new and optional" };
                comparison.found("property", direction == Request && is_required, text);
            }
            _ => {
                comparison.required(direction, was_required, is_required);
                let any = Schema::default();
                field(comparison, direction, before.unwrap_or(&any), after.unwrap_or(&any));
            }
        }
        comparison.place.field = here;
    }
    for name in old.inner.keys().chain(new.inner.keys()).collect::<BTreeSet<_>>() {
        let any = Schema::default();
        let here = comparison.place.field.clone();
        comparison.place.field = format!("{here}{name}");
        field(comparison, direction, old.inner.get(name).unwrap_or(&any), new.inner.get(name).unwrap_or(&any));
        comparison.place.field = here;
    }
}

fn alternatives(comparison: &mut Comparison, direction: Direction, old: &Schema, new: &Schema) {
    let only = |one: &Schema, other: &Schema| {
        one.alternatives.iter().filter(|schema| !other.alternatives.contains(schema)).cloned().collect::<Vec<_>>()
    };
    let (gone, added) = (only(old, new), only(new, old));
    if let ([before], [after]) = (&gone[..], &added[..]) {
        return field(comparison, direction, before, after);
    }
    // Where there was no choice, or is none any more, the whole shape is another.
    let is_other_shape = old.alternatives.is_empty() != new.alternatives.is_empty();
    for schema in &gone {
        comparison.found(
            "anyOf",
            is_other_shape || direction == Request,
            format!("gone: alternative {}", schema.in_words()),
        );
    }
    for schema in &added {
        comparison.found(
            "anyOf",
            is_other_shape || direction == Answer,
            format!("new alternative {}", schema.in_words()),
        );
    }
}

fn keywords(comparison: &mut Comparison, direction: Direction, old: &Schema, new: &Schema) {
    // 63 and 63.0 are one number.
    let is_same = |one: &Value, other: &Value| one == other || one.is_number() && one.as_f64() == other.as_f64();
    for keyword in old.keywords.keys().chain(new.keywords.keys()).collect::<BTreeSet<_>>() {
        let [before, after] = [old, new].map(|schema| schema.keywords.get(keyword));
        let breaks = keyword_breaks(direction, keyword, old, before, after);
        match (before, after) {
            (Some(before), Some(after)) if is_same(before, after) => {}
            (Some(before), Some(after)) => {
                comparison.found(keyword, breaks, format!("{keyword} {after}, was {before}"));
            }
            (None, Some(after)) => comparison.found(keyword, breaks, format!("{keyword} {after}, had none")),
            (Some(before), None) => comparison.unstated(keyword, breaks, before),
            (None, None) => {}
        }
    }
}

fn keyword_breaks(
    direction: Direction,
    keyword: &str,
    schema: &Schema,
    old: Option<&Value>,
    new: Option<&Value>,
) -> bool {
    let [was, is] = [old, new].map(|value| value.and_then(Value::as_f64));
    match (keyword, bound(keyword)) {
        ("deprecated", _) => false,
        // What an absent field means is another thing now; saying what it meant all along is not.
        ("default", _) => direction == Request && old.is_some() && new.is_some(),
        ("pattern", _) => direction == Request && new.is_some(),
        ("format", _) => {
            let is_number = schema.types.iter().any(|kind| matches!(kind.as_str(), "integer" | "number"));
            match direction {
                Request => !format_takes(new, old),
                Answer => is_number && !format_takes(old, new),
            }
        }
        (_, Some(Bound::Least)) => direction == Request && is.is_some_and(|is| was.is_none_or(|was| is > was)),
        (_, Some(Bound::Most)) => direction == Request && is.is_some_and(|is| was.is_none_or(|was| is < was)),
        _ => true,
    }
}

/// Whether every value of the format `part` is one of `whole`.
fn format_takes(whole: Option<&Value>, part: Option<&Value>) -> bool {
    let wider = [("int64", "int32"), ("double", "float")];
    let [Some(whole), Some(part)] = [whole, part] else { return whole.is_none() };
    whole == part || wider.iter().any(|(wide, narrow)| whole == wide && part == narrow)
}
