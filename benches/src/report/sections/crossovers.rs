//! From which size a strategy is faster than the serial solution.

use ch1_parallel::kernels::Kernel;

use super::{Section, kernels, note, section, size_name};
use crate::compare::Row;
use crate::compare::crossover::{Crossover, Verdict};
use crate::report::axis::Axis;
use crate::report::plot::{Mark, MarkKind, Row as PlotRow, Rows};
use crate::report::table::{Cell, folded};
use crate::units::short;

/// From which size each strategy beats the serial solution.
#[must_use]
pub fn crossovers(rows: &[Row]) -> Option<Section> {
    let all = Crossover::all(rows);
    let plot = |kernel: Kernel| {
        let of_kernel: Vec<_> = all.iter().filter(|it| it.kernel == kernel).collect();
        let sizes: Vec<f64> = of_kernel.iter().flat_map(|it| &it.sizes).map(|(size, _)| *size as f64).collect();
        let plot_row = |it: &&Crossover| PlotRow {
            name: it.solver.to_string(),
            note: it.to_string(),
            ink: it.solver.into(),
            marks: it.sizes.iter().map(|(size, verdict)| verdict_mark(*size, *verdict)).collect(),
        };
        let words = of_kernel.iter().map(|it| format!("{} {it}", it.solver)).collect::<Vec<_>>().join("; ");
        let svg = (!sizes.is_empty()).then(|| {
            let rows = of_kernel.iter().map(plot_row).collect();
            let label = format!("Where strategies beat the serial {kernel}: {words}");
            Rows { label, x: size_name(kernel).into(), axis: Axis::log(sizes), tick: short, rows, limit: None }.svg()
        })?;
        Some((kernel.to_string(), svg + &note(rows, kernel)))
    };
    let plots: Vec<_> = kernels().filter_map(plot).collect();
    let intro = "A full marker: the strategy is faster than the serial solution at this size. A cross: it is slower. A \
                 ring: the 95 % interval of the speed-up contains 1, so there is no verdict. The words say from which size \
                 the strategy is faster and stays so, or that there is no verdict at the largest size.";
    let heads = ["kernel", "strategy", "verdict", "from size"];
    let cells = |it: &Crossover| {
        let from = it.from().map(|size| size as f64);
        vec![
            Cell::words(it.kernel),
            Cell::words(it.solver),
            Cell::words(it),
            Cell::maybe(from, |size| format!("{size}")),
        ]
    };
    let numbers = folded("Crossovers", &heads, &["kernel", "strategy"], &all.iter().map(cells).collect::<Vec<_>>());
    section("crossovers", "From which size parallel pays", intro, &plots, &numbers)
}

fn verdict_mark(size: usize, verdict: Verdict) -> Mark {
    let kind = match verdict {
        Verdict::Pays => MarkKind::Full,
        Verdict::Loses => MarkKind::Cross,
        Verdict::Open => MarkKind::Ring,
    };
    Mark { x: size as f64, bounds: None, kind }
}
