//! OpenMetrics 1.0: families of samples, each with its metadata before it, and `# EOF` at the end.

use std::collections::HashSet;

use super::family::{Family, Kind};
use super::{Fault, Taken, line};

/// What ends every page; one without it was cut off.
const END: &str = "# EOF";

/// Reads the page.
pub(super) fn read<W: Fn(&str) -> bool>(text: &str, taken: &mut Taken<W>) -> Result<(), Fault> {
    let mut families = Families { current: None, names: HashSet::new() };
    let mut ended = false;
    let mut number = 0;
    let text = text.strip_suffix('\n').unwrap_or(text);
    for line in text.split('\n') {
        number += 1;
        if ended {
            return Err(Fault::new(number, format!("there is something after {END}")));
        }
        if line == END {
            ended = true;
        } else if line.is_empty() {
            taken.breaks(number, "a line is empty");
        } else if let Some(metadata) = line.strip_prefix('#') {
            families.metadata(metadata).unwrap_or_else(|problem| taken.breaks(number, problem));
        } else {
            let sample = line::openmetrics(line).map_err(|problem| Fault::new(number, problem))?;
            families.sample(&sample).unwrap_or_else(|problem| taken.breaks(number, problem));
            taken.take(sample).map_err(|problem| Fault::new(number, problem))?;
        }
    }
    if !ended {
        return Err(Fault::new(number, format!("the page does not end with {END}: it was cut off")));
    }
    families.finish().unwrap_or_else(|problem| taken.breaks(number, problem));
    Ok(())
}

/// The families of a page.
struct Families {
    current: Option<Family>,
    /// Every name that a family so far has, or could have given to a sample.
    names: HashSet<String>,
}

impl Families {
    /// Takes in what follows the `#` of a line.
    fn metadata(&mut self, metadata: &str) -> Result<(), String> {
        let wrong = || "a line with # is not `# HELP|TYPE|UNIT name text`".to_owned();
        let (keyword, rest) =
            metadata.strip_prefix(' ').and_then(|rest| rest.split_once(' ')).ok_or_else(wrong)?;
        let (name, rest) = line::name(rest)?;
        let text = rest.strip_prefix(' ').filter(|_| !name.is_empty()).ok_or_else(wrong)?;
        match self.current.as_ref() {
            Some(current) if current.name == name && current.has_samples() => {
                return Err(format!("metadata of {name} comes after its samples"));
            }
            Some(current) if current.name == name => {}
            _ => self.begin(Family::new(&name))?,
        }
        let Some(family) = self.current.as_mut() else { return Err(wrong()) };
        match keyword {
            "HELP" => family.help(),
            "TYPE" => family.kind(text),
            "UNIT" => family.unit(text),
            _ => Err(wrong()),
        }
    }

    fn sample(&mut self, sample: &line::RawSample<'_>) -> Result<(), String> {
        if !self.current.as_ref().is_some_and(|family| family.has(&sample.name)) {
            let mut unknown = Family::new(&sample.name);
            unknown.kind = Some(Kind::Unknown);
            self.begin(unknown)?;
        }
        match self.current.as_mut() {
            Some(family) => family.sample(sample),
            None => Ok(()),
        }
    }

    fn begin(&mut self, family: Family) -> Result<(), String> {
        let finished = self.finish();
        self.current = Some(family);
        finished
    }

    fn finish(&mut self) -> Result<(), String> {
        let Some(family) = self.current.take() else { return Ok(()) };
        for name in family.names() {
            if let Some(clash) = self.names.replace(name) {
                return Err(format!("{clash} belongs to two families, or to one in two places"));
            }
        }
        family.finish()
    }
}
