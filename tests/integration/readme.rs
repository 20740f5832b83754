//! Checks that every test which `tests/README.md` names exists.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_table_names_exists() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let readme = fs::read_to_string(tests.join("README.md")).unwrap();
    let cells = readme
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(|line| line.rsplit('|').nth(1));
    let names: Vec<_> = cells
        .flat_map(|cell| cell.split('`'))
        .filter(|name| name.contains("::"))
        .collect();
    assert!(names.len() > 20, "the table is not found");
    for name in names {
        let (module, function) = name.rsplit_once("::").unwrap();
        let file = tests
            .join("integration")
            .join(module.replace("::", "/"))
            .with_extension("rs");
        let source = fs::read_to_string(file).unwrap_or_default();
        assert!(
            source.contains(&format!("fn {function}(")),
            "tests/README.md names {name}"
        );
    }
}
