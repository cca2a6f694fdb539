//! The report: one page that needs no other file.

use std::fmt::Write;

use course::lanes::chart::time;
use course::lanes::svg::escape;

use crate::compare::Comparison;
use crate::examples::{Example, Outcome};
use crate::metg::Curve;
use crate::prices::Price;

const STYLE: &str = "
  :root { color-scheme: light dark }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums }
  th, td { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #8886 }
  .left { text-align: left }
  .bad { font-weight: bold }
  pre { overflow-x: auto }
  svg { width: 100%; height: auto }";

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
    /// The page as HTML.
    #[must_use]
    pub fn page(&self) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>Parallel and distributed programming in Rust: report</title>\n\
             <style>{STYLE}\n</style>\n<h1>Parallel and distributed programming in Rust: report</h1>\n"
        );
        list(&mut page, "Machine", &self.machine);
        list(&mut page, "Remarks", &self.remarks);
        if let Some(comparison) = self.comparison {
            compared(&mut page, comparison);
        }
        if !self.examples.is_empty() {
            self.ran(&mut page);
        }
        page
    }

    fn ran(&self, page: &mut String) {
        *page += "<h2>Programs</h2>\n<table>\n<tr><th class=left>chapter<th class=left>program<th>time<th class=left>result\n";
        for (example, outcome) in &self.examples {
            let (seconds, result) = match outcome {
                None => ("-".into(), "cannot run here"),
                Some(Outcome { failure: Some(failure), seconds, .. }) => (time(*seconds), failure.as_str()),
                Some(Outcome { seconds, .. }) => (time(*seconds), "ok"),
            };
            let class = if result == "ok" { "left" } else { "left bad" };
            let _ = writeln!(
                page,
                "<tr><td class=left>{}<td class=left>{}<td>{seconds}<td class=\"{class}\">{}",
                example.chapter,
                example.name,
                escape(result)
            );
        }
        *page += "</table>\n<h2>Timelines</h2>\n";
        for (example, outcome) in &self.examples {
            if let Some(Outcome { svg: Some(svg), .. }) = outcome {
                let _ = writeln!(page, "<h3>{}</h3>\n<p>{}</p>\n{svg}", example.name, escape(&example.shows));
            }
        }
    }
}

// A write to a string cannot fail, so the results of `write!` are dropped.

fn list(page: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        let _ = writeln!(page, "<h2>{title}</h2>\n<ul>");
        for line in lines {
            let _ = writeln!(page, "<li>{}", escape(line));
        }
        *page += "</ul>\n";
    }
}

fn compared(page: &mut String, comparison: &Comparison) {
    *page += "<h2>Strategies</h2>\n<p>The time is the median time of an iteration. The speed-up is the serial time divided by \
              this time; the efficiency is the speed-up divided by the number of workers. A strategy with a speed-up \
              below 1 is slower than the serial solution: it loses. The last column is the length of the source, without blank lines and \
              comments. The lines of a strategy are without the loops and the check of the kernel, which are in chapter 1; those of C and Python include them. The rows in C and Python are programs \
              of benches/peers, measured in turn with the others.</p>\n<table>\n<tr><th class=left>kernel<th>size<th class=left>strategy\
              <th>workers<th>iteration<th>rate<th>speed-up<th>efficiency<th>lines\n";
    for row in comparison.rows() {
        let _ = writeln!(
            page,
            "<tr{}><td class=left>{}<td>{}<td class=left>{}<td>{}<td>{:.3} ms<td>{:.0} {}<td>{}<td>{}<td>{}",
            if row.loses() { " class=bad" } else { "" },
            row.kernel,
            row.size,
            row.solver,
            row.workers,
            row.seconds * 1e3,
            row.rate,
            row.kernel.unit(),
            row.speedup.map_or("-".into(), |speedup| format!("{speedup:.2}")),
            row.efficiency().map_or("-".into(), |part| format!("{:.0} %", part * 100.0)),
            row.solver.lines(row.kernel).map_or("-".into(), |lines| lines.to_string()),
        );
    }
    *page += "</table>\n";
    list(page, "Where parallel loses", &comparison.losses());
    list(page, "Failures", &comparison.failures);
}
