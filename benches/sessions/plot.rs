//! The plot in the documentation.

use std::fmt::Write;

use crate::measure::Measured;

const LABELS: f64 = 290.0;
const BARS: f64 = 380.0;
const ROW: f64 = 26.0;

/// Horizontal bars, in colors that suit light and dark pages.
pub(crate) fn requests_per_second(subjects: &[Measured]) -> String {
    let values = subjects.iter().map(Measured::requests_per_second);
    let most = values.clone().fold(1.0, f64::max);
    let (width, height) = (LABELS + BARS + 70.0, ROW * subjects.len() as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"requests per second\" font-family=\"sans-serif\" font-size=\"13\" \
         fill=\"currentColor\">\n"
    );
    for (row, (measured, value)) in subjects.iter().zip(values).enumerate() {
        let y = ROW * row as f64;
        let (baseline, length) = (y + 17.0, BARS * value / most);
        let (x, end) = (LABELS + 8.0, LABELS + 14.0 + length);
        let _ = writeln!(
            svg,
            "<text x=\"{LABELS}\" y=\"{baseline}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{x}\" y=\"{}\" width=\"{length:.1}\" height=\"{}\" fill=\"#4a7fb5\"/>\
             <text x=\"{end:.1}\" y=\"{baseline}\">{value:.0}</text>",
            measured.name(),
            y + 4.0,
            ROW - 8.0,
        );
    }
    svg.push_str("</svg>\n");
    svg
}
