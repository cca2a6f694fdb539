//! The report: one page that needs no other file and no network.

pub(crate) mod axis;
pub(crate) mod ink;
pub(crate) mod plot;
mod programs;
mod sections;
mod table;
mod words;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use course::lanes::svg::escape;

use crate::compare::{Comparison, Row};
use crate::examples::{Example, Outcome};
use crate::metg::Curve;
use crate::prices::Price;
use sections::Section;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const TITLE: &str = "Parallel and distributed programming in Rust: report";

/// The parts of the page. A part that is empty is left out.
#[derive(Debug, Default)]
pub struct Report<'run> {
    /// Facts about the machine, the compiler and the sources, one line each.
    pub machine: Vec<String>,
    /// The examples, and how each run went; `None` if the example cannot run here.
    pub examples: Vec<(&'run Example, Option<Outcome>)>,
    /// The times of the strategies.
    pub comparison: Option<&'run Comparison>,
    /// The basic prices.
    pub prices: &'run [Price],
    /// The efficiency at tasks of different lengths.
    pub curves: &'run [Curve],
    /// What is missing, one line each.
    pub remarks: Vec<String>,
}

impl Report<'_> {
    /// Writes the page to `report.html` in this folder and returns its path.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        let path = folder.join("report.html");
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        fs::write(&path, self.page(folder)).with_context(|| path.display().to_string())?;
        Ok(path)
    }

    /// The page as HTML. Its links to sources are right if it stands in this folder.
    #[must_use]
    pub fn page(&self, folder: &Path) -> String {
        let rows = self.comparison.map(Comparison::rows).unwrap_or_default();
        let sections = self.sections(&rows, folder);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\">\n<title>{TITLE}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<header>\n<h1>{TITLE}</h1>\n"
        );
        self.facts(&mut page);
        page += "<nav aria-label=\"Parts of the report\">\n<ul>\n";
        for Section { id, title, .. } in &sections {
            // Writing to a string cannot fail.
            let _ = writeln!(page, "<li><a href=\"#{id}\">{title}</a></li>");
        }
        page += "</ul>\n</nav>\n</header>\n<main>\n";
        for Section { id, title, html } in &sections {
            let _ = writeln!(page, "<section id=\"{id}\">\n<h2>{title}</h2>\n{html}</section>");
        }
        let _ = write!(page, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
        page
    }

    fn facts(&self, page: &mut String) {
        *page += "<dl class=\"facts\">\n";
        for fact in &self.machine {
            let (name, value) = fact.split_once(": ").unwrap_or(("", fact));
            let _ = writeln!(page, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
        }
        *page += "</dl>\n";
    }

    fn sections(&self, rows: &[Row], folder: &Path) -> Vec<Section> {
        let failures = self.comparison.map_or(&[][..], |comparison| &comparison.failures);
        let programs = || {
            Section {
            id: "programs",
            title: "Every program",
            html: "<p>In the order of each chapter's README. A bar of a timeline tells what its lane did or waited for, \
                   and where, when the pointer is on it, when it has the focus or when it is tapped. In a timeline, the \
                   arrow keys go from bar to bar, + and - zoom, 0 shows all again. After a click on it, the wheel zooms \
                   too.</p>\n"
                .to_owned()
                + &programs::section(&self.examples, folder),
        }
        };
        let parts = [
            paid(rows),
            list("failures", "What failed", failures),
            list("remarks", "What is left out", &self.remarks),
            sections::speedups(rows),
            sections::crossovers(rows),
            sections::efficiencies(rows),
            sections::roofline(rows),
            sections::beside_peers(rows),
            sections::prices(self.prices),
            sections::grain(self.curves),
            (!self.examples.is_empty()).then(programs),
        ];
        parts.into_iter().flatten().collect()
    }
}

fn paid(rows: &[Row]) -> Option<Section> {
    let words = words::what_paid(rows);
    let html: String = words.iter().map(|text| format!("<p>{}</p>\n", escape(text))).collect();
    let html = html + &disturbed(rows);
    (!words.is_empty()).then_some(Section { id: "paid", title: "What paid on this machine", html })
}

/// How many of the rows were measured while something else kept the cores busy.
fn disturbed(rows: &[Row]) -> String {
    match rows.iter().filter(|row| row.disturbed.is_some()).count() {
        0 => String::new(),
        count => format!(
            "<p class=\"note\">Other programs kept the cores busy during {count} of {} measurements, so these figures say less \
             about the strategies. They are marked below.</p>\n",
            rows.len()
        ),
    }
}

fn list(id: &'static str, title: &'static str, lines: &[String]) -> Option<Section> {
    let items: String = lines.iter().map(|line| format!("<li>{}</li>\n", escape(line))).collect();
    (!lines.is_empty()).then(|| Section { id, title, html: format!("<ul>\n{items}</ul>\n") })
}

#[cfg(test)]
pub(crate) mod tests {
    use ch1_parallel::kernels::{Kernel, Measured, Problem, Strategy};

    use super::*;
    use crate::compare::Solver;
    use crate::compare::interval::Order;
    use crate::peers::Peer;

    /// Made-up times of some kernels.
    pub(crate) fn comparison() -> Comparison {
        let mut comparison = Comparison::default();
        let mut add = |kernel, solver, size, workers, seconds: f64| {
            let problem = Problem { size, workers, iterations: 3, ..Problem::DEFAULT };
            for _ in 0..3 {
                comparison.turn(kernel, solver, &problem, Order::InTurns, || {
                    Ok(Measured { seconds: vec![seconds; 5], wrong: None })
                });
            }
        };
        use Strategy::{Async, Processes, Rayon, Serial, Threads};
        for (strategy, small, large) in
            [(Serial, 1e-6, 1.9e-3), (Rayon, 9e-6, 1.1e-3), (Threads, 4e-6, 1e-3), (Processes, 8e-6, 2.5e-3)]
        {
            add(Kernel::Nstream, Solver::Strategy(strategy), 1000, 2, small);
            add(Kernel::Nstream, Solver::Strategy(strategy), 1_000_000, 2, large);
        }
        for (strategy, seconds) in [(Serial, 19e-3), (Threads, 1.9e-3), (Async, 1e-3)] {
            add(Kernel::Waiting, Solver::Strategy(strategy), 20, 20, seconds);
        }
        add(Kernel::Count, Solver::Strategy(Serial), 100, 1, 2e-3);
        add(Kernel::Count, Solver::Peer(Peer::OpenMp), 100, 2, 1e-3);
        comparison
    }

    #[test]
    fn a_page_without_data_is_a_page() {
        let page = Report::default().page(Path::new("."));
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n") && !page.contains("<h2>"), "{page}");
    }

    #[test]
    fn the_page_has_a_part_for_each_kind_of_data() {
        let comparison = comparison();
        let report = Report { comparison: Some(&comparison), remarks: vec!["a < b".into()], ..Report::default() };
        let page = report.page(Path::new("."));
        for id in ["paid", "remarks", "speed-up", "crossovers", "efficiency", "roofline", "peers"] {
            assert!(
                page.contains(&format!("<section id=\"{id}\">")) && page.contains(&format!("href=\"#{id}\"")),
                "{id}"
            );
        }
        assert!(!page.contains("id=\"prices\"") && !page.contains("id=\"grain\"") && page.contains("a &lt; b"));
        assert!(!page.contains("http://") || page.matches("http").count() == page.matches("http://www.w3.org").count());
    }
}
