//! What is read differently by PostgreSQL and MySQL, and statements that are not queries: each a table of texts.

use faultline_fingerprint::{Dialect, normalise};

/// Checks texts of one dialect: what is written, and what it is normalised to.
#[track_caller]
fn check(dialect: Dialect, cases: &[(&str, &str)]) {
    for (sql, text) in cases {
        assert_eq!(normalise(sql, dialect).text, *text, "{dialect:?}: {sql}");
        assert_eq!(normalise(text, dialect).text, *text, "{dialect:?}, twice: {sql}");
    }
}

#[test]
fn literals_of_postgres() {
    check(
        Dialect::Postgres,
        &[
            ("select 'a\\', b", "select ?, b"),
            ("select E'a\\', b', c", "select ?, c"),
            ("select U&'d\\0061t' uescape '!', U&\"Col\"", "select ?, col"),
            ("select X'1F', B'10', N'x', 0x1f, 0b10, 0o17", "select ?, ?, ?, ?, ?, ?"),
            ("select 1_000, 1e5, 1.5E-3, .5, 5.", "select ?, ?, ?, ?, ?"),
            ("select 'a'\n'b', $$c$$, $Tag$ $tag$ $Tag$", "select ?, ?, ?"),
            ("select date '2026-01-01', '2026-01-01'::date", "select ?, ?"),
            ("select timestamp(3) with time zone 'now', time with time zone 'x'", "select ?, ?"),
            ("select interval '1' day, interval '1 day', interval (0) $2", "select ?, ?, ?"),
            ("select now() - interval '1 2' day to hour", "select now() - ?"),
            ("select t.date, date, a.interval from t", "select t.date, date, a.interval from t"),
            ("select 1::numeric(10, -2), $1::s.t[], '{}'::int[3][], -5::int", "select ?, ?, ?, ?"),
            ("select a::numeric(10, 2), (1)::int", "select a::numeric(?, ?), (?)::int"),
            ("select cast('1' as int)", "select cast(? as int)"),
        ],
    );
}

#[test]
fn literals_of_mysql() {
    check(
        Dialect::Mysql,
        &[
            ("select \"a\\\"b\", 'a\\'b', 'it''s', 'a' 'b'", "select ?, ?, ?, ?"),
            ("select _utf8mb4'x' collate utf8mb4_bin, N'x'", "select ? collate utf8mb4_bin, ?"),
            ("select x'1f', b'1', 0x1F, 0XfF, 0b11, 1e5, 1.5e-3, .5", "select ?, ?, ?, ?, ?, ?, ?, ?"),
            ("select date '2026-01-01', interval(1, 2)", "select ?, interval (?, ?)"),
            ("select date_add('2026-01-01', interval '1' day)", "select date_add(?, interval ? day)"),
            ("select 1a, t.1b, 5.5, t.5, 123foo from db1.2t", "select 1a, t.1b, ?, t.5, 123foo from db1.2t"),
        ],
    );
}

#[test]
fn placeholders_and_signs_like_them() {
    check(
        Dialect::Postgres,
        &[
            (
                "a=? and b=$1 and c = :name and d = %s and e=%(name)s",
                "a = ? and b = ? and c = ? and d = ? and e = ?",
            ),
            ("a=@p1 and b = :1 and c = ?1 limit ?", "a = ? and b = ? and c = ? limit ?"),
            (
                "select b ? 'k', b ?| array['a', 'b'], b ?& $1, b @? '$.x'",
                "select b ? ?, b ?| array[?], b ?& ?, b @? ?",
            ),
            ("select b->>'x', b#>>'{a}', b->-1, b @> '{}'", "select b ->> ?, b #>> ?, b -> ?, b @> ?"),
            ("select ?||'x', a % s, 5 % 2, a <-> b", "select ? || ?, a % s, ? % ?, a <-> b"),
            ("select a[1:2], a[1], a[:n]", "select a[? : ?], a[?], a[?]"),
            ("select 5-3, 5 - -3, a-1, (-1), -1, -a", "select ? - ?, ? - ?, a - ?, (?), ?, - a"),
            ("f(a => 1, b := 2)", "f(a => ?, b := ?)"),
        ],
    );
    check(
        Dialect::Mysql,
        &[
            ("select @a := 1, @@global.x, @x.y, a@b", "select @a := ?, @@global.x, @x.y, a @b"),
            ("a = @p1 and b = :name and c = %s and d = ?", "a = ? and b = ? and c = ? and d = ?"),
            ("select a->'$.x', a->>'$.y', a <=> b, !a, ~1", "select a -> ?, a ->> ?, a <=> b, ! a, ~ ?"),
            ("select 5 div -1, a--1", "select ? div ?, a - ?"),
        ],
    );
}

