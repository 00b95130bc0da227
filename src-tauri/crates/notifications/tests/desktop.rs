//! The notifier against a notification server on a private session bus.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]
#![cfg(all(unix, not(target_os = "macos")))]

mod bus;

use std::time::Duration;

use bus::{Server, on_private_bus, without_bus};
use faultline_model::{IncidentId, Notice, NoticeAction, Notifier};
use faultline_notifications::{DesktopNotifier, MAX_LIVE};
use tokio::sync::mpsc;

/// Between two signals of an impatient user: a listener that has just subscribed may miss the first.
const AGAIN: Duration = Duration::from_millis(10);

fn notice(incident: &str, rollback: Option<&str>) -> Notice {
    Notice {
        incident: incident.into(),
        rollback: rollback.map(Into::into),
        title: "shop: load ×6.2".to_owned(),
        body: "checkout v142 <142> & select".to_owned(),
        critical: true,
    }
}

fn notifier() -> (DesktopNotifier, mpsc::Receiver<NoticeAction>) {
    let (sender, receiver) = mpsc::channel(8);
    (DesktopNotifier::start("Faultline", sender), receiver)
}

/// Presses until somebody hears.
async fn pressed(
    server: &Server,
    id: u32,
    key: &str,
    actions: &mut mpsc::Receiver<NoticeAction>,
) -> NoticeAction {
    loop {
        server.press(id, key).await;
        if let Ok(action) = tokio::time::timeout(AGAIN, actions.recv()).await {
            return action.unwrap();
        }
    }
}

fn rollback(incident: &str, deploy: &str) -> NoticeAction {
    NoticeAction::Rollback { incident: incident.into(), deploy: deploy.into() }
}

fn show(incident: &str) -> NoticeAction {
    NoticeAction::Show { incident: incident.into() }
}

#[test]
fn a_critical_notice_stays_and_has_both_buttons() {
    on_private_bus("a_critical_notice_stays_and_has_both_buttons", async || {
        let mut server = Server::start(&["actions", "body", "body-markup"]).await;
        let (notifier, _actions) = notifier();
        assert!(notifier.probe().await.unwrap());
        notifier.show(notice("1", Some("checkout-142"))).await.unwrap();
        let shown = server.notified().await;
        assert_eq!((shown.app.as_str(), shown.replaces), ("Faultline", 0));
        assert_eq!(shown.title, "shop: load ×6.2");
        assert_eq!(shown.body, "checkout v142 &lt;142&gt; &amp; select");
        assert_eq!(shown.actions, ["default", "Show", "rollback", "Roll back", "show", "Show"]);
        assert_eq!((shown.urgency, shown.timeout_ms), (Some(2), 0));
        notifier.show(Notice { critical: false, ..notice("2", None) }).await.unwrap();
        let shown = server.notified().await;
        assert_eq!(shown.actions, ["default", "Show", "show", "Show"]);
        assert_eq!((shown.urgency, shown.timeout_ms), (Some(1), -1));
    });
}

#[test]
fn a_server_without_markup_or_buttons_gets_plain_text() {
    on_private_bus("a_server_without_markup_or_buttons_gets_plain_text", async || {
        let mut server = Server::start(&["body"]).await;
        let (notifier, _actions) = notifier();
        assert!(!notifier.probe().await.unwrap());
        notifier.show(notice("1", Some("checkout-142"))).await.unwrap();
        let shown = server.notified().await;
        assert_eq!(shown.body, "checkout v142 <142> & select");
        assert!(shown.actions.is_empty());
    });
}

#[test]
fn every_button_says_what_was_pressed() {
    on_private_bus("every_button_says_what_was_pressed", async || {
        let mut server = Server::start(&["actions"]).await;
        let (notifier, mut actions) = notifier();
        for (key, wanted) in [("rollback", rollback("1", "d1")), ("show", show("1")), ("default", show("1"))]
        {
            notifier.show(notice("1", Some("d1"))).await.unwrap();
            let shown = server.notified().await;
            assert_eq!(shown.replaces, 0, "a pressed notification is gone");
            assert_eq!(pressed(&server, shown.id, key, &mut actions).await, wanted);
            assert_eq!(server.closed().await, shown.id, "and is taken away where the server leaves it");
        }
        assert!(actions.try_recv().is_err(), "a press is told once");
    });
}

