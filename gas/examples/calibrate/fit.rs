//! From counts and times to nanoseconds per price, and what is proposed.

use unfork_gas::V1;

/// What one gas may take at most, in nanoseconds of the machine that calibrates.
const GAS_NANOSECONDS: f64 = 1.0;
/// How much a price is drawn to its share in version 1, against one kernel's relative error.
const DRAWN: f64 = 0.002;

/// A kernel, with what one turn pays and how long it takes.
pub struct Measured {
    pub name: String,
    /// How often each price is paid, in the order of the unknowns.
    pub counts: Vec<f64>,
    pub nanoseconds: f64,
}

/// Nanoseconds of each price.
pub struct Unknowns {
    names: Vec<&'static str>,
    nanoseconds: Vec<f64>,
}

impl Unknowns {
    /// The non-negative least-squares fit of the relative errors, by coordinate descent.
    ///
    /// Prices that are only ever paid together, a call and its entry, cannot be told apart: each is drawn a little towards
    /// its share in version 1.
    pub fn fit(names: &[&'static str], measured: &[Measured]) -> Unknowns {
        let released = released(names);
        let gas = measured.iter().map(|row| row.nanoseconds / predicted(row, &released)).map(f64::ln).sum::<f64>();
        let gas = (gas / measured.len() as f64).exp();
        let mut nanoseconds: Vec<f64> = released.iter().map(|price| price * gas).collect();
        for _ in 0..20_000 {
            for unknown in 0..names.len() {
                let value = nanoseconds[unknown];
                let drawn = (released[unknown] * gas).max(0.1);
                let (mut above, mut below) = (DRAWN * released[unknown] * gas / drawn.powi(2), DRAWN / drawn.powi(2));
                for row in measured {
                    let count = row.counts[unknown] / row.nanoseconds;
                    if count != 0.0 {
                        let others = predicted(row, &nanoseconds) / row.nanoseconds - count * value;
                        above += count * (1.0 - others);
                        below += count * count;
                    }
                }
                nanoseconds[unknown] = (above / below).max(0.0);
            }
        }
        Unknowns { names: names.to_vec(), nanoseconds }
    }

    /// Whole gas, such that no kernel takes longer than `GAS_NANOSECONDS` for each gas: the fit rounded, and where a kernel
    /// takes longer, one more for the price that weighs most in it besides those that every kernel pays.
    fn proposal(&self, measured: &[Measured]) -> Vec<f64> {
        let free = |unknown: usize| released(&self.names)[unknown] == 0.0 && self.nanoseconds[unknown] < 0.1;
        let mut prices: Vec<f64> = (0..self.names.len())
            .map(
                |unknown| {
                    if free(unknown) { 0.0 } else { (self.nanoseconds[unknown] / GAS_NANOSECONDS).round().max(1.0) }
                },
            )
            .collect();
        for row in measured {
            // In most kernels nothing else weighs as much as these three, which stay what they are.
            let own = |unknown: &usize| !matches!(self.names[*unknown], "op_simple" | "op_const" | "op_local");
            let least = |unknown: usize| measured.iter().map(|row| row.counts[unknown]).fold(f64::MAX, f64::min);
            let weight =
                |unknown: usize, prices: &[f64]| (row.counts[unknown] - least(unknown)) * prices[unknown].max(0.5);
            while row.nanoseconds > GAS_NANOSECONDS * predicted(row, &prices) {
                let heaviest = (0..prices.len())
                    .filter(own)
                    .max_by(|&one, &other| weight(one, &prices).total_cmp(&weight(other, &prices)));
                match heaviest {
                    Some(heaviest) if weight(heaviest, &prices) > 0.0 => prices[heaviest] += 1.0,
                    _ => break,
                }
            }
        }
        prices
    }

    pub fn print(&self, measured: &[Measured]) {
        let released = released(&self.names);
        let proposed = self.proposal(measured);
        println!(
            "1 gas is at most {GAS_NANOSECONDS} ns on this machine; times are of prepared code on wasmi, the best of several runs"
        );
        println!("{:<22} {:>9} {:>9} {:>9} {:>8}", "price", "fitted ns", "proposal", "version 1", "kernels");
        for (unknown, name) in self.names.iter().enumerate() {
            let kernels = measured.iter().filter(|row| row.counts[unknown] >= 1.0).count();
            println!(
                "{name:<22} {:>9.2} {:>9} {:>9} {kernels:>8}",
                self.nanoseconds[unknown], proposed[unknown], released[unknown]
            );
        }
        println!(
            "\n{:<34} {:>9} {:>9} {:>7} {:>9} {:>9}",
            "kernel, one turn", "ns", "fitted", "error", "ns/gas", "proposed"
        );
        for row in measured {
            let fitted = predicted(row, &self.nanoseconds);
            println!(
                "{:<34} {:>9.1} {fitted:>9.1} {:>6.0}% {:>9.2} {:>9.2}",
                row.name,
                row.nanoseconds,
                (fitted / row.nanoseconds - 1.0) * 100.0,
                row.nanoseconds / predicted(row, &released),
                row.nanoseconds / predicted(row, &proposed)
            );
        }
        println!();
        self.print_quality(measured);
        for (title, prices) in [("version 1", &released), ("proposal", &proposed)] {
            print_spread(title, measured, prices);
        }
    }

    /// R² of the logarithms, which weigh a kernel of 10 ns as much as one of 10 µs, and the mean relative error.
    fn print_quality(&self, measured: &[Measured]) {
        let number = measured.len() as f64;
        let logarithms = || measured.iter().map(|row| row.nanoseconds.ln());
        let mean = logarithms().sum::<f64>() / number;
        let all: f64 = logarithms().map(|logarithm| (logarithm - mean).powi(2)).sum();
        let left: f64 = measured
            .iter()
            .map(|row| (predicted(row, &self.nanoseconds) / row.nanoseconds).max(1e-9).ln().powi(2))
            .sum();
        let errors: f64 =
            measured.iter().map(|row| (predicted(row, &self.nanoseconds) / row.nanoseconds - 1.0).abs()).sum();
        println!(
            "fit over {} kernels: R² {:.4}, mean error {:.1} %",
            measured.len(),
            1.0 - left / all,
            errors / number * 100.0
        );
    }
}

/// The prices of version 1.
fn released(names: &[&str]) -> Vec<f64> {
    let price = |name: &&str| V1.fields().find(|(field, _)| field == name).map_or(0.0, |(_, price)| price as f64);
    names.iter().map(price).collect()
}

fn predicted(row: &Measured, prices: &[f64]) -> f64 {
    row.counts.iter().zip(prices).map(|(count, price)| count * price).sum()
}

/// Where a table asks too little for the time, and where too much.
fn print_spread(title: &str, measured: &[Measured], prices: &[f64]) {
    let mut ratios: Vec<(f64, &str)> =
        measured.iter().map(|row| (row.nanoseconds / predicted(row, prices), row.name.as_str())).collect();
    ratios.sort_by(|one, other| other.0.total_cmp(&one.0));
    let (worst, best) = (ratios[0], ratios[ratios.len() - 1]);
    let mean = (ratios.iter().map(|ratio| ratio.0.ln()).sum::<f64>() / ratios.len() as f64).exp();
    println!(
        "{title}: worst {:.2} ns/gas ({}), geometric mean {mean:.2}, best {:.2} ({})",
        worst.0, worst.1, best.0, best.1
    );
    for (ratio, name) in ratios.iter().take(5) {
        println!("  {ratio:>6.2} ns/gas  {name}");
    }
}
