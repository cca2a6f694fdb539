//! The cost of a permit that is free, compared with the lock from which the semaphore is built.

use std::hint::black_box;
use std::time::Duration;

use ch1_parallel::Semaphore;
use criterion::{Criterion, criterion_group, criterion_main};
use parking_lot::Mutex;

fn permits(criterion: &mut Criterion) {
    let (lock, semaphore) = (Mutex::new(()), Semaphore::new(1));
    let mut group = criterion.benchmark_group("uncontended");
    group.bench_function("parking_lot: lock and unlock", |bencher| bencher.iter(|| drop(black_box(&lock).lock())));
    group.bench_function("semaphore: acquire and release", |bencher| {
        bencher.iter(|| drop(black_box(&semaphore).acquire()));
    });
    group.finish();
    assert!(semaphore.try_acquire().is_some(), "every permit came back");
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(1));
    targets = permits
}
criterion_main!(benches);
