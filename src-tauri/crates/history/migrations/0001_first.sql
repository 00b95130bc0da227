-- 'FLTL': tells our store from any other SQLite file.
PRAGMA application_id = 1179407436;

-- Short strings that frames repeat: fingerprints, signal names, waits, users. Blobs name them by id.
CREATE TABLE word (
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
);

CREATE TABLE cluster (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE node (
    id         INTEGER PRIMARY KEY,
    cluster_id INTEGER NOT NULL REFERENCES cluster (id),
    name       TEXT NOT NULL,
    UNIQUE (cluster_id, name)
);

-- What was seen, exactly; sequence is the order in which analysis saw it. Times are microseconds since the epoch.
-- kind: 0 frame, 1 deploy. standing: the frame has `about` or facts.
CREATE TABLE observation (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    cluster_id INTEGER NOT NULL REFERENCES cluster (id),
    node_id    INTEGER REFERENCES node (id),
    at         INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    standing   INTEGER NOT NULL,
    body       BLOB NOT NULL
);
CREATE INDEX observation_at ON observation (cluster_id, at);
CREATE INDEX observation_standing_at ON observation (cluster_id, at) WHERE standing = 1;
CREATE INDEX observation_standing_sequence ON observation (cluster_id, sequence) WHERE standing = 1;

-- Everything standing (about, facts) that observations before `cut` with a sequence up to `sequence` had said.
CREATE TABLE checkpoint (
    cluster_id INTEGER NOT NULL REFERENCES cluster (id),
    cut        INTEGER NOT NULL,
    sequence   INTEGER NOT NULL,
    body       BLOB NOT NULL,
    UNIQUE (cluster_id, cut)
);

-- Sums over fixed steps, so that long ranges are quick to draw. ends: end of the bucket.
CREATE TABLE rollup (
    cluster_id INTEGER NOT NULL REFERENCES cluster (id),
    step       INTEGER NOT NULL,
    ends       INTEGER NOT NULL,
    node_id    INTEGER NOT NULL REFERENCES node (id),
    body       BLOB NOT NULL,
    UNIQUE (cluster_id, step, ends, node_id)
);

-- Buckets whose rollup is missing or out of date; they are read from what they are made of.
CREATE TABLE stale (
    cluster_id INTEGER NOT NULL REFERENCES cluster (id),
    step       INTEGER NOT NULL,
    ends       INTEGER NOT NULL,
    node_id    INTEGER NOT NULL REFERENCES node (id),
    PRIMARY KEY (cluster_id, step, ends, node_id)
) WITHOUT ROWID;

-- The texts behind fingerprints, and when they were at work. text is null while only calls were seen.
CREATE TABLE query (
    cluster_id INTEGER NOT NULL REFERENCES cluster (id),
    fp         TEXT NOT NULL,
    node_id    INTEGER NOT NULL REFERENCES node (id),
    text       TEXT,
    text_at    INTEGER,
    database   TEXT,
    user       TEXT,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    UNIQUE (cluster_id, fp)
);

CREATE TABLE deploy (
    id          TEXT PRIMARY KEY,
    sequence    INTEGER NOT NULL UNIQUE,
    ranked_at   INTEGER NOT NULL,
    environment TEXT NOT NULL,
    received    INTEGER NOT NULL,
    body        TEXT NOT NULL
);
CREATE INDEX deploy_ranked_at ON deploy (ranked_at);

CREATE TABLE incident (
    id         TEXT PRIMARY KEY,
    cluster    TEXT NOT NULL,
    onset      INTEGER NOT NULL,
    opened     INTEGER NOT NULL,
    resolved   INTEGER,
    severity   TEXT NOT NULL,
    load_ratio REAL,
    nodes      TEXT NOT NULL,
    verdict    TEXT
);
CREATE INDEX incident_opened ON incident (opened);
CREATE INDEX incident_open ON incident (cluster, opened) WHERE resolved IS NULL;

CREATE TABLE incident_event (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    incident TEXT NOT NULL REFERENCES incident (id),
    body     TEXT NOT NULL
);
CREATE INDEX incident_event_incident ON incident_event (incident, id);

-- One row an idempotency key: that the row could be inserted is the permission to run.
CREATE TABLE rollback_run (
    key          TEXT PRIMARY KEY,
    incident     TEXT,
    target       TEXT NOT NULL,
    started      INTEGER NOT NULL,
    finished     INTEGER,
    outcome      TEXT,
    verified     INTEGER,
    verification TEXT,
    verified_at  INTEGER
);
CREATE INDEX rollback_run_incident ON rollback_run (incident) WHERE incident IS NOT NULL;

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);

CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('incident', 0);
