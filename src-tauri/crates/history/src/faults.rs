//! Tests of what goes wrong: files that are newer, older, foreign or damaged, a full disk, folders that cannot be used.
//! They reach under the public interface to bring those about.

use std::path::Path;

use faultline_model::{Frame, Observation, TimeRange, Timestamp};

use crate::error::HistoryError;
use crate::schema::{STEPS, Step, backup_file};
use crate::store::{FILE_NAME, History};

fn many(count: u32) -> Vec<Observation> {
    let frame = |second: u32| {
        let mut frame = Frame::new(Timestamp::from_secs(f64::from(second)), "a".into());
        // Not compressible, so that it fills pages.
        let noise: String =
            (0..200_u32).map(|i| format!("{:x}", (second + i).wrapping_mul(2_654_435_761))).collect();
        frame.facts.insert("noise".to_owned(), noise.into());
        Observation::Frame(frame)
    };
    (0..count).map(frame).collect()
}

fn always() -> TimeRange {
    TimeRange::new(Timestamp::EPOCH, Timestamp::from_secs(1e9))
}

async fn refusal(folder: &Path) -> HistoryError {
    History::open(folder).await.map(|_| ()).unwrap_err()
}

#[tokio::test]
async fn an_older_store_is_copied_and_brought_on_and_a_newer_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).await.unwrap();
    history.append(&"shop".into(), &many(3)).await.unwrap();
    let file = history.file().to_owned();
    history.close().await;
    assert!(!backup_file(&file, 1).exists(), "a fresh store has nothing to copy");

    let next = Step { version: 2, title: "second", sql: "CREATE TABLE second (id INTEGER PRIMARY KEY)" };
    let steps: Vec<_> = STEPS.iter().copied().chain([next]).collect();
    let history = History::open_with(folder.path(), &steps).await.unwrap();
    assert_eq!(history.observations(&"shop".into(), always()).await.unwrap(), many(3));
    history.close().await;

    let error = refusal(folder.path()).await;
    assert!(matches!(error, HistoryError::Newer { found: 2, known: 1, .. }), "{error}");

    std::fs::copy(backup_file(&file, 1), &file).unwrap();
    let history = History::open(folder.path()).await.unwrap();
    assert_eq!(
        history.observations(&"shop".into(), always()).await.unwrap(),
        many(3),
        "the copy is a whole store"
    );
    history.close().await;
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    History::open(folder.path()).await.unwrap().close().await;
    let bad = Step {
        version: 2,
        title: "bad",
        sql: "CREATE TABLE half (id INTEGER); CREATE TABLE word (id INTEGER)",
    };
    let steps: Vec<_> = STEPS.iter().copied().chain([bad]).collect();
    let error = History::open_with(folder.path(), &steps).await.map(|_| ()).unwrap_err();
    assert!(matches!(error, HistoryError::Database { .. }), "{error}");
    let history = History::open(folder.path()).await.unwrap();
    let half: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'half'")
        .fetch_one(&history.inner.readers)
        .await
        .unwrap();
    assert_eq!(half, 0);
}

#[tokio::test]
async fn files_that_are_no_store_are_refused_and_left_alone() {
    let garbage = vec![b'x'; 10_000];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE_NAME);
    std::fs::write(&file, &garbage).unwrap();
    let error = refusal(folder.path()).await;
    assert!(matches!(error, HistoryError::NotAStore { .. }), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), garbage);

    std::fs::remove_file(&file).unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE of_someone_else (id INTEGER)").execute(&pool).await.unwrap();
    pool.close().await;
    let error = refusal(folder.path()).await;
    assert!(matches!(error, HistoryError::NotAStore { .. }), "{error}");
}

