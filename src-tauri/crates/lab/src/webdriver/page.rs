//! A page as its user sees it: by labels, names and texts.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::http::Method;
use fantoccini::actions::{InputSource, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::command;
use crate::error::{Error, Result, io};

/// How long an answer of the driver may take.
const COMMAND_DEADLINE: Duration = Duration::from_secs(30);
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The key of an element in an answer, by the WebDriver standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How much of the page's text goes into an error, characters.
const TEXT_TAIL_CHARS: usize = 4_000;

/// Finds what can be seen and used: roles and names as assistive technology would say them.
const FIND: &str = include_str!("find.js");

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    client: Client,
}

impl Page {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Goes to an address.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn go_to(&self, url: &str) -> Result<()> {
        self.within("go to a page", self.client.goto(url)).await
    }

    /// Runs a script in the page and gives what it returns. `arguments` are its `arguments`.
    ///
    /// # Errors
    /// When it throws or the driver fails.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.within("run a script in the page", self.client.execute(script, arguments)).await
    }

    /// Everything that can be read on the page.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn text(&self) -> Result<String> {
        let text = self.script("return document.body ? document.body.innerText : '';", Vec::new()).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// The page as it stands, as HTML with the values of its fields.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn html(&self) -> Result<String> {
        let script = "return document.documentElement.outerHTML \
                      + [...document.querySelectorAll('input, textarea')].map((field) => field.value).join('\\n');";
        let html = self.script(script, Vec::new()).await?;
        Ok(html.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until a text can be read on the page, whatever case its style puts it in.
    ///
    /// # Errors
    /// After the deadline, with the page's text.
    pub async fn reads(&self, text: &str, deadline: Duration) -> Result<()> {
        let what = format!("the text {text:?} on the page");
        let wanted = text.to_lowercase();
        self.until(&what, deadline, async || {
            Ok(self.text().await?.to_lowercase().contains(&wanted).then_some(()))
        })
        .await
    }

    /// Waits for an element with that role (`button`, `textbox`, `radio`, `heading`, `dialog`, `img`, …) and a name that
    /// begins with `name`.
    ///
    /// # Errors
    /// After the deadline, with the page's text.
    pub async fn find(&self, role: &str, name: &str, deadline: Duration) -> Result<Element> {
        let what = format!("{role} {name:?} on the page");
        self.until(&what, deadline, async || self.look_for(role, name).await).await
    }

    /// An element that is there now, if it is.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn look_for(&self, role: &str, name: &str) -> Result<Option<Element>> {
        let found = self.script(FIND, vec![json!(role), json!(name)]).await?;
        if found.is_null() {
            return Ok(None);
        }
        let element = found.get(ELEMENT).and_then(Value::as_str).ok_or_else(|| Error::Page {
            what: format!("find {role} {name:?}"),
            reason: format!("{found} is no element"),
        })?;
        Ok(Some(Element::from_element_id(self.client.clone(), element.to_owned().into())))
    }

    /// Waits for an element and clicks it.
    ///
    /// # Errors
    /// After the deadline, or when it cannot be clicked.
    pub async fn click(&self, role: &str, name: &str, deadline: Duration) -> Result<()> {
        let element = self.find(role, name, deadline).await?;
        self.within(&format!("click {role} {name:?}"), element.click()).await
    }

    /// Waits for an element and holds the mouse's button down on it.
    ///
    /// # Errors
    /// After the deadline, or when the driver fails.
    pub async fn hold(&self, role: &str, name: &str, duration: Duration, deadline: Duration) -> Result<()> {
        let element = self.find(role, name, deadline).await?;
        let (button, move_in) = (0, None);
        let mouse = MouseActions::new("mouse".to_owned())
            .then(PointerAction::MoveToElement { element, duration: move_in, x: 0.0, y: 0.0 })
            .then(PointerAction::Down { button })
            .then(PointerAction::Pause { duration })
            .then(PointerAction::Up { button });
        self.within(&format!("hold {role} {name:?}"), self.client.perform_actions(mouse)).await
    }

    /// Waits for a field, empties it and types into it.
    ///
    /// # Errors
    /// After the deadline, or when nothing can be typed.
    pub async fn fill(&self, name: &str, text: &str, deadline: Duration) -> Result<()> {
        let field = self.find("textbox", name, deadline).await?;
        self.within(&format!("empty the field {name:?}"), field.clear()).await?;
        self.within(&format!("fill the field {name:?}"), field.send_keys(text)).await
    }

    /// Waits for a list to choose from, and chooses by value.
    ///
    /// # Errors
    /// After the deadline, or when there is no such value.
    pub async fn choose(&self, name: &str, value: &str, deadline: Duration) -> Result<()> {
        let list = self.find("combobox", name, deadline).await?;
        self.within(&format!("choose {value:?} of {name:?}"), list.select_by_value(value)).await
    }

    /// Elements that a CSS selector finds.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn all(&self, css: &str) -> Result<Vec<Element>> {
        self.within(&format!("find {css}"), self.client.find_all(Locator::Css(css))).await
    }

    /// Looks again and again until `look` finds something.
    ///
    /// # Errors
    /// After the deadline, with the page's text, or when looking fails.
    pub async fn until<T>(
        &self,
        what: &str,
        deadline: Duration,
        mut look: impl AsyncFnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let started = Instant::now();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if started.elapsed() > deadline {
                let text: String = self.text().await?.chars().take(TEXT_TAIL_CHARS).collect();
                return Err(Error::Deadline { what: what.to_owned(), deadline, log: text });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Writes a picture of the page to a file.
    ///
    /// # Errors
    /// When the driver fails or the file cannot be written.
    pub async fn shoot(&self, to: &Path) -> Result<()> {
        let png = self.within("take a picture of the page", self.client.screenshot()).await?;
        std::fs::write(to, png).map_err(io(format!("write {}", to.display())))
    }

    /// What the page wrote to its console, where the driver tells (Chromium does).
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn console(&self) -> Result<Vec<String>> {
        let log = self.within("read the console", self.client.issue_cmd(ConsoleLog)).await?;
        let entries = log.as_array().cloned().unwrap_or_default();
        Ok(entries.iter().map(|entry| format!("{} {}", entry["level"], entry["message"])).collect())
    }

    /// Ends the session, and with it the browser or the program.
    ///
    /// # Errors
    /// When the driver fails.
    pub async fn close(self) -> Result<()> {
        let client = self.client.clone();
        self.within("end the session", client.close()).await
    }

    async fn within<T>(
        &self,
        what: &str,
        asked: impl Future<Output = Result<T, fantoccini::error::CmdError>>,
    ) -> Result<T> {
        match tokio::time::timeout(COMMAND_DEADLINE, asked).await {
            Ok(answered) => answered.map_err(command(what)),
            Err(_elapsed) => {
                let (what, log) = (format!("the driver's answer ({what})"), String::new());
                Err(Error::Deadline { what, deadline: COMMAND_DEADLINE, log })
            }
        }
    }
}

/// Chromium's console since it was read last.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}
