//! Tables that fit eighty columns on a terminal, as far as what must not be broken lets them.

use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Width, presets};
use serde_json::Value;

use super::text::{room, width};
use super::{WIDTH, plain};

/// No id and no code is longer.
const UNBROKEN: usize = 64;

/// A table in the making.
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(header: &[&str]) -> Table {
        Table {
            header: header.iter().map(|name| (*name).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; the cells may come from anywhere.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| plain(&cell)).collect());
    }

    /// Lays the table out for whoever reads stdout: a row is one line unless a terminal shows it.
    pub(crate) fn text(&self) -> String {
        self.text_within(room())
    }

    /// Lays the table out. Cells are broken between words, so that ids and codes can be copied; a word that is longer than
    /// any of them is broken all the same.
    fn text_within(&self, room: Option<usize>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).force_no_tty();
        match room {
            Some(room) => table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(u16::try_from(room).unwrap_or(80)),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        table.set_header(
            self.header
                .iter()
                .map(|name| Cell::new(name.to_uppercase())),
        );
        for row in &self.rows {
            table.add_row(row.iter().map(Cell::new));
        }
        for column in table.column_iter_mut().filter(|_| room.is_some()) {
            let least = self.longest_word(column.index);
            let with_padding = u16::try_from(least).unwrap_or(80) + 2;
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(with_padding)));
        }
        let mut text = table
            .lines()
            .map(|line| {
                line.strip_prefix(' ')
                    .unwrap_or(&line)
                    .trim_end()
                    .to_owned()
            })
            .collect::<Vec<_>>()
            .join("\n");
        text.push('\n');
        text
    }

    /// How wide the longest word of a column is that is not broken.
    fn longest_word(&self, column: usize) -> usize {
        let rows = std::iter::once(&self.header).chain(&self.rows);
        let words = rows
            .filter_map(|row| row.get(column))
            .flat_map(|cell| cell.split(' '));
        words.map(width).max().unwrap_or(0).min(UNBROKEN)
    }

    /// The width each column would like to have.
    fn wishes(&self) -> Vec<usize> {
        let mut table = comfy_table::Table::new();
        table.set_header(self.header.iter().map(Cell::new));
        for row in &self.rows {
            table.add_row(row.iter().map(Cell::new));
        }
        table
            .column_max_content_widths()
            .into_iter()
            .map(usize::from)
            .collect()
    }
}

/// What tells a row apart is shown first, the rest follows as the API sent it.
const FIRST: [&str; 8] = [
    "displayName",
    "name",
    "userPrincipalName",
    "mail",
    "email",
    "title",
    "id",
    "appId",
];

/// A table of JSON objects with the columns that fit, and the names of those that do not.
pub(crate) fn items_table(items: &[Value]) -> (String, Vec<String>) {
    let mut names: Vec<&str> = Vec::new();
    for item in items.iter().filter_map(Value::as_object) {
        for (name, value) in item {
            if !names.contains(&name.as_str()) && is_shown(value) {
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        let mut table = Table::new(&["value"]);
        for item in items {
            table.row([cell(Some(item))]);
        }
        return (table.text(), Vec::new());
    }
    names.sort_by_key(|name| {
        FIRST
            .iter()
            .position(|first| first == name)
            .unwrap_or(FIRST.len())
    });
    let mut all = Table::new(&names);
    for item in items {
        all.row(names.iter().map(|name| cell(item.get(name))));
    }
    // Two spaces between columns; the first one is shown even if it must be wrapped.
    let mut room = WIDTH;
    let mut left_out = Vec::new();
    let mut kept = Vec::new();
    for (index, wish) in all.wishes().into_iter().enumerate() {
        let needed = wish + 2;
        if kept.is_empty() || needed <= room {
            room = room.saturating_sub(needed);
            kept.push(index);
        } else {
            left_out.push(names[index].to_owned());
        }
    }
    let header: Vec<&str> = kept.iter().map(|index| names[*index]).collect();
    let mut table = Table::new(&header);
    for row in all.rows {
        table.row(kept.iter().map(|index| row[*index].clone()));
    }
    (table.text(), left_out)
}

fn is_shown(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Array(_) | Value::Object(_))
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_fit_eighty_columns() {
        let users: Vec<Value> = (0..3)
            .map(|n| json!({ "businessPhones": ["1"], "displayName": format!("Name {n} 日本語"), "givenName": "Given", "mail": null,
                "userPrincipalName": format!("some.person{n}@contoso.example"), "id": "00000000-0000-4000-8000-000000000000", "jobTitle": "\u{1b}[31mred" }))
            .collect();
        let (text, left_out) = items_table(&users);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(
            text.starts_with(" DISPLAYNAME") || text.starts_with("DISPLAYNAME"),
            "{text}"
        );
        assert!(
            text.contains("USERPRINCIPALNAME")
                && !text.contains('\u{1b}')
                && !text.contains("BUSINESSPHONES"),
            "{text}"
        );
        assert_eq!(left_out, ["id"]);
    }

    #[test]
    fn long_cells_are_wrapped_on_a_terminal_only() {
        let mut table = Table::new(&["name", "what"]);
        table.row(["one".to_owned(), "long words ".repeat(30)]);
        let shown = table.text_within(Some(WIDTH));
        assert!(shown.lines().all(|line| line.len() <= 80), "{shown}");
        assert!(shown.lines().count() > 4, "{shown}");
        let piped = table.text_within(None);
        assert_eq!(piped.lines().count(), 2, "{piped}");
    }

    #[test]
    fn ids_and_codes_stay_whole() {
        let (id, code) = (
            "key_01k9z3v7q2f8m4n6p0r1s5t9w3",
            "connection.origin_forbidden",
        );
        let mut table = Table::new(&["id", "name", "code", "request id", "by"]);
        table.row(
            [
                id,
                &"some words ".repeat(5),
                code,
                "00000000-0000-4000-8000-000000000000",
                "Ada Example",
            ]
            .map(str::to_owned),
        );
        let shown = table.text_within(Some(WIDTH));
        for whole in [id, code, "00000000-0000-4000-8000-000000000000"] {
            assert!(shown.contains(whole), "{whole}: {shown}");
        }
        let path = format!("https://api.contoso.example/{}", "a".repeat(200));
        let mut table = Table::new(&["path"]);
        table.row([path]);
        let shown = table.text_within(Some(WIDTH));
        assert!(shown.lines().all(|line| line.len() <= 80), "{shown}");
    }
}
