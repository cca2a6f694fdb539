//! The parts of the page that compare: a sentence that says how to read a plot, the plots, the numbers folded away below.

mod by_size;
mod crossovers;
mod grain;
mod peers;
mod prices;
mod roofline;

use ch1_parallel::kernels::Kernel;
use clap::ValueEnum;
use course::lanes::svg::escape;

pub use self::by_size::{efficiencies, speedups};
pub use self::crossovers::crossovers;
pub use self::grain::grain;
pub use self::peers::beside_peers;
pub use self::prices::prices;
pub use self::roofline::roofline;

use super::table::Cell;
use crate::compare::Row;
use crate::units::grouped;

/// A part of the page.
#[derive(Debug)]
pub struct Section {
    /// Its name in links.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What stands below the heading.
    pub html: String,
}

fn section(
    id: &'static str,
    title: &'static str,
    intro: &str,
    plots: &[(String, String)],
    numbers: &str,
) -> Option<Section> {
    if plots.is_empty() {
        return None;
    }
    let mut html = format!("<p>{intro}</p>\n<div class=\"plots\">\n");
    for (heading, svg) in plots {
        html += &format!("<figure>\n<h3>{}</h3>\n{svg}</figure>\n", escape(heading));
    }
    Some(Section { id, title, html: html + "</div>\n" + numbers })
}

/// What the figures of a kernel say about their measurement: at which sizes something else kept the cores busy.
fn note(rows: &[Row], kernel: Kernel) -> String {
    let of_kernel = || rows.iter().filter(|row| row.kernel == kernel);
    let Some(share) = of_kernel().filter_map(|row| row.disturbed).reduce(f64::max) else { return String::new() };
    let mut sizes: Vec<usize> = of_kernel().filter(|row| row.disturbed.is_some()).map(|row| row.size).collect();
    sizes.dedup();
    let sizes = sizes.into_iter().map(grouped).collect::<Vec<_>>();
    let at = if sizes.len() > 1 { "sizes" } else { "size" };
    format!(
        "<p class=\"note\">Other programs took up to {} of the cores' time at {at} {}.</p>\n",
        percent(share),
        sizes.join("; ")
    )
}

fn kernels() -> impl Iterator<Item = Kernel> {
    Kernel::value_variants().iter().copied()
}

fn size_name(kernel: Kernel) -> &'static str {
    match kernel {
        Kernel::Nstream => "length of the vectors",
        Kernel::Stencil | Kernel::Pipeline => "side of the grid",
        Kernel::Transpose => "side of the matrix",
        Kernel::Count => "tasks",
        Kernel::DoSomething => "numbers",
        Kernel::Waiting => "requests",
        Kernel::Grain => "steps",
    }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// The cells that begin every row about a measurement.
fn begin(row: &Row) -> Vec<Cell> {
    vec![
        Cell::words(row.kernel),
        Cell::number(row.size as f64, row.size),
        Cell::words(row.solver),
        Cell::number(row.workers as f64, row.workers),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_without_data_are_left_out() {
        assert!(speedups(&[]).is_none() && roofline(&[]).is_none() && beside_peers(&[]).is_none());
        assert!(prices(&[]).is_none() && grain(&[]).is_none() && crossovers(&[]).is_none());
    }
}
