//! The window's files, and nothing else: a name with anything but plain characters, a hidden file or a link that leads
//! out of the folder is not found.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Served;
use super::answer::Refusal;

/// The window's page.
pub(super) const PAGE: &str = "index.html";
/// Largest file that is served, bytes.
const MAX_FILE_BYTES: u64 = 32 << 20;

/// The folder of the window's files.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn open(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The content of the file at an address.
    fn read(&self, path: &str) -> Option<(&'static str, Vec<u8>)> {
        let name = name(path)?;
        let kind = kind(name)?;
        // The folder may be made anew while it is served, by the next build.
        let folder = self.folder.canonicalize().ok()?;
        let file = folder.join(name).canonicalize().ok()?;
        let metadata = file.metadata().ok()?;
        if !file.starts_with(&folder) || !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
            return None;
        }
        std::fs::read(file).ok().map(|content| (kind, content))
    }
}

pub(super) async fn file(State(served): State<Arc<Served>>, uri: Uri) -> Result<Response, Refusal> {
    let path = uri.path().to_owned();
    let read = tokio::task::spawn_blocking(move || served.files.read(&path)).await;
    match read {
        Ok(Some((kind, content))) => Ok(([(CONTENT_TYPE, kind)], content).into_response()),
        Ok(None) => Err(Refusal::NotFound),
        Err(_broken) => Err(Refusal::Broken),
    }
}

/// The file's name within the folder, if it is made of nothing but plain parts.
fn name(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?;
    if name.is_empty() {
        return Some(PAGE);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let fine = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain);
    name.split('/').all(fine).then_some(name)
}

/// The content type of what a built window is made of.
fn kind(name: &str) -> Option<&'static str> {
    Some(match Path::new(name).extension()?.to_str()? {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_folder_are_read() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("ui");
        std::fs::create_dir_all(folder.join("assets")).unwrap();
        for (name, content) in [
            ("ui/index.html", "page"),
            ("ui/assets/app-1.js", "script"),
            ("ui/.hidden.html", "hidden"),
            ("ui/notes.txt", "notes"),
            ("secret.html", "secret"),
        ] {
            std::fs::write(home.path().join(name), content).unwrap();
        }
        std::os::unix::fs::symlink("../secret.html", folder.join("way-out.html")).unwrap();
        std::os::unix::fs::symlink("..", folder.join("up")).unwrap();
        let files = Files::open(&folder);
        for (path, content) in [
            ("/", Some("page")),
            ("/index.html", Some("page")),
            ("/assets/app-1.js", Some("script")),
            ("/assets", None),
            ("/assets/", None),
            ("/notes.txt", None),
            ("/.hidden.html", None),
            ("/../secret.html", None),
            ("/%2e%2e/secret.html", None),
            ("/..%2fsecret.html", None),
            ("//secret.html", None),
            ("/assets/../index.html", None),
            ("/assets\\..\\index.html", None),
            ("/way-out.html", None),
            ("/up/secret.html", None),
            ("/index.html\0", None),
            ("", None),
        ] {
            let read = files.read(path).map(|(_, content)| String::from_utf8(content).unwrap());
            assert_eq!(read.as_deref(), content, "{path:?}");
        }
    }
}
