//! What normalising a statement costs, beside a peer that splits the same statements into tokens (sqlparser's tokenizer)
//! and one that parses them (sqlparser's parser), in the same run.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faultline_fingerprint::{Dialect, normalise, tags};
use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Tokenizer;

/// Typical statements by name; none may take more than 10 µs.
fn statements() -> Vec<(&'static str, Dialect, String)> {
    let rows: Vec<String> =
        (0..5).map(|row| format!("({row}, 'kind {row}', 'a body of text', '2026-03-01')")).collect();
    let columns: Vec<String> = (0..58).map(|column| format!("\"orders\".\"column_name_{column}\"")).collect();
    let orm = format!(
        "SELECT {} FROM \"orders\" INNER JOIN \"customers\" ON (\"orders\".\"customer_id\" = \"customers\".\"id\") LEFT \
         OUTER JOIN \"addresses\" ON (\"customers\".\"address_id\" = \"addresses\".\"id\") WHERE (\"orders\".\"status\" IN \
         ('open', 'paid', 'shipped') AND \"orders\".\"created_at\" >= '2026-03-01T00:00:00'::timestamptz AND NOT \
         (\"customers\".\"deleted\" = true)) ORDER BY \"orders\".\"created_at\" DESC LIMIT 21 \
         /*controller='cart',route='%2Fcart'*/",
        columns.join(", ")
    );
    let join = "SELECT o.id, o.status, o.total, o.created_at, o.updated_at, c.name, c.email, c.city, c.zip, c.country \
                FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'open' AND o.created_at > \
                '2026-01-01' ORDER BY o.created_at DESC LIMIT 50";
    let digest = "SELECT `o` . `id` , `o` . `status` FROM `orders` `o` WHERE `o` . `id` IN (...) AND `o` . `status` = ? \
                  ORDER BY `o` . `created_at` DESC LIMIT ?";
    vec![
        ("point lookup", Dialect::Postgres, "SELECT * FROM item WHERE order_id = $1".to_owned()),
        ("join of 10 columns", Dialect::Postgres, join.to_owned()),
        (
            "insert of 20 values",
            Dialect::Postgres,
            format!("INSERT INTO events (id, kind, body, at) VALUES {}", rows.join(", ")),
        ),
        ("2 kB of an ORM", Dialect::Postgres, orm),
        ("MySQL digest", Dialect::Mysql, digest.to_owned()),
    ]
}

fn bench(criterion: &mut Criterion) {
    for (name, dialect, sql) in statements() {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(sql.len() as u64));
        group.bench_function("faultline: normalise", |bencher| {
            bencher.iter(|| normalise(black_box(&sql), dialect));
        });
        group.bench_function("faultline: tags", |bencher| bencher.iter(|| tags(black_box(&sql))));
        let peer: &dyn sqlparser::dialect::Dialect = match dialect {
            Dialect::Postgres => &PostgreSqlDialect {},
            Dialect::Mysql => &MySqlDialect {},
        };
        group.bench_function("sqlparser: tokenize", |bencher| {
            bencher.iter(|| Tokenizer::new(peer, black_box(&sql)).tokenize());
        });
        if Parser::parse_sql(peer, &sql).is_ok() {
            group.bench_function("sqlparser: parse", |bencher| {
                bencher.iter(|| Parser::parse_sql(peer, black_box(&sql)));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(300));
    targets = bench
}
criterion_main!(benches);
