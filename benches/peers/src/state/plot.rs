//! Processor time per update against the number of keys, as an SVG on logarithmic axes.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
const COLOURS: [&str; 6] = ["#444444", "#1f77b4", "#2ca02c", "#d62728", "#9467bd", "#8c564b"];

/// A side and its points: keys, and microseconds of processor time per update.
pub type Series = (String, Vec<(f64, f64)>);

/// Draws what was measured; the titles say what and on which machine.
pub fn draw(title: &str, subtitle: &str, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|(_, points)| points);
    let (left, right) = decades(points().map(|point| point.0));
    let (low, high) = decades(points().map(|point| point.1));
    let x = |keys: f64| LEFT + (keys.log10() - left) / (right - left) * (WIDTH - LEFT - RIGHT);
    let y = |micros: f64| HEIGHT - BOTTOM - (micros.log10() - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut text = |x: f64, y: f64, anchor: &str, colour: &str, text: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let place = format!("x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\"");
        writeln!(svg, "<text {place}>{text}</text>").expect("a string takes text");
    };
    text(LEFT, 16.0, "start", "black", title);
    text(LEFT, 31.0, "start", "#666666", subtitle);
    text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12.0, "middle", "black", "keys in the state");
    let (mut lines, mut exponent) = (String::new(), left);
    while exponent <= right {
        let at = x(10_f64.powf(exponent));
        text(at, HEIGHT - BOTTOM + 16.0, "middle", "black", &power(exponent));
        line(&mut lines, &[(at, TOP), (at, HEIGHT - BOTTOM)], "#dddddd", 1.0);
        exponent += 1.0;
    }
    exponent = low;
    while exponent <= high {
        let at = y(10_f64.powf(exponent));
        text(LEFT - 6.0, at + 4.0, "end", "black", &format!("{} µs", power(exponent)));
        line(&mut lines, &[(LEFT, at), (WIDTH - RIGHT, at)], "#dddddd", 1.0);
        exponent += 1.0;
    }
    for ((name, points), colour) in series.iter().zip(COLOURS.iter().cycle()) {
        let places: Vec<_> = points.iter().map(|(keys, micros)| (x(*keys), y(*micros))).collect();
        line(&mut lines, &places, colour, 2.0);
        for ((x, y), (_, micros)) in places.iter().zip(points) {
            writeln!(lines, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>").expect("text");
            text(*x, y - 7.0, "middle", colour, &format!("{micros:.1}"));
        }
        if let Some((x, y)) = places.last() {
            text(x + 24.0, y + 4.0, "start", colour, name);
        }
    }
    svg + &lines + "</svg>\n"
}

fn line(svg: &mut String, points: &[(f64, f64)], colour: &str, width: f64) {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let style = format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"");
    writeln!(svg, "<polyline points=\"{}\" {style}/>", points.join(" ")).expect("a string takes text");
}

/// The powers of ten around the values.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let (low, high) = (low.log10().floor(), high.log10().ceil());
    (low, if high > low { high } else { low + 1.0 })
}

fn power(exponent: f64) -> String {
    let number = 10_f64.powf(exponent);
    match number {
        number if number >= 1e6 => format!("{} M", number / 1e6),
        number if number >= 1e3 => format!("{} k", number / 1e3),
        number => format!("{number}"),
    }
}
