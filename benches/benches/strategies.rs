//! Criterion compares the strategies: `cargo bench`, or `cargo bench -- stencil` for a part of them.
//!
//! An iteration of criterion is a batch of iterations of the kernel, because the start of processes and ranks takes longer
//! than many iterations. The time of a batch is the sum of its iterations, measured inside the run, so that it does not
//! contain the start. Each result is checked.

use std::cell::RefCell;
use std::env;
use std::time::Duration;

use benches::compare::interval::Order;
use benches::compare::{Comparison, Plan, Solver};
use benches::prices::Extent;
use benches::report::Report;
use benches::solve::solve;
use benches::{examples, machine, metg, mpi, peers, prices};
use ch1_parallel::kernels::{Problem, Strategy};
use criterion::{BenchmarkId, Criterion, SamplingMode};

/// How much a run measures.
struct Form {
    strategies: Plan,
    prices: Extent,
    metg: metg::Plan,
    peers: Plan,
}

impl Form {
    fn full(workers: usize) -> Self {
        Self {
            strategies: Plan::full(workers),
            prices: Extent::WithPeers,
            metg: metg::Plan::full(workers),
            peers: Plan::peers(workers),
        }
    }

    /// Criterion's flag `--quick` asks for less of everything.
    fn quick(workers: usize) -> Self {
        let peers = Plan::peers(workers);
        Self {
            strategies: Plan::quick(workers),
            prices: Extent::Rust,
            metg: metg::Plan::quick(workers),
            peers: Plan { rounds: 3, seconds: 0.05, ..peers },
        }
    }
}

fn main() -> anyhow::Result<()> {
    // A worker process runs this program again: it works inside this call and does not return from it.
    ch3_processes::kernels::init();
    prices::init();
    let workers = machine::usable_cores();
    let comparison = RefCell::new(Comparison::default());
    let missing = mpi::available().err();
    if let Some(missing) = &missing {
        println!("remark: {missing:#}");
    }
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let form = if env::args().any(|argument| argument == "--quick") { Form::quick } else { Form::full }(workers);
    for (kernel, problem) in form.strategies.problems()? {
        let mut group = criterion.benchmark_group(format!("{kernel}/{}", problem.size));
        group.sampling_mode(SamplingMode::Flat);
        for &strategy in kernel.strategies().iter().filter(|&&strategy| missing.is_none() || strategy != Strategy::Mpi)
        {
            group.bench_function(BenchmarkId::from_parameter(strategy), |bencher| {
                bencher.iter_custom(|batches| {
                    let problem = Problem { iterations: problem.iterations * batches as usize, ..problem };
                    let solver = Solver::Strategy(strategy);
                    let solve = || solve(kernel, strategy, &problem);
                    let seconds = comparison.borrow_mut().turn(kernel, solver, &problem, Order::OneByOne, solve);
                    Duration::from_secs_f64(seconds.unwrap_or_default())
                });
            });
        }
        group.finish();
    }
    criterion.final_summary();

    let mut comparison = comparison.into_inner();
    // A filter on the command line asks for a part of criterion's benches, so everything else is left out.
    let whole = env::args().skip(1).all(|argument| argument.starts_with('-'));
    let (mut costs, mut curves) = (Vec::new(), Vec::new());
    if whole {
        println!("what parallelism costs:");
        let progress = |round, of| println!("  round {round} of {of}");
        costs = prices::measure(workers.max(2), form.prices, progress)?;
        println!("\n{}", prices::table(&costs));
        println!("how short tasks may be:");
        let mut plan = form.metg;
        plan.strategies.retain(|&strategy| missing.is_none() || strategy != Strategy::Mpi);
        curves = metg::measure(&plan, |pattern| println!("  {pattern}"))?;
        println!("\n{}", metg::Table(&curves));
        println!("beside programs in C and Python:");
        let skip = if missing.is_none() { &[][..] } else { &[Strategy::Mpi] };
        comparison.measure(&form.peers, skip, |kernel, problem| println!("  {kernel} of size {}", problem.size))?;
    }
    println!("\n{comparison}");
    let mut report = Report {
        machine: machine::facts(),
        comparison: Some(&comparison),
        prices: &costs,
        curves: &curves,
        ..Report::default()
    };
    report.remarks.extend(missing.map(|missing| format!("{missing:#}")));
    report.remarks.extend(peers::missing());
    println!("report: {}", report.write(&examples::root().join("target/bench"))?.display());
    anyhow::ensure!(comparison.failures.is_empty(), "{}", comparison.failures.join("; "));
    Ok(())
}
