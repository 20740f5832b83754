//! What changed between two descriptions of the API-keys operations, and whether it breaks callers.
//!
//! `description` holds our spec against the service's own, when a new one is out: the service's may have any number of
//! other operations, other names for its schemas and no names at all. `revisions` holds two git revisions of our spec
//! against each other, for a review. Both judge what travels: names that only Rust callers see are held by the snapshot
//! in `tests/data/client.rs`, but for those of methods and setters, which are in the spec.
//!
//! Why not a library: drift 0.2.0 calls every difference inside a string, number or boolean (enums, bounds, formats)
//! "unhandled", does not report null and takes another default for trivial; schemadoc-diff 0.1.20 judges eight kinds of
//! difference, none of them a bound, null or optional; anicca 0.1.0 judges none and follows no `allOf`.
#![forbid(unsafe_code)]

mod compare;
mod compare_schemas;
mod deliberate;
mod difference;
mod document;
mod schema;
mod slice;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use lexopt::ValueExt;
use serde_json::{Value, json};

use crate::compare::compare;
use crate::deliberate::is_deliberate;
use crate::difference::Difference;
use crate::document::Document;
use crate::slice::{Author, Slice};

const USAGE: &str = "\
Usage: spec-drift description OPENAPI_YAML [--ours FILE] [--json]
       spec-drift revisions OLD_REV [NEW_REV] [--ours FILE] [--json]

description  our spec against the service's own full description
revisions    our spec at one git revision against another, or the working tree

--ours FILE  our spec, openapi/api_keys.yaml by default
--json       one JSON object instead of lines

Exit status: 0 no difference, 1 differences none of which breaks callers, 2 breaking ones,
             3 wrong usage or a file that cannot be read";

type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    match run() {
        Ok(status) => ExitCode::from(status),
        Err(fault) => {
            eprintln!("spec-drift: {fault}");
            ExitCode::from(3)
        }
    }
}

fn run() -> Result<u8> {
    let Some(arguments) = Arguments::parse().map_err(|e| format!("{e}\n\n{USAGE}"))? else {
        println!("{USAGE}");
        return Ok(0);
    };
    let ours = arguments.ours.as_path();
    let wrong = || format!("what to compare?\n\n{USAGE}");
    let (command, operands) = arguments.operands.split_first().ok_or_else(wrong)?;
    let (old, new, author) = match (command.to_str(), operands) {
        (Some("description"), [theirs]) => (file(ours)?, file(Path::new(theirs))?, Author::Service),
        (Some("revisions"), [old]) => (revision(ours, old)?, file(ours)?, Author::Ourselves),
        (Some("revisions"), [old, new]) => (revision(ours, old)?, revision(ours, new)?, Author::Ourselves),
        _ => return Err(wrong()),
    };
    let before = Slice::of(&old, Author::Ourselves, &BTreeSet::new())?;
    let after = Slice::of(&new, author, &before.rust_names())?;
    let (left_out, found) =
        compare(&before, &after).into_iter().partition::<Vec<_>, _>(|d| author == Author::Service && is_deliberate(d));
    let report = Report { old: &old, new: &new, found: &found, left_out: left_out.len() };
    if arguments.is_json {
        println!("{:#}", report.json())
    } else {
        report.lines().for_each(|line| println!("{line}"))
    }
    Ok(if found.is_empty() {
        0
    } else if report.breaking() == 0 {
        1
    } else {
        2
    })
}

struct Arguments {
    operands: Vec<OsString>,
    ours: PathBuf,
    is_json: bool,
}

impl Arguments {
    /// Nothing when help was asked for.
    fn parse() -> std::result::Result<Option<Self>, lexopt::Error> {
        use lexopt::Arg::{Long, Short, Value};
        let mut arguments = Self { operands: Vec::new(), ours: "openapi/api_keys.yaml".into(), is_json: false };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Value(operand) => arguments.operands.push(operand),
                Long("ours") => arguments.ours = parser.value()?.parse()?,
                Long("json") => arguments.is_json = true,
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(arguments))
    }
}

fn file(path: &Path) -> Result<Document> {
    let name = path.display().to_string();
    Document::parse(&name, std::fs::read(path).map_err(|e| format!("{name}: {e}"))?)
}

fn revision(path: &Path, revision: &OsString) -> Result<Document> {
    let revision = revision.to_string_lossy();
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = format!("{revision}:{}", path.display());
    let shown = Command::new("git")
        .current_dir(folder)
        .args(["show", "--end-of-options", &format!("{revision}:./{file}")])
        .output()
        .map_err(|e| format!("{name}: git: {e}"))?;
    if !shown.status.success() {
        let said = String::from_utf8_lossy(&shown.stderr);
        return Err(format!("{name}: git: {}", said.lines().next().unwrap_or_default()));
    }
    Document::parse(&name, shown.stdout)
}

struct Report<'a> {
    old: &'a Document,
    new: &'a Document,
    found: &'a [Difference],
    left_out: usize,
}

impl Report<'_> {
    fn breaking(&self) -> usize {
        self.found.iter().filter(|difference| difference.breaks).count()
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let plural = if self.found.len() == 1 { "" } else { "s" };
        let [old, new] = [self.old, self.new].map(|document| format!("{} ({})", document.name, document.version()));
        let left_out = match self.left_out {
            0 => String::new(),
            left_out => format!(", {left_out} deliberate ones left out"),
        };
        let summary =
            format!("{} difference{plural}, {} breaking{left_out}: {old} -> {new}", self.found.len(), self.breaking());
        self.found.iter().map(Difference::line).chain([summary])
    }

    fn json(&self) -> Value {
        json!({
            "old": self.old.name, "new": self.new.name, "breaking": self.breaking(), "left_out": self.left_out,
            "differences": self.found.iter().map(Difference::json).collect::<Vec<_>>(),
        })
    }
}
