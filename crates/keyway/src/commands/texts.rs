//! Texts that are kept in files and applied: which files are meant, and what differs.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Exit;
use crate::failure::Failure;
use crate::ui::plain;

/// Lines around a change that are shown with it.
const AROUND: usize = 2;

/// A file as it is named; of a directory, in the order of their names, what looks like YAML or JSON. A directory that
/// cannot be read is a failure with this code.
pub(super) fn collect(path: &str, code: &str, files: &mut Vec<String>) -> Result<(), Failure> {
    if path == "-" || !Path::new(path).is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let unreadable = |error: std::io::Error| {
        let detail = format!("the directory {path} cannot be read: {error}");
        Failure::new(Exit::Invalid, code, detail)
    };
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    entries.sort();
    for entry in entries {
        let hidden = entry
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_text = entry.extension().is_some_and(|extension| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| extension == *known)
        });
        if !hidden && (is_text || entry.is_dir()) {
            collect(&entry.to_string_lossy(), code, files)?;
        }
    }
    Ok(())
}

/// The changed lines with those around them.
pub(super) fn difference(diff: &Value) -> String {
    let lines: Vec<&str> = diff
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let changed: Vec<usize> = (0..lines.len())
        .filter(|at| !lines[*at].starts_with(' '))
        .collect();
    let mut out = Vec::new();
    let mut left_out = false;
    for (at, line) in lines.iter().enumerate() {
        let near = changed.iter().any(|change| change.abs_diff(at) <= AROUND);
        if near {
            out.push(format!("  {}", plain(line)));
        } else if !left_out {
            out.push("  …".to_owned());
        }
        left_out = !near;
    }
    out.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_shows_what_is_near_a_change() {
        let diff = json!([" a", " b", " c", " d", "-e", "+f", " g", " h", " i", " j"]);
        let shown = difference(&diff);
        let expected = "  …\n   c\n   d\n  -e\n  +f\n   g\n   h\n  …";
        assert_eq!(shown, expected);
        assert_eq!(difference(&json!([])), "");
    }
}
