//! The paragraph that says what paid on this machine.

use ch1_parallel::kernels::{Kernel, Strategy};
use clap::ValueEnum;

use crate::compare::crossover::{Crossover, Verdict};
use crate::compare::{Row, Solver};
use crate::units::grouped;

/// What paid, in sentences, one paragraph each.
#[must_use]
pub fn what_paid(rows: &[Row]) -> Vec<String> {
    let own: Vec<Row> = rows.iter().filter(|row| matches!(row.solver, Solver::Strategy(_))).cloned().collect();
    let (waiting, computing): (Vec<_>, Vec<_>) = own.into_iter().partition(|row| row.kernel == Kernel::Waiting);
    let crossovers = Crossover::all(&computing);
    let paragraphs = [best(&computing), from_size(&crossovers), never(&crossovers), waits(&waiting)];
    paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()).collect()
}

/// The rows of a kernel at its largest size with a serial time and a parallel time, the fastest first, without the serial
/// row.
fn largest(rows: &[Row], kernel: Kernel) -> Vec<&Row> {
    let of_kernel = || rows.iter().filter(|row| row.kernel == kernel && row.verdict().is_some());
    let size = of_kernel().map(|row| row.size).max();
    let mut rows: Vec<_> = of_kernel().filter(|row| Some(row.size) == size).collect();
    rows.sort_by(|one, other| other.speedup.unwrap_or(0.0).total_cmp(&one.speedup.unwrap_or(0.0)));
    rows
}

fn best(rows: &[Row]) -> String {
    let (mut paid, mut not) = (Vec::new(), Vec::new());
    for &kernel in Kernel::value_variants() {
        let rows = largest(rows, kernel);
        // The row with the largest speed-up may have no verdict, and one with a smaller speed-up may be faster for certain.
        match rows.iter().find(|row| row.verdict() == Some(Verdict::Pays)) {
            Some(row) => paid.push(format!("{kernel} {:.2} times by {}", row.speedup.unwrap_or(0.0), row.solver)),
            None if rows.is_empty() => {}
            None => not.push(kernel.to_string()),
        }
    }
    let mut text = String::new();
    if !paid.is_empty() {
        text = format!(
            "Faster than the serial solution for certain, at the largest size of each kernel: {}.",
            listed(&paid)
        );
    }
    if !not.is_empty() {
        text += &format!(" No strategy was faster for certain at the largest size of {}.", listed(&not));
    }
    text.trim_start().to_owned()
}

fn from_size(crossovers: &[Crossover]) -> String {
    let mut sentences = Vec::new();
    for &kernel in Kernel::value_variants() {
        let of_kernel = crossovers.iter().filter(|it| it.kernel == kernel);
        let count = of_kernel.clone().count();
        let mut sizes: Vec<(usize, bool, Vec<String>)> = Vec::new();
        for it in of_kernel.filter(|it| it.sizes.len() > 1) {
            let Some(from) = it.from() else { continue };
            let always = it.sizes.first().is_some_and(|(size, _)| *size == from);
            match sizes.iter_mut().find(|(size, ..)| *size == from) {
                Some((.., names)) => names.push(it.solver.to_string()),
                None => sizes.push((from, always, vec![it.solver.to_string()])),
            }
        }
        sizes.sort();
        let all = |names: &[String]| if names.len() == count { "every strategy".into() } else { listed(names) };
        let parts = sizes.iter().map(|(size, always, names)| match always {
            true => format!("{} at every size", all(names)),
            false => format!("{} from size {}", all(names), grouped(*size)),
        });
        let parts: Vec<_> = parts.collect();
        if !parts.is_empty() {
            sentences.push(format!("{kernel} by {}", parts.join(", by ")));
        }
    }
    if sentences.is_empty() { String::new() } else { format!("These paid and stayed ahead: {}.", sentences.join("; ")) }
}

fn never(crossovers: &[Crossover]) -> String {
    let mut lines = Vec::new();
    for &kernel in Kernel::value_variants() {
        let never = crossovers.iter().filter(|it| it.kernel == kernel && it.never_pays());
        let names: Vec<_> = never.map(|it| it.solver.to_string()).collect();
        if !names.is_empty() {
            lines.push(format!("{kernel} by {}", listed(&names)));
        }
    }
    match lines.is_empty() {
        true if crossovers.is_empty() => String::new(),
        true => "Every strategy paid at some size of every kernel.".into(),
        false => format!("These were faster for certain at no size that was measured: {}.", lines.join("; ")),
    }
}

fn waits(rows: &[Row]) -> String {
    let best = largest(rows, Kernel::Waiting);
    let by = |row: &&Row| Some(format!("{:.0} times faster with {}", row.speedup?, means(row.solver)));
    let parts: Vec<_> = best.iter().filter_map(by).collect();
    match best.first() {
        Some(row) if !parts.is_empty() => format!(
            "{} requests that mostly wait were {} than one after the other: waiting needs no core, so this gain does not \
             depend on the number of cores.",
            grouped(row.size),
            listed(&parts)
        ),
        _ => String::new(),
    }
}

fn means(solver: Solver) -> String {
    match solver {
        Solver::Strategy(Strategy::Async) => "asynchronous tasks".into(),
        other => other.to_string(),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::comparison;

    #[test]
    fn the_words_say_what_the_data_says() {
        let words = what_paid(&comparison().rows());
        assert_eq!(words.len(), 4, "{words:#?}");
        assert!(words[0].contains("nstream 1.90 times by threads"), "{words:#?}");
        assert!(words[1].contains("nstream by rayon and threads from size 1,000,000"), "{words:#?}");
        assert!(words[2].contains("nstream by processes"), "{words:#?}");
        assert!(
            words[3].starts_with("20 requests that mostly wait were 19 times faster with asynchronous tasks and 10 "),
            "{words:#?}"
        );
        assert_eq!(what_paid(&[]), [""; 0]);
    }

    #[test]
    fn lists_are_words() {
        let words = |all: &[&str]| listed(&all.iter().map(|word| word.to_string()).collect::<Vec<_>>());
        assert_eq!((words(&[]), words(&["a"]), words(&["a", "b", "c"])), ("".into(), "a".into(), "a, b and c".into()));
    }
}
