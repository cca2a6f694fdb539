//! The cost of `lanes::wait` when no lanes are recorded, compared with the lock inside it: outside a program of the course, and in a
//! program, which keeps what each lane is doing for the report after Ctrl-C.

use std::hint::black_box;

use course::lanes;
use criterion::{Criterion, criterion_group, criterion_main};

fn waits(criterion: &mut Criterion) {
    let lock = std::sync::Mutex::new(0u64);
    let take = || *black_box(&lock).lock().expect("no holder of the lock panics") += 1;
    let mut group = criterion.benchmark_group("an uncontended lock");
    group.bench_function("alone", |bencher| bencher.iter(take));
    group.bench_function("marked as a wait, not recorded", |bencher| {
        bencher.iter(|| lanes::wait("lock", take));
    });
    lanes::board::watch();
    let _main = lanes::lane("main");
    group.bench_function("marked as a wait, kept for the report", |bencher| {
        bencher.iter(|| lanes::wait("lock", take));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(1));
    targets = waits
}
criterion_main!(benches);
