//! A notification server of our own: it writes down what it is asked, and presses the buttons that a test wants pressed.

use std::collections::HashMap;

use tokio::sync::mpsc;
use zbus::OwnedVariant;
use zbus::object_server::SignalEmitter;

use super::bus;
use crate::error::Result;

const PATH: &str = "/org/freedesktop/Notifications";
const NAME: &str = "org.freedesktop.Notifications";
/// Numbers of notifications begin here, so that none is taken for a count.
const FIRST_ID: u32 = 7;

/// One call of `Notify`.
#[derive(Clone, Debug)]
pub struct Notified {
    /// Name of the program.
    pub app: String,
    /// The notification that it takes the place of; 0 for none.
    pub replaces: u32,
    /// Its number.
    pub id: u32,
    /// First line.
    pub title: String,
    /// The rest, as it was sent: with markup where the server takes it.
    pub body: String,
    /// Keys and labels, in turn.
    pub actions: Vec<String>,
    /// 0 low, 1 normal, 2 critical.
    pub urgency: Option<u8>,
    /// How long it is to be shown, milliseconds; 0 for ever, -1 as the server likes.
    pub timeout_ms: i32,
}

/// What the server was asked.
#[derive(Clone, Debug)]
pub enum Asked {
    /// To show something.
    Notify(Notified),
    /// To take a notification away.
    Close(u32),
}

/// What kind of server it is.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// What it says that it can.
    pub capabilities: Vec<String>,
    /// Never answers `Notify`.
    pub mute: bool,
}

impl Behaviour {
    /// A server that answers and has these capabilities.
    pub fn with(capabilities: &[&str]) -> Self {
        Self { capabilities: capabilities.iter().map(|name| (*name).to_owned()).collect(), mute: false }
    }
}

struct Interface {
    asked: mpsc::UnboundedSender<Asked>,
    behaviour: Behaviour,
    next_id: u32,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Interface {
    #[expect(clippy::too_many_arguments, reason = "the specification's signature")]
    async fn notify(
        &mut self,
        app: String,
        replaces: u32,
        _icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedVariant>,
        timeout_ms: i32,
    ) -> u32 {
        if self.behaviour.mute {
            std::future::pending::<()>().await;
        }
        let id = if replaces == 0 { self.next_id } else { replaces };
        self.next_id = self.next_id.max(id) + 1;
        let urgency = hints.get("urgency").and_then(|value| u8::try_from(value).ok());
        let notified = Notified { app, replaces, id, title, body, actions, urgency, timeout_ms };
        // Whoever drops the server no longer wants to know.
        self.asked.send(Asked::Notify(notified)).ok();
        id
    }

    fn close_notification(&self, id: u32) {
        self.asked.send(Asked::Close(id)).ok();
    }

    fn get_capabilities(&self) -> Vec<String> {
        self.behaviour.capabilities.clone()
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("faultline-lab".to_owned(), "Faultline".to_owned(), "1".to_owned(), "1.2".to_owned())
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, key: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
}

/// A notification server. Gone when dropped.
pub struct NotificationServer {
    asked: mpsc::UnboundedReceiver<Asked>,
    emitter: SignalEmitter<'static>,
    _bus: zbus::Connection,
}

impl NotificationServer {
    /// Starts a server on the bus with that address.
    ///
    /// # Errors
    /// When the bus does not answer or has a notification server.
    pub async fn start(bus_address: &str, behaviour: Behaviour) -> Result<Self> {
        let what = "serve notifications";
        let (sender, asked) = mpsc::unbounded_channel();
        let interface = Interface { asked: sender, behaviour, next_id: FIRST_ID };
        let builder = zbus::connection::Builder::address(bus_address).serve_at(PATH, interface).name(NAME);
        let connection = builder.build().await.map_err(bus(what))?;
        let emitter = SignalEmitter::new(&connection, PATH).map_err(bus(what))?.into_owned();
        Ok(Self { asked, emitter, _bus: connection })
    }

    /// The next thing that it is asked; `None` when the bus is gone.
    pub async fn asked(&mut self) -> Option<Asked> {
        self.asked.recv().await
    }

    /// What it was asked since, without waiting.
    pub fn asked_since(&mut self) -> Vec<Asked> {
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }

    /// The user presses a button.
    ///
    /// # Errors
    /// When the bus is gone.
    pub async fn press(&self, id: u32, key: &str) -> Result<()> {
        Interface::action_invoked(&self.emitter, id, key).await.map_err(bus("press a button"))
    }

    /// A notification goes: 1 expired, 2 dismissed by the user, 3 by a call.
    ///
    /// # Errors
    /// When the bus is gone.
    pub async fn gone(&self, id: u32, reason: u32) -> Result<()> {
        Interface::notification_closed(&self.emitter, id, reason).await.map_err(bus("close a notification"))
    }
}
