//! What the README says of the tests is so.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_a_table_of_the_readme_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let cells = readme.lines().filter(|line| line.starts_with('|')).filter_map(|line| line.rsplit('|').nth(1));
    let names: Vec<_> = cells.flat_map(|cell| cell.split('`')).filter(|name| name.contains("::")).collect();
    assert!(names.len() > 20, "the tables are not found");
    for name in names {
        let (module, function) = name.split_once("::").unwrap();
        let source = fs::read_to_string(root.join(format!("tests/integration/{module}.rs"))).unwrap_or_default();
        assert!(source.contains(&format!("fn {function}(")), "the README names {name}");
    }
}
