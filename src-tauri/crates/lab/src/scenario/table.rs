//! The catalogue as tables: for a terminal, and for the page beside the scenarios.

use super::values::list;
use super::{Catalogue, Scenario};

/// What is above the truths on the page.
const PAGE: &str = "\
# Scenarios

Each file here is one scenario: what happens to a shop on a real PostgreSQL primary and its standby, the deploys around
it, and the truth that Faultline's words are compared with. How a file is written is said in `src/scenario/model.rs`,
what a workload is in `src/workload/plan.rs`; a mistake is told with its file and line.

The truth is decided before anything is played, by what is done to the servers and never by what Faultline says about it.
*Also accepted* are causes that are right too. This page is made from the files: `FAULTLINE_BLESS=1 cargo test -p
faultline-lab scenario` writes it anew.
";

/// Headings of the table for a terminal.
const HEADINGS: [&str; 7] = ["NAME", "CAUSE", "ALSO", "DEPLOY", "VARIANTS", "LENGTH", "TITLE"];

impl Catalogue {
    /// The scenarios in lines, one each: name, cause, what is also accepted, the guilty deploy, variants with their
    /// intensities, how long playing takes at most, and the title.
    pub fn table(&self) -> String {
        let rows: Vec<[String; 7]> =
            [HEADINGS.map(str::to_owned)].into_iter().chain(self.scenarios().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(width);
        let line = |row: &[String; 7]| {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The page beside the scenarios, in Markdown: which cause each has and why, and what is accepted as well.
    pub fn page(&self) -> String {
        let titles = self.scenarios().map(|scenario| {
            let Scenario { name, title, truth, .. } = scenario;
            let deploy = truth.deploy.as_ref().map_or_else(|| "–".to_owned(), |deploy| format!("`{deploy}`"));
            let also =
                truth.also.iter().map(|cause| format!("`{}`", cause.name())).collect::<Vec<_>>().join(", ");
            let cause = truth
                .cause
                .map_or_else(|| "none: no incident is due".to_owned(), |cause| format!("`{}`", cause.name()));
            let why = truth.why.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
            format!(
                "| [`{name}`]({name}.toml) | {title} | {cause} | {} | {deploy} | {why} |\n",
                if also.is_empty() { "–" } else { &also }
            )
        });
        let head = "\n| scenario | | cause | also accepted | deploy | why |\n| --- | --- | --- | --- | --- | --- |\n";
        PAGE.to_owned() + head + &titles.collect::<String>()
    }
}

fn row(scenario: &Scenario) -> [String; 7] {
    let truth = &scenario.truth;
    let dash = || "-".to_owned();
    let variants = scenario.variants.iter().map(|(name, variant)| format!("{name} ×{}", variant.intensity));
    [
        scenario.name.clone(),
        truth.cause.map_or_else(dash, |cause| cause.name().to_owned()),
        if truth.also.is_empty() { dash() } else { list(truth.also.iter().map(|cause| cause.name())) },
        truth.deploy.clone().unwrap_or_else(dash),
        if scenario.variants.is_empty() { dash() } else { list(variants) },
        format!("{:.0} s", scenario.length_s()),
        scenario.title.clone(),
    ]
}
