//! The catalogue of bad inputs, row by row: what may come, and the test that shows what happens then.
//!
//! Rows of things that Keyway does not have (import bundles, rights to single connections) are not here.

mod answers_of_apis;
mod callbacks;
mod command_line;
mod configuration;
mod connection_forms;
mod definitions_of_flows;
mod expressions;
mod requests;
mod schedules;
mod storage;
mod token_responses;
mod webhooks;

use std::path::Path;

/// What may come, the file of the test below `crates/` (`tests/` if it is Python, `console/tests/` if it is a walk), and its name.
type Row = (&'static str, &'static str, &'static str);

#[test]
fn every_row_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let all = [
        connection_forms::ROWS,
        callbacks::ROWS,
        token_responses::ROWS,
        answers_of_apis::ROWS,
        definitions_of_flows::ROWS,
        expressions::ROWS,
        webhooks::ROWS,
        schedules::ROWS,
        requests::ROWS,
        command_line::ROWS,
        configuration::ROWS,
        storage::ROWS,
    ];
    for (what, file, test) in all.concat() {
        let (below, opening) = match file.rsplit_once('.') {
            Some((_, "py")) => ("tests", format!("def {test}(")),
            Some((_, "mjs")) => ("console/tests", format!("test(\"{test}\",")),
            _ => ("crates", format!("fn {test}(")),
        };
        let path = root.join(below).join(file);
        let source =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&opening), "{what}: {file} has no {test}");
    }
}