#[test]
fn updates_replace_and_the_button_names_the_newest_deploy() {
    on_private_bus("updates_replace_and_the_button_names_the_newest_deploy", async || {
        let mut server = Server::start(&["actions"]).await;
        let (notifier, mut actions) = notifier();
        notifier.show(notice("1", None)).await.unwrap();
        let first = server.notified().await.id;
        for deploy in ["d1", "d2", "d3", "d4"] {
            notifier.show(notice("1", Some(deploy))).await.unwrap();
            assert_eq!(server.notified().await.replaces, first);
        }
        notifier.show(notice("other", Some("d9"))).await.unwrap();
        assert_ne!(server.notified().await.id, first);
        assert_eq!(pressed(&server, first, "rollback", &mut actions).await, rollback("1", "d4"));
    });
}

#[test]
fn dismissed_is_told_and_expired_is_not() {
    on_private_bus("dismissed_is_told_and_expired_is_not", async || {
        let mut server = Server::start(&["actions"]).await;
        let (notifier, mut actions) = notifier();
        notifier.show(notice("1", None)).await.unwrap();
        let id = server.notified().await.id;
        let told = loop {
            server.gone(id, 2).await;
            if let Ok(action) = tokio::time::timeout(AGAIN, actions.recv()).await {
                break action.unwrap();
            }
        };
        assert_eq!(told, NoticeAction::Dismissed { incident: "1".into() });
        notifier.show(notice("1", None)).await.unwrap();
        let mut shown = server.notified().await;
        assert_eq!(shown.replaces, 0, "what was dismissed is shown anew");
        // Expired: the next one is new, and nothing was told.
        loop {
            server.gone(shown.id, 1).await;
            tokio::time::sleep(AGAIN).await;
            notifier.show(notice("1", None)).await.unwrap();
            shown = server.notified().await;
            if shown.replaces == 0 {
                break;
            }
        }
        assert!(actions.try_recv().is_err());
    });
}

#[test]
fn closing_takes_it_away_once() {
    on_private_bus("closing_takes_it_away_once", async || {
        let mut server = Server::start(&["actions"]).await;
        let (notifier, mut actions) = notifier();
        let incident = IncidentId::new("1");
        notifier.close(&incident).await;
        assert!(server.is_silent());
        notifier.show(notice("1", Some("d1"))).await.unwrap();
        let id = server.notified().await.id;
        notifier.close(&incident).await;
        assert_eq!(server.closed().await, id);
        server.press(id, "rollback").await;
        notifier.close(&incident).await;
        assert!(server.is_silent());
        notifier.show(notice("1", Some("d1"))).await.unwrap();
        assert_eq!(server.notified().await.replaces, 0);
        assert!(actions.try_recv().is_err());
    });
}

#[test]
fn the_number_of_notifications_is_bounded() {
    on_private_bus("the_number_of_notifications_is_bounded", async || {
        let mut server = Server::start(&["actions"]).await;
        let (notifier, _actions) = notifier();
        let mut ids = Vec::new();
        for incident in 0..=MAX_LIVE {
            notifier.show(notice(&incident.to_string(), None)).await.unwrap();
            ids.push(server.notified().await.id);
        }
        assert_eq!(server.closed().await, ids[0]);
    });
}

#[test]
fn without_a_server_the_error_says_what_to_do() {
    on_private_bus("without_a_server_the_error_says_what_to_do", async || {
        let (notifier, _actions) = notifier();
        let error = notifier.show(notice("1", None)).await.unwrap_err();
        assert!(error.contains("no notification server is running") && error.contains("install"), "{error}");
    });
}

#[test]
fn without_a_bus_the_error_says_what_to_do() {
    without_bus("without_a_bus_the_error_says_what_to_do", async || {
        let (notifier, _actions) = notifier();
        let error = notifier.show(notice("1", None)).await.unwrap_err();
        assert!(error.contains("no D-Bus session bus"), "{error}");
    });
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    on_private_bus("a_server_that_does_not_answer_is_given_up", async || {
        let _server = Server::start_mute().await;
        let (notifier, _actions) = notifier();
        let error = notifier.show(notice("1", None)).await.unwrap_err();
        assert!(error.contains("did not answer within 3 s"), "{error}");
    });
}
