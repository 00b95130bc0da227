//! Any bytes can be read as an exposition, within its limits.
#![no_main]

use faultline_sources::prometheus::{Format, MAX_LABELS, MAX_SAMPLES, MAX_VALUE_BYTES, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for format in [Format::Text, Format::OpenMetrics] {
        let Ok(page) = read(text, format, |_| true) else { continue };
        assert!(page.total <= MAX_SAMPLES && page.samples.len() + page.duplicates == page.total);
        for sample in &page.samples {
            assert!(!sample.labels.metric().is_empty() && sample.labels.len() <= MAX_LABELS + 1);
            assert!(sample.labels.iter().all(|(_, value)| value.len() <= MAX_VALUE_BYTES));
        }
        assert_eq!(read(text, format, |_| true).map(|again| again.samples.len()), Ok(page.samples.len()));
        // What is not wanted is checked all the same.
        assert_eq!(read(text, format, |_| false).map(|none| (none.total, none.samples.len())), Ok((page.total, 0)));
    }
});
