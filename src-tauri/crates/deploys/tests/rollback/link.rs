//! The `link` provider.

use faultline_deploys::RollbackSpec;
use faultline_model::RollbackOutcome;
use serde_json::json;

use super::contract::{self, CANARY};
use super::{target, try_open};

fn link(url: &str) -> RollbackSpec {
    RollbackSpec::Link { url: url.to_owned() }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let url = format!("https://deploy.example/{{service}}/{{version}}?to={{previous}}&token={CANARY}");
    let rollback = try_open(link(&url)).unwrap();
    let error = rollback.preview(&target(json!({"previous": null}))).await.unwrap_err();
    assert!(!error.contains(CANARY));
    let preview = rollback.preview(&target(json!({}))).await.unwrap();
    assert_eq!(preview.requests, ["open https://deploy.example/checkout/v142?to=v141&token=***"]);

    contract::check(try_open(link("https://deploy.example/{service}?to={previous}")).unwrap().as_ref(), || 0)
        .await;
}

#[tokio::test]
async fn it_opens_a_page_and_sends_nothing() {
    let rollback = try_open(link("https://deploy.example/apps/{service}/releases/{id}")).unwrap();
    let here = target(json!({"previous": null, "id": "a b/c"}));
    let preview = rollback.preview(&here).await.unwrap();
    assert_eq!(preview.open_url.as_deref(), Some("https://deploy.example/apps/checkout/releases/a%20b%2Fc"));
    let RollbackOutcome::Failed { message } = rollback.run(&here).await else { panic!("a link ran") };
    assert!(message.starts_with("Nothing was sent") && message.contains("by hand"), "{message}");
}

#[test]
fn addresses_that_cannot_be_used_are_named() {
    for url in ["", "deploy.example", "javascript:alert(1)", "https://{service}.example/", "https://h/{what}"]
    {
        let error = try_open(link(url)).err().unwrap().to_string();
        assert!(error.starts_with("`url` of the rollback"), "{error}");
    }
}