#[test]
fn comments_and_hints() {
    check(
        Dialect::Postgres,
        &[
            ("select /*+ IndexScan(t) */ a -- x\n from t /* a /* b */ c */", "select a from t"),
            ("select 5--3\n+1", "select ? + ?"),
            ("select /*! a */ 1", "select ?"),
        ],
    );
    check(
        Dialect::Mysql,
        &[
            ("select /*+ MAX_EXECUTION_TIME(1000) */ a, -- x\n b # c\n from t", "select a, b from t"),
            (
                "select /*! STRAIGHT_JOIN */ a from t /*M!100100 where b = 1 */",
                "select straight_join a from t where b = ?",
            ),
        ],
    );
}

#[test]
fn digests_of_mysql() {
    check(
        Dialect::Mysql,
        &[
            (
                "SELECT `a` . `b` FROM `t` WHERE `c` IN (...) LIMIT ?, ...",
                "select a.b from t where c in (?) limit ?, ?",
            ),
            ("INSERT INTO `t` ( `a` ) VALUES (...) /* , ... */", "insert into t (a) values (?)"),
            ("INSERT INTO `t` ( `a` ) VALUES ( ? , ... ) , ( ? , ... )", "insert into t (a) values (?)"),
        ],
    );
}

#[test]
fn what_drivers_make_up_is_a_value() {
    check(
        Dialect::Postgres,
        &[
            ("SAVEPOINT sp1", "savepoint ?"),
            ("RELEASE some_id", "release savepoint ?"),
            ("release savepoint \"x 1\"", "release savepoint ?"),
            ("rollback work to sp1; rollback", "rollback to savepoint ?; rollback"),
            ("FETCH 100 FROM c1", "fetch ? from ?"),
            ("fetch forward 5 in \"c_17\"", "fetch forward ? from ?"),
            ("move next c; close c; close all", "move next ?; close ?; close ?"),
            (
                "DECLARE c_1 NO SCROLL CURSOR FOR SELECT a FROM t",
                "declare ? no scroll cursor for select a from t",
            ),
            ("PREPARE a123 (int) AS SELECT a", "prepare ? (int) as select a"),
            ("execute a123 (1, 'x')", "execute ?"),
            ("DEALLOCATE PREPARE ALL", "deallocate ?"),
            ("prepare transaction 'x'; commit prepared 'x'", "prepare transaction ?; commit prepared ?"),
            ("unlisten *; listen c; notify c, 'x'", "unlisten ?; listen c; notify c, ?"),
        ],
    );
    check(
        Dialect::Mysql,
        &[
            ("savepoint `x`", "savepoint ?"),
            ("use `foo`", "use ?"),
            ("prepare s from 'select 1'; execute s using @a", "prepare ? from ?; execute ? using @a"),
            ("deallocate prepare s", "deallocate ?"),
        ],
    );
}

#[test]
fn settings_and_calls() {
    check(
        Dialect::Postgres,
        &[
            ("SET x = 1", "set x = ?"),
            ("set local a.b to 'y', z", "set local a.b = ?"),
            ("set search_path to tenant_5, public", "set search_path = ?"),
            ("set time zone 'utc'; set role x", "set time zone ?; set role ?"),
            ("set session authorization bob", "set session authorization ?"),
            ("set transaction read only", "set transaction read only"),
            ("CALL s.p(1, now(), 'x')", "call s.p"),
            ("call p((select a from t))", "call p((select a from t))"),
        ],
    );
    check(
        Dialect::Mysql,
        &[
            ("set @x = 1, y = 'on'", "set @x = ?, y = ?"),
            ("SET NAMES utf8mb4", "set names utf8mb4"),
            ("call p(1, @out)", "call p"),
            ("kill 123", "kill ?"),
        ],
    );
}

#[test]
fn utility_statements() {
    check(
        Dialect::Postgres,
        &[
            ("EXPLAIN (ANALYZE) SELECT 1", "explain (analyze) select ?"),
            ("vacuum (analyze) t", "vacuum (analyze) t"),
            ("copy t (a, b) from stdin", "copy t(a, b) from stdin"),
            (
                "insert into t (a) values (1) on conflict (a) do nothing",
                "insert into t (a) values (?) on conflict (a) do nothing",
            ),
            ("do $$ begin end $$", "do ?"),
            ("alter role a password 'x' valid until 'y'", "alter role a password ? valid until ?"),
        ],
    );
}

#[test]
fn serial_numbers_in_names() {
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        check(
            dialect,
            &[
                ("select a from orders_20260301", "select a from orders_0"),
                ("select a from orders_p2026_03, orders_2026_03_01", "select a from orders_p0, orders_0"),
                ("select a from t_20260301_x, s20260301.t", "select a from t_0_x, s0.t"),
                ("select a from pg_temp_17.t", "select a from pg_temp_0.t"),
                (
                    "select a from t_1, t_12345, t_2026, t_2026_3",
                    "select a from t_1, t_12345, t_2026, t_2026_3",
                ),
            ],
        );
    }
}
