//! A tray of our own (`org.kde.StatusNotifierWatcher`): it writes down who registers, and reads icon, title and menu and
//! presses the menu's entries as a panel would.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zbus::message::Header;
use zbus::{OwnedObjectPath, OwnedVariant, Variant};

use super::bus;
use crate::error::Result;

const PATH: &str = "/StatusNotifierWatcher";
const NAME: &str = "org.kde.StatusNotifierWatcher";
/// Where items are whose programs do not say.
const DEFAULT_ITEM: &str = "/StatusNotifierItem";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// An item of the tray: bus name and path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrayItem {
    service: String,
    path: String,
}

type Items = Arc<Mutex<Vec<TrayItem>>>;

struct Watcher {
    items: Items,
}

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String, #[zbus(header)] header: Header<'_>) {
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        let item = if service.starts_with('/') {
            TrayItem { service: sender, path: service }
        } else {
            TrayItem { service, path: DEFAULT_ITEM.to_owned() }
        };
        self.items.lock().unwrap_or_else(PoisonError::into_inner).push(item);
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().map(|item| format!("{}{}", item.service, item.path)).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// A tray. Gone when dropped.
pub struct Tray {
    items: Items,
    bus: zbus::Connection,
}

impl Tray {
    /// Starts a tray on the bus with that address.
    ///
    /// # Errors
    /// When the bus does not answer or has a tray.
    pub async fn start(bus_address: &str) -> Result<Self> {
        let items = Items::default();
        let watcher = Watcher { items: Arc::clone(&items) };
        let builder = zbus::connection::Builder::address(bus_address).serve_at(PATH, watcher).name(NAME);
        Ok(Self { items, bus: builder.build().await.map_err(bus("serve a tray"))? })
    }

    /// Everything that registered, oldest first.
    pub fn items(&self) -> Vec<TrayItem> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A text property of an item, such as `Title`, `Status`, `IconName` or `IconThemePath`.
    ///
    /// # Errors
    /// When the item is gone or has no such text.
    pub async fn text(&self, item: &TrayItem, property: &str) -> Result<String> {
        let proxy = self.proxy(item, &item.path, ITEM).await?;
        proxy.get_property(property).await.map_err(bus(&format!("read {property} of the tray's item")))
    }

    /// Whether an item has a picture: a name of one, or its pixels.
    ///
    /// # Errors
    /// When the item is gone.
    pub async fn has_icon(&self, item: &TrayItem) -> Result<bool> {
        if self.text(item, "IconName").await.is_ok_and(|name| !name.is_empty()) {
            return Ok(true);
        }
        let proxy = self.proxy(item, &item.path, ITEM).await?;
        let pixels: OwnedVariant =
            proxy.get_property("IconPixmap").await.map_err(bus("read the icon of the tray's item"))?;
        Ok(Vec::<(i32, i32, Vec<u8>)>::try_from(pixels).is_ok_and(|pictures| !pictures.is_empty()))
    }

    /// The menu's entries that can be seen: number and label, in order.
    ///
    /// # Errors
    /// When the item is gone or has no menu.
    pub async fn menu(&self, item: &TrayItem) -> Result<Vec<(i32, String)>> {
        let menu = self.menu_of(item).await?;
        let arguments = (0_i32, -1_i32, Vec::<String>::new());
        let (_revision, root): (u32, Entry) =
            menu.call("GetLayout", &arguments).await.map_err(bus("read the tray's menu"))?;
        let mut entries = Vec::new();
        collect(&root.2, &mut entries);
        Ok(entries)
    }

    /// Presses an entry of the menu.
    ///
    /// # Errors
    /// When the item is gone.
    pub async fn press(&self, item: &TrayItem, entry: i32) -> Result<()> {
        let menu = self.menu_of(item).await?;
        let arguments = (entry, "clicked", Variant::from(0_i32), 0_u32);
        menu.call("Event", &arguments).await.map_err(bus("press an entry of the tray's menu"))
    }

    async fn menu_of(&self, item: &TrayItem) -> Result<zbus::Proxy<'_>> {
        let proxy = self.proxy(item, &item.path, ITEM).await?;
        let path: OwnedObjectPath =
            proxy.get_property("Menu").await.map_err(bus("find the menu of the tray's item"))?;
        self.proxy(item, path.as_str(), MENU).await
    }

    async fn proxy(&self, item: &TrayItem, path: &str, interface: &'static str) -> Result<zbus::Proxy<'_>> {
        let (service, path) = (item.service.clone(), path.to_owned());
        zbus::Proxy::new(&self.bus, service, path, interface).await.map_err(bus("reach the tray's item"))
    }
}

/// Number, properties, children.
type Entry = (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>);

fn collect(children: &[OwnedVariant], entries: &mut Vec<(i32, String)>) {
    for child in children {
        let Ok((number, properties, below)) = child.try_clone().and_then(Entry::try_from) else { continue };
        let is = |name: &str| properties.get(name).and_then(|value| bool::try_from(value).ok());
        if is("visible") == Some(false) {
            continue;
        }
        if let Some(label) = properties.get("label").and_then(|label| <&str>::try_from(label).ok()) {
            entries.push((number, label.to_owned()));
        }
        collect(&below, entries);
    }
}
