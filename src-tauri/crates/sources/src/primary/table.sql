-- A table that the primary fills about itself, for Faultline.
--
-- Physical replicas show their own statements alone. With this, the primary writes every @EVERY@ what it did since the
-- time before into a small table; replication carries it to the replicas, where Faultline reads it. No login on the
-- primary is needed. Faultline prints this script and never runs it: read it, then run it on the PRIMARY, as a
-- superuser or a member of pg_read_all_stats that may create a schema, in the database that Faultline connects to on
-- the replicas, where the extension pg_stat_statements is. It works on PostgreSQL 14 and later and may be run again.
--
--   faultctl primary table-sql | psql --single-transaction -v ON_ERROR_STOP=1 -d DATABASE
--
-- What it keeps: 15 minutes of ticks, and the normalised texts of at most 10,000 statements.

CREATE SCHEMA IF NOT EXISTS faultline;
COMMENT ON SCHEMA faultline IS 'What this server did, for Faultline; made by `faultctl primary table-sql`';

-- One row each time the job runs.
CREATE TABLE IF NOT EXISTS faultline.load (
    tick bigint PRIMARY KEY,
    written_at timestamptz NOT NULL,
    -- Time since the tick before, milliseconds; null when there is nothing to compare with: the first tick, one after a
    -- restart, a promotion or a long pause.
    span_ms double precision,
    started_at timestamptz NOT NULL,
    -- Whether every statement that was called is listed.
    complete boolean NOT NULL,
    -- [database, query id, role, calls, milliseconds, rows, pages hit, pages read] of each statement that was called.
    statements json NOT NULL,
    -- Counters of this database as they stand, and sessions counted.
    counters json NOT NULL,
    -- [query id, wait, state, milliseconds, role, application, client, count, database] of the sessions at work.
    sessions json NOT NULL,
    -- When all counters of statements were last reset, where the extension tells.
    statements_reset timestamptz,
    -- When texts were last read, and how long that took, milliseconds.
    texts_at timestamptz NOT NULL,
    texts_ms double precision NOT NULL
);

-- The texts behind the ids, as pg_stat_statements keeps them: constants taken out.
CREATE TABLE IF NOT EXISTS faultline.statement_text (
    database name NOT NULL,
    queryid bigint NOT NULL,
    role name,
    text text NOT NULL,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (database, queryid)
);

-- The counters at the tick before. Neither replicated nor written to the log; empty after a crash or a promotion, and
-- then the next tick has nothing to compare with.
CREATE UNLOGGED TABLE IF NOT EXISTS faultline.seen (
    userid oid NOT NULL,
    dbid oid NOT NULL,
    queryid bigint NOT NULL,
    calls bigint NOT NULL,
    time_ms double precision NOT NULL,
    rows bigint NOT NULL,
    hit bigint NOT NULL,
    read bigint NOT NULL,
    since timestamptz,
    PRIMARY KEY (userid, dbid, queryid)
    -- Room on each page, so that updates stay where they are and need no vacuum.
) WITH (fillfactor = 50);

CREATE OR REPLACE FUNCTION faultline.record_load() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET statement_timeout = '10s'
SET lock_timeout = '500ms'
AS $record_load$
DECLARE
    longest_span CONSTANT interval := '10 minutes';
    kept_ticks CONSTANT interval := '15 minutes';
    most_statements CONSTANT integer := 500;
    most_sessions CONSTANT integer := 200;
    most_texts_a_read CONSTANT integer := 200;
    most_texts CONSTANT integer := 10000;
    extension_schema name;
    own_id bigint;
    before record;
    now_at timestamptz;
    elapsed_ms double precision;
    known boolean;
    tells_resets boolean;
    reset_before timestamptz;
    reset_after timestamptz;
    called json;
    listed integer;
    total integer;
    unknown_ids bigint[];
    texts_began timestamptz;
    new_texts_at timestamptz;
    new_texts_ms double precision;
    new_tick bigint;
