//! Every limit of the store, with its unit.

use std::time::Duration;

/// Most observations that one call returns or appends.
pub const MAX_OBSERVATIONS: usize = 300_000;

/// Most buckets that one call returns, over all nodes.
pub const MAX_BUCKETS: usize = 100_000;

/// Longest query text that is kept, bytes; a longer one is cut at a character.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Most queries in a rolled-up bucket; the ones with the least time are added up as [`crate::OTHER_FINGERPRINT`].
pub const MAX_BUCKET_QUERIES: usize = 1_000;

/// Most session groups in a rolled-up bucket; the smallest are added up as [`crate::OTHER_FINGERPRINT`].
pub const MAX_BUCKET_SESSION_GROUPS: usize = 500;

/// Longest span of an observation that is spread over buckets, seconds; of a longer one only the end counts.
pub const MAX_SPREAD_S: f64 = 120.0;

/// Most fingerprints that one call asks texts for.
pub const MAX_TEXTS: usize = 20_000;

/// Most deploys that one call returns; the newest count.
pub const MAX_DEPLOYS: usize = 5_000;

/// Largest deploy, rollback target, event or audit detail that is kept, bytes of JSON.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// Most incidents that one call returns; the newest count.
pub const MAX_INCIDENTS: usize = 500;

/// Most events of one incident that are returned; the newest count.
pub const MAX_INCIDENT_EVENTS: usize = 1_000;

/// Most audit lines that one call returns; the newest count.
pub const MAX_AUDIT_ENTRIES: usize = 10_000;

/// Most words in the dictionary; strings beyond are stored with each frame.
pub(crate) const MAX_WORDS: usize = 200_000;

/// Longest word in the dictionary, bytes; longer strings are stored with each frame.
pub(crate) const MAX_WORD_BYTES: usize = 128;

/// Largest body after decompression, bytes; larger means damage.
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

/// How long a statement waits for another process's lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a call waits for a free connection; longer than [`BUSY_TIMEOUT`], so that the cause is named first.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections for reading.
pub(crate) const READERS: u32 = 4;

/// How long opening waits for another process that makes or changes the tables; copying a large store takes a while.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// Time between two looks at that lock.
pub(crate) const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Rows that a reading connection may be ahead of who takes them; SQLite runs on a thread of its own, and every time it
/// has to wait costs a change of threads.
pub(crate) const ROW_BUFFER: usize = 512;
