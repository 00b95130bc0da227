//! What is written where, in a process of its own: stderr and the panic hook belong to the whole process.

use std::process::{Command, Output};

use super::*;

const CANARY: &str = "canary-4711-\"quoted\"";
const CHILD: &str = "FAULTLINE_TEST_LOG_FOLDER";

/// Runs the test of this name again, in a process that logs into the folder.
fn child(test: &str, folder: &Path) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("logging::tests::{test}"), "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .env_remove(FILTER_VARIABLE)
        .output()
        .unwrap()
}

/// The folder, within such a process.
fn childs_folder() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

fn started(folder: PathBuf) -> Logging {
    let masker = Masker::default();
    masker.remember(&CANARY.to_owned().into());
    let options = LoggingOptions { program: "x", folder: Some(folder), masker, main_panic_exit_code: None };
    Logging::start(options).unwrap()
}

#[test]
fn no_secret_is_written_anywhere() {
    if let Some(folder) = childs_folder() {
        let logging = started(folder);
        let (told, panics) = std::sync::mpsc::channel();
        logging.on_panic(move |line| told.send(line.to_owned()).unwrap());
        tracing::info!(secret = CANARY, "quiet");
        tracing::warn!(secret = ?CANARY, "in a field, and in the text {CANARY}\nover two lines");
        let panicked =
            std::thread::Builder::new().name("worker".to_owned()).spawn(|| panic!("with {CANARY}"));
        assert!(panicked.unwrap().join().is_err());
        let line = panics.recv().unwrap();
        assert!(line.contains("thread worker panicked at") && line.contains("tests.rs"), "{line}");
        let recent = logging.recent();
        assert_eq!(recent.len(), 2, "{recent:?}");
        for line in recent.iter().chain([&line]) {
            assert!(line.contains("•••") && !line.contains("4711"), "{line}");
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ran = child("no_secret_is_written_anywhere", folder.path());
    let (stdout, stderr) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert!(ran.status.success(), "{stdout}{stderr}");
    let written = std::fs::read_to_string(folder.path().join("x.log")).unwrap();
    for text in [&written, &stderr, &stdout] {
        assert!(!text.contains("4711"), "{text}");
    }
    for text in [&written, &stderr] {
        for part in [
            "INFO",
            "quiet",
            "WARN",
            "\n    over two lines",
            "ERROR",
            "A part of the program panicked: with •••",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(text.contains("thread=\"worker\"") && text.contains("backtrace="), "{text}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_a_warning() {
    if let Some(folder) = childs_folder() {
        let logging = started(folder);
        assert!(logging.file_trouble().is_some_and(|trouble| trouble.contains("x.log")));
        assert!(logging.recent()[0].contains("cannot be written"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A file where the folder should be: refused to root as well.
    let blocked = folder.path().join("log");
    std::fs::write(&blocked, "").unwrap();
    let ran = child("a_folder_that_cannot_be_written_is_a_warning", &blocked);
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{stderr}");
    assert_eq!(stderr.matches("cannot be written").count(), 1, "{stderr}");
}

#[test]
fn a_panic_of_the_main_thread_ends_the_program() {
    if let Some(folder) = childs_folder() {
        let options = LoggingOptions {
            program: "x",
            folder: Some(folder),
            masker: Masker::default(),
            main_panic_exit_code: Some(2),
        };
        // The thread that starts the log counts as the main one.
        Logging::start(options).unwrap();
        panic!("on the main thread");
    }
    let folder = tempfile::tempdir().unwrap();
    let ran = child("a_panic_of_the_main_thread_ends_the_program", folder.path());
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("faultline: ended by an error of its own"), "{stderr}");
    let written = std::fs::read_to_string(folder.path().join("x.log")).unwrap();
    assert!(written.contains("on the main thread"), "{written}");
}

#[test]
fn only_the_last_warnings_are_kept() {
    let options = LoggingOptions { program: "x", ..LoggingOptions::default() };
    let (logging, subscriber) = Logging::build(options, EnvFilter::new("off"));
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..MAX_RECENT + 10 {
            tracing::info!(number, "not kept");
            tracing::warn!(number, "kept");
        }
        tracing::error!("{}", "long ".repeat(10_000));
    });
    let recent = logging.recent();
    assert_eq!(recent.len(), MAX_RECENT);
    assert!(recent[0].ends_with("kept number=11"), "{}", recent[0]);
    assert!(recent[MAX_RECENT - 1].len() < 3_000);
    assert_eq!((logging.file(), logging.file_trouble()), (None, None));
}
