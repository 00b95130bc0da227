//! What is read from comments.

use faultline_fingerprint::{MAX_TAG_BYTES, MAX_TAGS, tags};

#[track_caller]
fn check(sql: &str, wanted: &[(&str, &str)]) {
    let tags = tags(sql);
    assert_eq!(tags.iter().collect::<Vec<_>>(), wanted, "{sql}");
}

#[test]
fn comments_at_either_end_are_read() {
    check("select 1", &[]);
    check(
        "select 1 /*controller='cart',framework='django%3A2.2',route='%2Fcart%2F%7Bid%7D'*/",
        &[("controller", "cart"), ("framework", "django:2.2"), ("route", "/cart/{id}")],
    );
    check(
        "select 1 /*app:shop,controller:cart,action:show*/;",
        &[("action", "show"), ("app", "shop"), ("controller", "cart")],
    );
    check("/* application:Shop , job:Mail */ select 1", &[("application", "Shop"), ("job", "Mail")]);
    check("/*a:1*/ /*b='2'*/ select 1 /*c:3*/ /*d='4'*/", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
    check("select 1 /*a='it\\'s, so',b='x'*/", &[("a", "it's, so"), ("b", "x")]);
    check("/*line:/srv/app.rb:7*/ select 1", &[("line", "/srv/app.rb:7")]);
    check("select 1 /*a='1',a='2'*/", &[("a", "1")]);
}

#[test]
fn what_is_no_tag_is_ignored() {
    check("select 1 /* just a note */", &[]);
    check("select '/*app:evil*/' from t", &[]);
    check("select 1 from t where a = '/*app:evil*/'", &[]);
    check("select /*+ index:t */ 1", &[]);
    check("/*! app:x */ select 1", &[]);
    check("/*a='%zz%4',b='%41'*/ select 1", &[("a", "%zz%4"), ("b", "A")]);
    check("/*app:cut of", &[]);
    check("*/", &[]);
    check("/*/", &[]);
}

#[test]
fn application_and_route_have_many_names() {
    for (sql, application, route) in [
        ("select 1 /*service='a',route='/x'*/", Some("a"), Some("/x")),
        ("select 1 /*app:a,controller:c,action:s*/", Some("a"), Some("c#s")),
        ("select 1 /*application:a,controller:c*/", Some("a"), Some("c")),
        ("select 1", None, None),
    ] {
        let tags = tags(sql);
        assert_eq!((tags.application(), tags.route().as_deref()), (application, route), "{sql}");
    }
}

#[test]
fn tags_are_limited() {
    let many: Vec<String> = (0..100).map(|key| format!("k{key}:v")).collect();
    assert_eq!(tags(&format!("/*{}*/ select 1", many.join(","))).iter().count(), MAX_TAGS);
    let long = format!("/*k:{}*/ select 1", "é".repeat(500));
    assert!(tags(&long).get("k").is_some_and(|value| value.len() <= MAX_TAG_BYTES));
    assert!(tags(&format!("/*k:{}*/ select 1", "x".repeat(10_000))).is_empty());
}
