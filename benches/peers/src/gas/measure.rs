//! Medians of operations that take turns, so that all see the same machine.

use std::time::{Duration, Instant};

/// Measurements of each side.
const ROUNDS: usize = 31;

/// The median time of each operation.
pub fn medians(operations: &mut [Box<dyn FnMut() + '_>]) -> Vec<Duration> {
    let mut times = vec![Vec::with_capacity(ROUNDS); operations.len()];
    for _ in 0..ROUNDS {
        for (operation, times) in operations.iter_mut().zip(&mut times) {
            let start = Instant::now();
            operation();
            times.push(start.elapsed());
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[ROUNDS / 2]
    };
    times.iter_mut().map(median).collect()
}

/// How often an operation must run to last at least `least`.
pub fn repetitions(least: Duration, operation: &mut dyn FnMut()) -> u32 {
    let mut count = 1;
    loop {
        let start = Instant::now();
        (0..count).for_each(|_| operation());
        if start.elapsed() >= least {
            return count;
        }
        count *= 2;
    }
}

/// One time divided by another.
pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// The geometric mean.
pub fn geomean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    (values.map(f64::ln).sum::<f64>() / count).exp()
}
