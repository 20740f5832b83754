//! Operations side by side: what is new, gone or changed in how they are called and what they answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::compare_schemas::field;
use crate::difference::{Difference, Direction, Place};
use crate::slice::{Content, Operation, Parameter, Slice, shape};

/// The differences found so far, and the place that is looked at.
#[derive(Default)]
pub struct Comparison {
    pub differences: Vec<Difference>,
    pub place: Place,
}

pub fn compare(old: &Slice, new: &Slice) -> Vec<Difference> {
    let mut comparison = Comparison::default();
    comparison.servers(old, new);
    let mut seen = BTreeSet::new();
    for (key, before) in &old.operations {
        comparison.place = Place { operation: before.name.clone(), ..Place::default() };
        let is_moved = |(key, after): &(_, &Operation)| {
            after.rust_name() == before.rust_name() && !old.operations.contains_key(*key)
        };
        match new.operations.get_key_value(key).or_else(|| new.operations.iter().find(is_moved)) {
            Some((key, after)) => {
                seen.insert(key);
                comparison.operation(before, after);
            }
            None => comparison.breaks("operation", format!("gone, was {} {}", before.method, before.path)),
        }
    }
    for (_, after) in new.operations.iter().filter(|(key, _)| !seen.contains(key)) {
        comparison.place = Place { operation: after.name.clone(), ..Place::default() };
        comparison.fine("operation", format!("new, {} {}", after.method, after.path));
    }
    comparison.differences.sort_by(|one, other| one.place.operation.cmp(&other.place.operation));
    comparison.differences
}

impl Comparison {
    pub fn breaks(&mut self, keyword: &str, text: impl Into<String>) {
        self.found(keyword, true, text);
    }

    pub fn fine(&mut self, keyword: &str, text: impl Into<String>) {
        self.found(keyword, false, text);
    }

    pub fn found(&mut self, keyword: &str, breaks: bool, text: impl Into<String>) {
        let (keyword, text) = (keyword.to_owned(), text.into());
        self.differences.push(Difference { place: self.place.clone(), keyword, is_unstated: false, breaks, text });
    }

    pub fn unstated(&mut self, keyword: &str, breaks: bool, was: &Value) {
        let text = format!("gone: {keyword}, was {was}");
        let (place, keyword) = (self.place.clone(), keyword.to_owned());
        self.differences.push(Difference { place, keyword, is_unstated: true, breaks, text });
    }

