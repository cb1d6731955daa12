//! The small parts of pages: forms, fields with their labels, tables.

use maud::{Markup, html};

use super::visit::Visit;

/// A form that changes something.
pub(crate) fn form(visit: &Visit, action: &str, content: &Markup) -> Markup {
    html! {
        form method="post" action=(action) {
            input type="hidden" name="token" value=(visit.token());
            (content)
        }
    }
}

/// A form of one button; `about` completes the button's name for those who do not see its row.
pub(crate) fn button_form(
    visit: &Visit,
    action: &str,
    field: (&str, &str),
    label: &str,
    about: &str,
) -> Markup {
    let content = html! {
        input type="hidden" name=(field.0) value=(field.1);
        button.small type="submit" aria-label=[(!about.is_empty()).then(|| format!("{label} {about}"))] { (label) }
    };
    form(visit, action, &content)
}

/// A form that looks something up.
pub(crate) fn search(action: &str, label: &str, hint: &str, value: &str) -> Markup {
    html! {
        form.search method="get" action=(action) role="search" {
            label for="search" { (label) }
            div.row {
                input type="search" id="search" name="search" value=(value) placeholder=(hint) autocomplete="off";
                button type="submit" { "Search" }
            }
        }
    }
}

/// A line of text to type.
pub(crate) struct Line<'a> {
    pub(crate) label: &'a str,
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    pub(crate) hint: &'a str,
    /// `text`, `number`, `date`.
    pub(crate) kind: &'a str,
}

impl Line<'_> {
    /// The field, marked when it is what is wrong.
    pub(crate) fn field(&self, wrong: bool) -> Markup {
        let hint = format!("{}-hint", self.name);
        html! {
            label for=(self.name) { (self.label) }
            input type=(self.kind) id=(self.name) name=(self.name) value=(self.value) autocomplete="off"
                aria-describedby=[(!self.hint.is_empty()).then_some(&hint)]
                aria-invalid=[wrong.then_some("true")];
            @if !self.hint.is_empty() { p.hint id=(hint) { (self.hint) } }
        }
    }
}

/// One of several: value and label of each.
pub(crate) fn select(label: &str, name: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        label for=(name) { (label) }
        select id=(name) name=(name) {
            @for (value, text) in options {
                option value=(value) selected[*value == chosen] { (text) }
            }
        }
    }
}

/// One of several, all in sight.
pub(crate) fn radios(legend: &str, name: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        fieldset {
            legend { (legend) }
            @for (value, text) in options {
                label.choice {
                    input type="radio" name=(name) value=(value) checked[*value == chosen];
                    " " (text)
                }
            }
        }
    }
}

/// A value to copy: read-only text that takes the focus, so that the keyboard alone can copy it.
pub(crate) fn copyable(label: &str, value: &str) -> Markup {
    let id: String = label
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
            _ => '-',
        })
        .collect();
    html! {
        div.fact {
            label for=(id) { (label) }
            input.code type="text" id=(id) value=(value) readonly;
        }
    }
}

/// A value to copy inside a table, whose column is its label.
pub(crate) fn copyable_cell(label: &str, value: &str) -> Markup {
    html! { input.code type="text" aria-label=(label) value=(value) size=(value.len()) readonly; }
}

/// A table; on narrow screens each row becomes a card, which is why roles are said.
pub(crate) fn table(caption: &str, columns: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        table role="table" {
            caption { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns {
                        th role="columnheader" scope="col" {
                            @if column.is_empty() { span.unseen { "Action" } } @else { (column) }
                        }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        @for (column, cell) in columns.iter().zip(row) {
                            td role="cell" data-label=(column) { (cell) }
                        }
                    }
                }
            }
        }
    }
}

/// A moment or a day in a table.
pub(crate) fn unbroken(text: &str) -> Markup {
    html! { span.nowrap { (text) } }
}

/// A moment, by the sandbox's clock.
pub(crate) fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A day.
pub(crate) fn day(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