#[tokio::test]
async fn damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).await.unwrap();
    history.append(&"shop".into(), &many(500)).await.unwrap();
    let file = history.file().to_owned();
    history.close().await;
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = 4_096 * 40..bytes.len();
    bytes[middle].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();
    let found = async { History::open(folder.path()).await?.observations(&"shop".into(), always()).await };
    let error = found.await.unwrap_err();
    assert!(matches!(error, HistoryError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).await.unwrap();
    history.append(&"shop".into(), &many(1)).await.unwrap();
    for body in
        [&b""[..], b"\x07", b"\x00", b"\x01", b"\x01\xff\xff\xff\xff\xff\xff\xff\xff", b"\x00\x01\x03"]
    {
        sqlx::query("UPDATE observation SET body = ?")
            .bind(body)
            .execute(&history.inner.writer)
            .await
            .unwrap();
        let error = history.observations(&"shop".into(), always()).await.unwrap_err();
        assert!(matches!(error, HistoryError::Damaged { .. }), "{body:?}: {error}");
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).await.unwrap();
    history.append(&"shop".into(), &many(10)).await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&history.inner.writer).await.unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 5));
    sqlx::query(limit).execute(&history.inner.writer).await.unwrap();
    let error = history.append(&"shop".into(), &many(1_000)).await.unwrap_err();
    assert!(matches!(error, HistoryError::DiskFull { .. }), "{error}");
    assert_eq!(history.observations(&"shop".into(), always()).await.unwrap(), many(10));
    sqlx::query("PRAGMA max_page_count = 1000000").execute(&history.inner.writer).await.unwrap();
    history.append(&"shop".into(), &many(10)).await.unwrap();
    assert_eq!(history.observations(&"shop".into(), always()).await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).await.unwrap();
    sqlx::query("PRAGMA query_only = ON").execute(&history.inner.writer).await.unwrap();
    let error = history.append(&"shop".into(), &many(1)).await.unwrap_err();
    assert!(matches!(error, HistoryError::ReadOnly { .. }), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let occupied = folder.path().join("occupied");
    std::fs::write(&occupied, "a regular file").unwrap();
    for unusable in [occupied.clone(), occupied.join("below")] {
        let error = refusal(&unusable).await;
        assert!(matches!(error, HistoryError::Folder { .. }), "{error}");
        assert!(error.to_string().contains("--data"), "{error}");
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).await.unwrap();
    history.clone().close().await;
    let error = history.append(&"shop".into(), &many(1)).await.unwrap_err();
    assert!(matches!(error, HistoryError::Closed), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn folder_and_files_are_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("deep").join("data");
    let history = History::open(&folder).await.unwrap();
    history.append(&"shop".into(), &many(1)).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_may_open_a_fresh_folder_at_once() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    let opened = (0..6).map(|_| {
        let folder = folder.clone();
        tokio::spawn(async move { History::open(&folder).await })
    });
    for history in futures::future::join_all(opened).await {
        let history = history.unwrap().unwrap();
        history.append(&"shop".into(), &many(1)).await.unwrap();
    }
}

#[tokio::test]
async fn strings_beyond_a_full_dictionary_stand_in_the_frames() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).await.unwrap();
    sqlx::query(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO word (text) SELECT 'word ' || i FROM n",
    )
    .bind(crate::limits::MAX_WORDS as i64 - 1)
    .execute(&history.inner.writer)
    .await
    .unwrap();
    let mut frame = Frame::new(Timestamp::from_secs(1.0), "a".into());
    let values = [("one".into(), 1.0), ("two".into(), 2.0), ("three".into(), 3.0)].into();
    frame.signals = Some(faultline_model::Signals { span_s: 1.0, values });
    let later = Frame { at: Timestamp::from_secs(200.0), ..frame.clone() };
    let all = [Observation::Frame(frame.clone()), Observation::Frame(later)];
    history.append(&"shop".into(), &all).await.unwrap();
    assert_eq!(history.observations(&"shop".into(), always()).await.unwrap(), all);
    let buckets = history.frames(&"shop".into(), always(), 60.0).await.unwrap();
    assert_eq!(buckets[0].signals, frame.signals);
    let words: i64 =
        sqlx::query_scalar("SELECT count(*) FROM word").fetch_one(&history.inner.readers).await.unwrap();
    assert_eq!(words, crate::limits::MAX_WORDS as i64);
}
