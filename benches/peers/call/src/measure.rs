//! Sides of a comparison measured in turns, medians.

use std::time::Instant;

/// Something to time: done `count` times in a row.
pub struct Case<'a> {
    /// What stands in the table.
    pub name: String,
    count: u32,
    body: Box<dyn FnMut(u32) + 'a>,
    samples: Vec<f64>,
}

impl<'a> Case<'a> {
    /// `body` does `count` of something.
    pub fn new(name: impl Into<String>, count: u32, body: impl FnMut(u32) + 'a) -> Self {
        Self { name: name.into(), count, body: Box::new(body), samples: Vec::new() }
    }

    /// The median in nanoseconds for one.
    pub fn nanoseconds(&self) -> f64 {
        median(self.samples.clone())
    }

    fn spread(&self) -> (f64, f64) {
        self.samples.iter().fold((f64::INFINITY, 0.0), |(low, high), &sample| (low.min(sample), high.max(sample)))
    }
}

/// Runs all cases in turns, so that whatever disturbs the machine disturbs them alike.
pub fn run(rounds: u32, cases: &mut [Case<'_>]) {
    for round in 0..=rounds {
        for case in &mut *cases {
            let start = Instant::now();
            (case.body)(case.count);
            let sample = start.elapsed().as_secs_f64() * 1e9 / f64::from(case.count);
            // The first round warms up.
            if round > 0 {
                case.samples.push(sample);
            }
        }
    }
}

/// Prints the table.
pub fn print(cases: &[Case<'_>]) {
    println!("{:<44} {:>12} {:>12} {:>12}", "", "median µs", "least µs", "most µs");
    for case in cases {
        let (least, most) = case.spread();
        println!("{:<44} {:>12.3} {:>12.3} {:>12.3}", case.name, case.nanoseconds() / 1e3, least / 1e3, most / 1e3);
    }
}

/// The median of a case by its name.
pub fn of(cases: &[Case<'_>], name: &str) -> f64 {
    cases.iter().find(|case| case.name == name).map_or(f64::NAN, Case::nanoseconds)
}

/// The median of what `case` takes more than `other`, round by round: what disturbs a round disturbs both.
pub fn more(cases: &[Case<'_>], case: &str, other: &str) -> f64 {
    let samples = |name| cases.iter().find(|case| case.name == name).map_or(&[][..], |case| &case.samples);
    median(samples(case).iter().zip(samples(other)).map(|(one, other)| one - other).collect())
}

/// The one in the middle.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Does `work`, and adds its nanoseconds to `samples`.
pub fn timed<T>(samples: &mut Vec<f64>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    samples.push(start.elapsed().as_secs_f64() * 1e9);
    done
}
