//! The files by themselves: each has its row, its truth and its size, and says nothing of the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use faultline_lab::rerecord::{MAX_RECORDING_BYTES, MAX_TOGETHER_BYTES, Planned, together};
use faultline_lab::scenario::Catalogue;
use faultline_lab::score::Recorded;
use faultline_lab::score::files::{TRUTH_FOLDER, stem};
use faultline_lab::truth::Truth;
use faultline_model::{Fingerprint, Observation};

use crate::{folder, manifest, pairs};

/// Fewest recordings of a scenario: one alone may be luck.
const FEWEST: usize = 2;

#[test]
fn each_has_its_row_and_its_truth() {
    let recordings: BTreeSet<String> =
        pairs().iter().map(|pair| stem(&pair.recording).unwrap().to_owned()).collect();
    let rows: BTreeSet<String> = manifest().recordings.iter().map(Planned::stem).collect();
    assert_eq!(recordings, rows, "recordings and rows of the manifest");
    let truths: BTreeSet<String> = fs::read_dir(folder().join(TRUTH_FOLDER))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(recordings, truths, "recordings and truths");
    for planned in manifest().recordings {
        let truth = Truth::read(&folder().join(TRUTH_FOLDER).join(planned.truth_name())).unwrap();
        let said = Planned { scenario: truth.scenario, variant: truth.variant, seed: truth.seed };
        assert_eq!(said, planned, "the truth is that of another recording");
    }
}

#[test]
fn no_scenario_is_without() {
    let mut counts: BTreeMap<String, usize> =
        Catalogue::builtin().unwrap().scenarios().map(|scenario| (scenario.name.clone(), 0)).collect();
    for planned in manifest().recordings {
        *counts
            .get_mut(&planned.scenario)
            .unwrap_or_else(|| panic!("{} is no scenario", planned.scenario)) += 1;
    }
    counts.retain(|_, count| *count < FEWEST);
    assert_eq!(counts, BTreeMap::new(), "every scenario wants {FEWEST} recordings");
}

#[test]
fn they_are_small() {
    let too_large: Vec<_> = pairs()
        .into_iter()
        .map(|pair| (fs::metadata(&pair.recording).unwrap().len(), pair.recording))
        .filter(|(bytes, _)| *bytes > MAX_RECORDING_BYTES)
        .collect();
    assert_eq!(too_large, []);
    let bytes = together(&folder()).unwrap();
    assert!(bytes <= MAX_TOGETHER_BYTES, "{bytes} bytes together, {MAX_TOGETHER_BYTES} are the most");
}

#[test]
fn truths_are_of_their_recordings() {
    for pair in pairs() {
        let (truth, recorded) = (Truth::read(&pair.truth).unwrap(), Recorded::read(&pair.recording).unwrap());
        let name = pair.recording.display();
        assert_eq!(truth.cause.is_some(), truth.onset.is_some(), "{name}: cause and onset");
        let known = |time: Option<f64>| time.is_none_or(|t| recorded.first <= t && t <= recorded.last);
        assert!(known(truth.onset) && known(truth.effect), "{name}: {truth:?}");
        let (onset, end) = (truth.onset.unwrap_or(f64::MIN), truth.end.unwrap_or(f64::MAX));
        assert!(onset < end, "{name}: it ends before it begins");
        let told = |id| recorded.deploys.iter().any(|deploy| deploy.id == id);
        assert!(truth.deploy.clone().is_none_or(told), "{name}: {:?} was never told", truth.deploy);
        let seen = fingerprints(&pair.recording);
        for query in &truth.queries {
            assert!(seen.contains(&query.fp), "{name}: nobody ran {} {:?}", query.fp, query.text);
        }
    }
}

/// Of all statements in counters, sessions and texts.
fn fingerprints(path: &std::path::Path) -> BTreeSet<Fingerprint> {
    let mut seen = BTreeSet::new();
    for observation in faultline_recording::open(path).unwrap() {
        let Observation::Frame(frame) = observation.unwrap() else { continue };
        seen.extend(frame.texts.into_iter().map(|text| text.fp));
        seen.extend(frame.queries.into_iter().flat_map(|queries| queries.rows).map(|row| row.fp));
        seen.extend(frame.sessions.into_iter().flatten().filter_map(|group| group.fp));
    }
    seen
}

#[test]
fn none_tells_its_truth() {
    for pair in pairs() {
        let scenario = Truth::read(&pair.truth).unwrap().scenario;
        let recording = faultline_recording::open(&pair.recording).unwrap();
        let mut said = vec![format!("{:?}", recording.header())];
        for observation in recording {
            if let Observation::Frame(frame) = observation.unwrap() {
                said.extend(frame.texts.into_iter().map(|text| text.text));
            }
        }
        let told: Vec<_> = said.iter().filter(|text| text.to_lowercase().contains(&scenario)).collect();
        assert_eq!(told, Vec::<&String>::new(), "{} tells its scenario", pair.recording.display());
    }
}
