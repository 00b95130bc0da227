//! What is told of a schema over several readings.

use super::*;

fn table(oid: i64, name: &str) -> Table {
    Table { oid, name: name.to_owned(), rows: Some(10.0), is_partition: false, indexes: Some(1) }
}

fn part(oid: i64, name: &str, definition: &str) -> Part {
    Part { oid, name: name.to_owned(), definition: definition.to_owned() }
}

fn value<'a>(facts: &'a Facts, key: &str) -> Option<&'a Value> {
    facts.get(key)
}

#[test]
fn columns_and_indexes_come_and_go() {
    let mut schema = Schema::default();
    let facts = schema.tables(&[table(1, "item"), table(2, "shop.cart")]);
    assert_eq!(value(&facts, "table:shop.cart:rows"), Some(&Value::from(10)));
    assert!(schema.is_stale());
    let facts = schema.details(
        vec![part(1, "id", "integer not null"), part(2, "id", "bigint")],
        vec![part(1, "item_pkey", "CREATE UNIQUE INDEX …")],
    );
    assert_eq!(value(&facts, "column:item.id"), Some(&Value::from("integer not null")));
    assert_eq!(value(&facts, "column:shop.cart.id"), Some(&Value::from("bigint")));
    assert_eq!(value(&facts, "index:item.item_pkey"), Some(&Value::from("CREATE UNIQUE INDEX …")));
    assert!(!schema.is_stale());

    let facts = schema.details(vec![part(1, "id", "bigint not null"), part(2, "id", "bigint")], vec![]);
    assert_eq!(value(&facts, "column:item.id"), Some(&Value::from("bigint not null")));
    assert_eq!(value(&facts, "index:item.item_pkey"), Some(&Value::Null), "dropped");
}

#[test]
fn a_dropped_table_takes_everything_along_and_a_small_one_nothing() {
    let mut schema = Schema::default();
    schema.tables(&[table(1, "item"), table(2, "cart")]);
    schema.details(vec![part(1, "id", "integer"), part(2, "id", "integer")], vec![]);
    let facts = schema.tables(&[table(2, "basket")]);
    let gone =
        ["column:item.id", "table:item:rows", "table:item:indexes", "column:cart.id", "table:cart:rows"];
    for key in gone {
        assert_eq!(value(&facts, key), Some(&Value::Null), "{key}");
    }
    assert_eq!(value(&facts, "table:basket:rows"), Some(&Value::from(10)), "renamed");
    assert!(schema.is_stale());
    let facts = schema.details(vec![part(2, "id", "integer")], vec![]);
    assert_eq!(value(&facts, "column:basket.id"), Some(&Value::from("integer")));
}

#[test]
fn only_a_changed_hash_makes_the_parts_stale() {
    let mut schema = Schema::default();
    schema.tables(&[table(1, "item")]);
    let facts = schema.hashes(vec![("public".to_owned(), -1)]);
    assert_eq!(value(&facts, "ddl:public"), Some(&Value::from("ffffffffffffffff")));
    schema.details(vec![], vec![]);
    schema.hashes(vec![("public".to_owned(), -1)]);
    assert!(!schema.is_stale());
    let facts = schema.hashes(vec![("other".to_owned(), 7)]);
    assert_eq!(value(&facts, "ddl:public"), Some(&Value::Null));
    assert!(schema.is_stale());
}

#[test]
fn many_schemas_share_one_hash() {
    let many = |change: i64| {
        (0..500).map(|n| (format!("tenant_{n:03}"), n ^ if n == 450 { change } else { 0 })).collect()
    };
    let mut schema = Schema::default();
    let facts = schema.hashes(many(0));
    assert_eq!(facts.len(), MAX_SCHEMAS + 1);
    let before = facts["ddl:*"].clone();
    assert_ne!(schema.hashes(many(1 << 20))["ddl:*"], before);
}

#[test]
fn an_answer_that_was_cut_off_makes_nothing_gone() {
    let mut schema = Schema::default();
    schema.tables(&[table(1, "item"), table(2, "wide")]);
    schema.details(vec![part(1, "id", "integer"), part(2, "c0", "integer")], vec![]);
    let mut columns = vec![part(1, "id", "integer")];
    columns.extend((1..=MAX_COLUMNS).map(|n| part(2, &format!("c{n}"), "integer")));
    let facts = schema.details(columns, vec![]);
    assert_eq!(facts.keys().collect::<Vec<_>>(), ["column:item.id"], "what is known of wide stays as it was");
}

#[test]
fn a_table_that_was_never_analysed_has_no_known_number_of_rows() {
    let facts = Schema::default().tables(&[Table { rows: None, ..table(1, "item") }]);
    assert_eq!(facts.keys().collect::<Vec<_>>(), ["table:item:indexes"]);
}