    /// Callers name an environment; its first URL is where their requests then go.
    fn servers(&mut self, old: &Slice, new: &Slice) {
        let (Some(old), Some(new)) = (&old.servers, &new.servers) else { return };
        for environment in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let [before, after] = [old, new].map(|servers| servers.get(environment).map_or(&[][..], Vec::as_slice));
            self.place = Place { operation: format!("servers of {environment}"), ..Place::default() };
            if before.first() != after.first() {
                let [before, after] = [before, after].map(|urls| urls.first().map_or("none", String::as_str));
                self.found("servers", before != "none", format!("{after} by default, was {before}"));
            } else if before != after {
                self.fine("servers", format!("{}, was {}", after.join(" "), before.join(" ")));
            }
        }
    }

    fn operation(&mut self, old: &Operation, new: &Operation) {
        if (&old.method, shape(&old.path)) != (&new.method, shape(&new.path)) {
            self.breaks("path", format!("{} {}, was {} {}", new.method, new.path, old.method, old.path));
        }
        if old.rust_name() != new.rust_name() {
            self.breaks("operationId", format!("called {}, which renames the client's method", new.name));
        }
        if old.is_deprecated != new.is_deprecated {
            self.fine("deprecated", if new.is_deprecated { "deprecated" } else { "no longer deprecated" });
        }
        let way = |way: &BTreeSet<String>| match way.is_empty() {
            true => "nothing".to_owned(),
            false => way.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        for gone in old.security.difference(&new.security) {
            self.breaks("security", format!("no longer signed by {}", way(gone)));
        }
        for added in new.security.difference(&old.security) {
            self.fine("security", format!("signed by {}", way(added)));
        }
        self.parameters(&old.parameters, &new.parameters);
        self.request(old, new);
        self.answers(old, new);
    }

    fn parameters(&mut self, old: &BTreeMap<(String, String), Parameter>, new: &BTreeMap<(String, String), Parameter>) {
        for (key, before) in old {
            self.place.part = format!("{} {}", key.0, before.name);
            let Some(after) = new.get(key) else {
                self.breaks("parameter", "gone");
                continue;
            };
            if before.name != after.name && key.0 == "path" {
                self.breaks("name", format!("called {}, which renames the builder's setter", after.name));
            }
            self.required(Direction::Request, before.is_required, after.is_required);
            if before.style != after.style {
                self.breaks("style", format!("written as {}, was {}", after.style, before.style));
            }
            field(self, Direction::Request, &before.schema, &after.schema);
        }
        for (key, after) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
            self.place.part = format!("{} {}", key.0, after.name);
            self.found(
                "parameter",
                after.is_required,
                if after.is_required { "new and required" } else { "new and optional" },
            );
        }
    }

    pub fn required(&mut self, direction: Direction, old: bool, new: bool) {
        match (old, new) {
            (false, true) => self.found("required", direction == Direction::Request, "required, was optional"),
            (true, false) => {
                self.found("required", direction == Direction::Answer, "optional, was required");
                self.differences.last_mut().into_iter().for_each(|difference| difference.is_unstated = true);
            }
            _ => {}
        }
    }

    fn request(&mut self, old: &Operation, new: &Operation) {
        self.place.part = "request".to_owned();
        match (&old.request, &new.request) {
            (None, None) => {}
            (Some(_), None) => self.breaks("requestBody", "gone"),
            (None, Some(body)) => {
                self.found(
                    "requestBody",
                    body.is_required,
                    if body.is_required { "new and required" } else { "new and optional" },
                );
            }
            (Some(old), Some(new)) => {
                self.required(Direction::Request, old.is_required, new.is_required);
                self.content(Direction::Request, &old.content, &new.content);
            }
        }
    }

    fn answers(&mut self, old: &Operation, new: &Operation) {
        let gone = old.successes.keys().filter(|status| !new.successes.contains_key(*status)).collect::<Vec<_>>();
        let added = new.successes.keys().filter(|status| !old.successes.contains_key(*status)).collect::<Vec<_>>();
        let became = |status| {
            if let ([one], [other]) = (&gone[..], &added[..]) { (*one == status).then_some(*other) } else { None }
        };
        for (status, before) in &old.successes {
            self.place.part = format!("answer {status}");
            let now = became(status).unwrap_or(status);
            match new.successes.get(now) {
                Some(after) => {
                    if now != status {
                        self.breaks("status", format!("status {now}, was {status}"));
                    }
                    self.content(Direction::Answer, before, after);
                }
                None => self.breaks("status", "gone"),
            }
        }
        for status in added.iter().filter(|_| gone.len() != 1 || added.len() != 1) {
            self.place.part = format!("answer {status}");
            self.breaks("status", "new, a success that callers do not know");
        }
        self.statuses(&old.errors, &new.errors, false);
        // Without its range an unlisted status loses its reason.
        if let (Some(old), Some(new)) = (&old.error_ranges, &new.error_ranges) {
            self.statuses(old, new, true);
        }
        if let (Some(old), Some(new)) = (&old.error_bodies, &new.error_bodies) {
            self.error_bodies(old, new);
        }
        self.place.part.clear();
    }

    fn statuses(&mut self, old: &BTreeSet<String>, new: &BTreeSet<String>, gone_breaks: bool) {
        for status in old.symmetric_difference(new) {
            let is_gone = old.contains(status);
            self.place.part = format!("answer {status}");
            self.found("status", is_gone && gone_breaks, if is_gone { "gone" } else { "new, an error" });
        }
    }

    /// Every error has one body, so what changed in it is said once.
    fn error_bodies(&mut self, old: &BTreeMap<String, Content>, new: &BTreeMap<String, Content>) {
        let before = self.differences.len();
        for (old, new) in old.iter().filter_map(|(status, content)| Some((content, new.get(status)?))) {
            self.place.part = "every error".to_owned();
            self.content(Direction::Answer, old, new);
        }
        let mut seen = BTreeSet::new();
        let found = self.differences.split_off(before);
        self.differences.extend(found.into_iter().filter(|difference| seen.insert(difference.line())));
    }

    fn content(&mut self, direction: Direction, old: &Content, new: &Content) {
        for (media, before) in old {
            match new.get(media) {
                Some(after) => field(self, direction, before, after),
                None => self.breaks("content", format!("gone as {media}")),
            }
        }
        for media in new.keys().filter(|media| !old.contains_key(*media)) {
            self.fine("content", format!("new as {media}"));
        }
    }
}
