//! Any text can be read as an expression, and evaluated over whatever was scraped.
#![no_main]

use faultline_model::Timestamp;
use faultline_sources::prometheus::{Expression, Format, Memory, read};
use libfuzzer_sys::fuzz_target;

const PAGES: [&str; 3] = [
    "a{x=\"1\"} 1\na{x=\"2\"} 5\nb_bucket{le=\"1\"} 1\nb_bucket{le=\"+Inf\"} 2\nc NaN\n",
    "a{x=\"1\"} 4\nb_bucket{le=\"1\"} 2\nb_bucket{le=\"+Inf\"} 9\nc +Inf\n",
    "a{x=\"1\"} 2\na{x=\"2\"} 8\nb_bucket{le=\"1\"} 5\nb_bucket{le=\"+Inf\"} 12\nc 0\n",
];

fuzz_target!(|text: &str| {
    let Ok(expression) = Expression::parse(text) else { return };
    let mut memory = Memory::new(expression.range_s(), 300.0);
    for (page, at_s) in PAGES.iter().zip([100.0, 105.0, 110.0]) {
        let at = Timestamp::from_secs(at_s);
        if let Ok(page) = read(page, Format::Text, |_| true) {
            let _ = memory.add(at, page.samples);
        }
        let _ = expression.evaluate(&memory, at);
    }
});