BEGIN
    -- A standby cannot write, and one writer is enough.
    IF pg_is_in_recovery() OR NOT pg_try_advisory_xact_lock(7236831108927113) THEN
        RETURN NULL;
    END IF;
    SELECT n.nspname INTO extension_schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_stat_statements';
    IF extension_schema IS NULL THEN
        RAISE EXCEPTION 'pg_stat_statements is not in this database'
            USING HINT = 'CREATE EXTENSION pg_stat_statements; here, or run the job in the database that has it.';
    END IF;
    SELECT a.query_id INTO own_id FROM pg_stat_activity a WHERE a.pid = pg_backend_pid();
    SELECT l.tick, l.written_at, l.started_at, l.statements_reset, l.texts_at, l.texts_ms INTO before
        FROM faultline.load l ORDER BY l.tick DESC LIMIT 1;
    now_at := clock_timestamp();
    elapsed_ms := extract(epoch FROM now_at - before.written_at) * 1000;
    known := before.started_at = pg_postmaster_start_time()
        AND elapsed_ms > 0 AND now_at - before.written_at < longest_span
        AND EXISTS (SELECT FROM faultline.seen);
    known := coalesce(known, false);

    -- Asked before and after the counters: a reset in between then loses some calls and never makes any.
    tells_resets := to_regproc(format('%I.pg_stat_statements_info', extension_schema)) IS NOT NULL;
    IF tells_resets THEN
        EXECUTE format('SELECT i.stats_reset FROM %I.pg_stat_statements_info() i', extension_schema) INTO reset_before;
    END IF;

    -- Columns that an older version of the extension does not have are found in `missing` instead: names inside the
    -- inner SELECT are looked up in the function's columns first.
    EXECUTE format($sql$
        WITH now AS MATERIALIZED (
            SELECT s.userid, s.dbid, s.queryid, sum(s.calls)::bigint AS calls, sum(s.time_ms) AS time_ms,
                sum(s.rows)::bigint AS rows, sum(s.hit)::bigint AS hit, sum(s.read)::bigint AS read,
                min(s.stats_since) AS since
            FROM (VALUES (NULL::float8, true, NULL::timestamptz)) AS missing (total_time, toplevel, stats_since),
                LATERAL (
                    SELECT p.userid, p.dbid, p.queryid, p.calls, total_exec_time AS time_ms, p.rows,
                        p.shared_blks_hit AS hit, p.shared_blks_read AS read, toplevel, stats_since
                    FROM %1$I.pg_stat_statements(false) p
                    WHERE p.queryid IS NOT NULL AND p.queryid IS DISTINCT FROM $1
                ) s
            WHERE s.toplevel
            GROUP BY s.userid, s.dbid, s.queryid
        ), changed AS MATERIALIZED (
            SELECT n.*, b.queryid IS NOT NULL AND b.since IS NOT DISTINCT FROM n.since
                    AND n.calls >= b.calls AND n.time_ms >= b.time_ms AND n.rows >= b.rows AND n.hit >= b.hit
                    AND n.read >= b.read AND NOT ($8 AND n.since IS NULL) AS goes_on,
                b.calls AS old_calls, b.time_ms AS old_ms, b.rows AS old_rows, b.hit AS old_hit, b.read AS old_read
            FROM now n LEFT JOIN faultline.seen b USING (userid, dbid, queryid)
            WHERE b.queryid IS NULL OR b.calls <> n.calls OR b.time_ms <> n.time_ms
                OR b.since IS DISTINCT FROM n.since
        ), kept AS (
            INSERT INTO faultline.seen AS b (userid, dbid, queryid, calls, time_ms, rows, hit, read, since)
            SELECT userid, dbid, queryid, calls, time_ms, rows, hit, read, since FROM changed
            ON CONFLICT (userid, dbid, queryid) DO UPDATE SET calls = excluded.calls, time_ms = excluded.time_ms,
                rows = excluded.rows, hit = excluded.hit, read = excluded.read, since = excluded.since
        ), gone AS (
            DELETE FROM faultline.seen b WHERE NOT EXISTS (
                SELECT FROM now n WHERE (n.userid, n.dbid, n.queryid) = (b.userid, b.dbid, b.queryid))
        ), called AS (
            -- What goes on counts its difference. What began anew counts from zero: when it is dated, only if the date
            -- is later than the tick before; when it is not, only if so much was possible since then.
            SELECT c.dbid, c.queryid, min(c.userid::bigint)::oid AS userid,
                sum(CASE WHEN c.goes_on THEN c.calls - c.old_calls ELSE c.calls END) AS calls,
                sum(CASE WHEN c.goes_on THEN c.time_ms - c.old_ms ELSE c.time_ms END) AS time_ms,
                sum(CASE WHEN c.goes_on THEN c.rows - c.old_rows ELSE c.rows END) AS rows,
                sum(CASE WHEN c.goes_on THEN c.hit - c.old_hit ELSE c.hit END) AS hit,
                sum(CASE WHEN c.goes_on THEN c.read - c.old_read ELSE c.read END) AS read
            FROM changed c
            WHERE $2 AND (c.goes_on OR CASE WHEN c.since IS NULL THEN c.time_ms <= $3 * $4 ELSE c.since >= $5 END)
            GROUP BY c.dbid, c.queryid
        ), listed AS (
            SELECT d.datname, c.*, row_number() OVER (ORDER BY c.time_ms DESC, c.queryid) AS place
            FROM called c JOIN pg_database d ON d.oid = c.dbid
            WHERE c.calls > 0 AND d.datname NOT IN ('rdsadmin', 'cloudsqladmin', 'alloydbadmin', 'azure_maintenance', 'azure_sys')
        )
        SELECT coalesce(json_agg(json_build_array(l.datname, l.queryid, pg_get_userbyid(l.userid), l.calls,
                    round(l.time_ms::numeric, 3), l.rows, l.hit, l.read) ORDER BY l.place)
                FILTER (WHERE l.place <= $6), '[]'),
            count(*) FILTER (WHERE l.place <= $6), count(*),
            (array_agg(l.queryid ORDER BY l.place) FILTER (WHERE l.place <= $6 AND NOT EXISTS (
                SELECT FROM faultline.statement_text t WHERE t.database = l.datname AND t.queryid = l.queryid)))[1:$7]
        FROM listed l
    $sql$, extension_schema)
    INTO called, listed, total, unknown_ids
    USING own_id, known, elapsed_ms, current_setting('max_connections')::integer, before.written_at,
        most_statements, most_texts_a_read, coalesce(before.statements_reset <> reset_before, false);
    IF tells_resets THEN
        EXECUTE format('SELECT i.stats_reset FROM %I.pg_stat_statements_info() i', extension_schema) INTO reset_after;
    END IF;

    -- The server goes through its whole file of texts for one of them: seldom, and the more seldom the longer it takes.
    new_texts_at := coalesce(before.texts_at, '-infinity');
    new_texts_ms := coalesce(before.texts_ms, 0);
    IF unknown_ids IS NOT NULL AND now_at > new_texts_at
            + least(greatest(new_texts_ms * 200, 5000), 600000) * interval '1 millisecond' THEN
        texts_began := clock_timestamp();
        EXECUTE format($sql$
            INSERT INTO faultline.statement_text (database, queryid, role, text, added_at)
            SELECT DISTINCT ON (d.datname, s.queryid) d.datname, s.queryid, pg_get_userbyid(s.userid),
                -- Statements that manage roles are kept with their constants before PostgreSQL 16.
                CASE WHEN s.query ~* '\y(create|alter)\y.*\ypassword\y' THEN 'not kept: it may hold a password'
                    ELSE left(s.query, 8192) END, $2
            FROM %1$I.pg_stat_statements(true) s JOIN pg_database d ON d.oid = s.dbid
            WHERE s.queryid = ANY ($1) AND s.query IS NOT NULL
            ON CONFLICT (database, queryid) DO NOTHING
        $sql$, extension_schema) USING unknown_ids, now_at;
        new_texts_at := clock_timestamp();
        new_texts_ms := extract(epoch FROM new_texts_at - texts_began) * 1000;
        DELETE FROM faultline.statement_text t USING (
            SELECT o.database, o.queryid FROM faultline.statement_text o
            ORDER BY o.added_at DESC, o.database, o.queryid OFFSET most_texts) old
        WHERE (t.database, t.queryid) = (old.database, old.queryid);
    END IF;

    INSERT INTO faultline.load (tick, written_at, span_ms, started_at, complete, statements, counters, sessions,
        statements_reset, texts_at, texts_ms)
    SELECT coalesce(before.tick, 0) + 1, now_at, CASE WHEN known THEN elapsed_ms END, pg_postmaster_start_time(),
        listed = total, called, c.counters, s.sessions, reset_after, new_texts_at, new_texts_ms
    FROM (
        SELECT json_build_object(
            'reset_us', (extract(epoch FROM d.stats_reset) * 1000000)::bigint,
            'commits', d.xact_commit, 'rollbacks', d.xact_rollback, 'hit', d.blks_hit, 'read', d.blks_read,
            'rows_read', d.tup_returned, 'rows_fetched', d.tup_fetched,
            'rows_changed', d.tup_inserted + d.tup_updated + d.tup_deleted,
            'temp_bytes', d.temp_bytes, 'deadlocks', d.deadlocks,
            'log_bytes', pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
            'connections', (SELECT count(*) FROM pg_stat_activity a
                WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()),
            'version', current_setting('server_version')) AS counters
        FROM pg_stat_database d WHERE d.datname = current_database()
    ) c, (
        SELECT coalesce(json_agg(json_build_array(g.query_id, g.wait, g.state, g.running_ms, g.role, g.app, g.client,
            g.sessions, g.datname)), '[]') AS sessions
        FROM (
            SELECT a.query_id, a.wait_event_type || ':' || a.wait_event AS wait, a.state, a.usename AS role,
                a.datname, left(a.application_name, 200) AS app,
                CASE WHEN a.client_addr IS NULL THEN 'local' ELSE host(a.client_addr) END AS client,
                count(*) AS sessions,
                round(max(extract(epoch FROM clock_timestamp()
                    - CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END) * 1000)) AS running_ms
            FROM pg_stat_activity a
            WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
                AND a.state NOT IN ('idle', 'disabled') AND a.application_name NOT IN ('faultline', 'pg_cron')
            GROUP BY 1, 2, 3, 4, 5, 6, 7
            ORDER BY count(*) DESC, 1 LIMIT most_sessions
        ) g
    ) s
    RETURNING tick INTO new_tick;
    DELETE FROM faultline.load l WHERE l.written_at < now_at - kept_ticks;
    RETURN new_tick;
END
$record_load$;

-- Only the job runs it, and only monitoring logins read what it writes.
REVOKE ALL ON SCHEMA faultline FROM PUBLIC;
REVOKE ALL ON FUNCTION faultline.record_load() FROM PUBLIC;
REVOKE ALL ON faultline.load, faultline.statement_text, faultline.seen FROM PUBLIC;
GRANT USAGE ON SCHEMA faultline TO @ROLE@;
GRANT SELECT ON faultline.load, faultline.statement_text TO @ROLE@;

-- Then let it run every @EVERY@; choose one. Every 5 to 60 seconds is sensible.
--
-- pg_cron 1.5 or later (older ones know minutes alone: write '* * * * *'), in the database that pg_cron lives in:
--
--   SELECT cron.schedule_in_database('faultline', '@EVERY@', 'SELECT /* faultline */ faultline.record_load()', 'DATABASE');
--
-- or psql as a service of the primary's host, kept running by systemd or the like:
--
--   echo 'SELECT /* faultline */ faultline.record_load() \watch @SECONDS@' | psql -qAt -o /dev/null -d DATABASE
--
-- To take it all away again:
--
--   SELECT cron.unschedule('faultline');
--   DROP SCHEMA faultline CASCADE;
