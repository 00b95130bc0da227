//! Plans of both servers, and which texts may be explained at all.

use super::*;

/// As MariaDB 10.11 writes it.
const MARIADB: &str = r#"{"query_block": {"select_id": 1, "filesort": {"sort_key": "count(0) desc", "temporary_table": {
  "nested_loop": [
    {"table": {"table_name": "p", "access_type": "ALL", "rows": 2, "filtered": 100, "attached_condition": "shop.p.`id` is not null"}},
    {"table": {"table_name": "i", "access_type": "eq_ref", "possible_keys": ["PRIMARY"], "key": "PRIMARY", "key_length": "4",
      "used_key_parts": ["id"], "ref": ["shop.p.id"], "rows": 1, "filtered": 100, "attached_condition": "shop.i.n = 3"}}]}}}}"#;
/// As the manual of MySQL 8 writes it ("EXPLAIN Output Format", JSON names).
const MYSQL: &str = r#"{"query_block": {"select_id": 1, "cost_info": {"query_cost": "203.25"}, "ordering_operation": {
  "using_filesort": true, "table": {"table_name": "item", "access_type": "ALL", "rows_examined_per_scan": 1980,
  "rows_produced_per_join": 198, "filtered": "10.00", "used_columns": ["id", "n"],
  "attached_condition": "((`shop`.`item`.`n` = 5) and (`shop`.`item`.`made` > 'secret'))"}}}}"#;

#[test]
fn the_shape_is_tables_indexes_and_steps_and_not_numbers() {
    let plan = Plan::read(MARIADB).unwrap();
    assert_eq!(plan.summary(), "p: full scan of about 2 rows; i: by index PRIMARY; sorts; temporary table");
    let grown = Plan::read(&MARIADB.replace("\"rows\": 2", "\"rows\": 99999")).unwrap();
    assert_eq!(plan.shape(), grown.shape());
    let flipped =
        Plan::read(&MARIADB.replace("eq_ref", "ALL").replace("\"key\": \"PRIMARY\", ", "")).unwrap();
    assert_ne!(plan.shape(), flipped.shape());
    assert_eq!(Plan::read(MYSQL).unwrap().summary(), "item: full scan of about 2000 rows; sorts");
    assert_eq!((Plan::read("{}"), Plan::read("no json")), (None, None));
}

#[test]
fn a_scan_that_searches_lacks_an_index() {
    let hint = Plan::read(MYSQL)
        .unwrap()
        .index_hint("select * from item where n = 5 and made > 'secret'", Some("shop"));
    let hint = hint.unwrap();
    assert_eq!(
        hint.statement,
        "ALTER TABLE `shop`.`item` ADD INDEX `idx_item_n_made` (`n`, `made`), ALGORITHM=INPLACE, LOCK=NONE;"
    );
    assert!(
        hint.basis.contains("about 2000 rows of item") && hint.basis.contains("by n, made"),
        "{}",
        hint.basis
    );
    assert!(!format!("{hint:?}").contains("secret"), "literals never go out");
    for (what, json) in [
        ("alternatives", MYSQL.replace(") and (", ") or (")),
        ("few rows", MYSQL.replace("1980", "980")),
        (
            "an index was a candidate",
            MYSQL.replace("\"access_type\"", "\"possible_keys\": [\"x\"], \"access_type\""),
        ),
        ("no condition", MYSQL.replace("attached_condition", "other")),
        (
            "a function of the column",
            MYSQL
                .replace("(`shop`.`item`.`n` = 5)", "(lower(`shop`.`item`.`n`) = 5)")
                .replace("> 'secret'", "like '%x'"),
        ),
    ] {
        assert_eq!(Plan::read(&json).unwrap().index_hint("select * from item", Some("shop")), None, "{what}");
    }
}

#[test]
fn aliases_are_looked_up_in_the_text() {
    for (text, alias, expected) in [
        ("select * from item where n = 1", "item", Some("item")),
        ("select * from shop.item where n = 1", "item", Some("item")),
        ("select i.n from item i where i.n = 1", "i", Some("item")),
        ("select i.n from `item` AS `i` where i.n = 1", "i", Some("item")),
        ("select i.n from orders o join item i on i.id = o.item_id", "i", Some("item")),
        ("select i.n from orders o, item i", "i", Some("item")),
        ("select 1", "i", None),
    ] {
        assert_eq!(table_of(text, alias).as_deref(), expected, "{text}");
    }
}

#[test]
fn only_one_whole_select_may_be_explained() {
    for (text, expected) in [
        ("select * from item where id = 1", true),
        ("  SELECT\n* from item;  ", true),
        ("/* app=cart */ select 1 from item", true),
        ("with a as (select 1) select * from a", true),
        ("(select 1)", false),
        ("selection", false),
        ("select 1; drop table item", false),
        ("select ';' from item", false),
        ("select /*! sql_no_cache */ 1", false),
        ("/*!50000 select 1 */", false),
        ("/* open", false),
        ("select * from item into outfile '/tmp/x'", false),
        ("select id into @a from item", false),
        ("select sleep(10)", false),
        ("select get_lock('a', 1)", false),
        ("select * from item where id = ?", false),
        ("select * from item where id in (...", false),
        ("select * from item for update", false),
        ("update item set n = 1", false),
        ("insert into item select 1", false),
        ("call p()", false),
        ("", false),
    ] {
        assert_eq!(may_explain(text), expected, "{text}");
    }
}
