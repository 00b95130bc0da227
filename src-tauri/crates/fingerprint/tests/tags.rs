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
fn service_route_and_version_have_many_names() {
    for (comment, service, route, version) in [
        ("service='a',route='/x',version='1.2'", Some("a"), Some("/x"), Some("1.2")),
        (
            "service.name='a',http.route='%2Fx%2F%7Bid%7D',service.version='v1'",
            Some("a"),
            Some("/x/{id}"),
            Some("v1"),
        ),
        ("app_name='a',endpoint='GET%20%2Fx',app_version='7'", Some("a"), Some("GET /x"), Some("7")),
        ("app:a,controller:c,action:s,release:2026-03-01", Some("a"), Some("c#s"), Some("2026-03-01")),
        (
            "application:a,controller_with_namespace:N::C,controller:c,action:s",
            Some("a"),
            Some("N::C#s"),
            None,
        ),
        ("application:a,controller:c,git_sha:3f2a", Some("a"), Some("c"), Some("3f2a")),
        ("application:a,job:Mail", Some("a"), Some("Mail"), None),
        (
            "db_driver='django.db',framework='django%3A4.2',route='%5Ex%24',controller='v'",
            None,
            Some("^x$"),
            None,
        ),
        ("service='',app='b',version=''", Some("b"), None, None),
        ("traceparent='00-5bd6-22-01'", None, None, None),
        ("just a note", None, None, None),
    ] {
        for sql in [format!("/*{comment}*/ select 1"), format!("select 1 /*{comment}*/;")] {
            let tags = tags(&sql);
            let found = (tags.service(), tags.route(), tags.version());
            assert_eq!(found, (service, route.map(str::to_owned), version), "{sql}");
        }
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
