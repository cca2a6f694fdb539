//! Tables of numbers, folded away below their plot. The page's script sorts, filters and copies them.

use std::fmt::Write;

use course::lanes::svg::escape;

/// A cell.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What it shows.
    text: String,
    /// The number by which it is sorted; `None`: by its text.
    number: Option<f64>,
}

impl Cell {
    /// A cell with words.
    pub fn words(text: impl ToString) -> Self {
        Self { text: text.to_string(), number: None }
    }

    /// A cell with a number, and how it is written.
    pub fn number(number: f64, text: impl ToString) -> Self {
        Self { text: text.to_string(), number: Some(number) }
    }

    /// A cell with a number, or with a dash if there is none.
    pub fn maybe(number: Option<f64>, text: impl FnOnce(f64) -> String) -> Self {
        number.map_or(Self::words("-"), |number| Self::number(number, text(number)))
    }
}

/// The HTML of a folded table. `heads` are the names of the columns; those with few different values, which `choices`
/// names, can be chosen from a list.
#[must_use]
pub fn folded(summary: &str, heads: &[&str], choices: &[&str], rows: &[Vec<Cell>]) -> String {
    let mut html = format!(
        "<details class=\"numbers\">\n<summary>Numbers: {}</summary>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" \
         aria-label=\"{0}\">\n<table>\n<thead>\n<tr>",
        escape(summary)
    );
    let is_number = |column: usize| rows.iter().any(|row| row.get(column).is_some_and(|cell| cell.number.is_some()));
    for (column, head) in heads.iter().enumerate() {
        let choice = if choices.contains(head) { " data-choice" } else { "" };
        let class = if is_number(column) { "" } else { " class=\"words\"" };
        // Writing to a string cannot fail.
        let _ = write!(html, "<th scope=\"col\"{class}{choice}>{}</th>", escape(head));
    }
    html += "</tr>\n</thead>\n<tbody>\n";
    for row in rows {
        html += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            let class = if is_number(column) { "" } else { " class=\"words\"" };
            let value = cell.number.map(|number| format!(" data-value=\"{number}\"")).unwrap_or_default();
            let _ = write!(html, "<td{class}{value}>{}</td>", escape(&cell.text));
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</div>\n</details>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_the_exact_number_beside_its_text() {
        let rows = [vec![Cell::words("a<b"), Cell::number(0.001_234, "1.2 ms"), Cell::maybe(None, |_| String::new())]];
        let html = folded("times", &["kernel", "time", "lines"], &["kernel"], &rows);
        assert!(html.contains("<th scope=\"col\" class=\"words\" data-choice>kernel</th>"), "{html}");
        assert!(html.contains("<td class=\"words\">a&lt;b</td><td data-value=\"0.001234\">1.2 ms</td>"), "{html}");
        assert!(html.contains("<td class=\"words\">-</td>"), "{html}");
    }
}
