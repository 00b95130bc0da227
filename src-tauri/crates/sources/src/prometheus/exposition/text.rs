//! The text format, version 0.0.4, and 1.0.0 with its names in quotes: a sample a line; what begins with `#` is for
//! readers with eyes.

use super::{Fault, Taken, line};

/// Reads the page.
pub(super) fn read<W: Fn(&str) -> bool>(text: &str, taken: &mut Taken<W>) -> Result<(), Fault> {
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let sample = line::text(line).map_err(|problem| Fault::new(index + 1, problem))?;
        taken.take(sample).map_err(|problem| Fault::new(index + 1, problem))?;
    }
    Ok(())
}
