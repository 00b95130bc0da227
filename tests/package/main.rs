//! The Debian package: installed for real, started on a screen, and removed.
//!
//! `dpkg` installs into a root of the test's own, with this machine's packages as what is there: the package's needs are
//! checked, nobody's own Faultline is touched, and no rights are needed.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod installed;
mod window;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use faultline_lab::desktop::Session;
use installed::{Root, output};

/// Every file of the package and its mode.
const FILES: &[(&str, u32)] = &[
    ("usr/bin/faultctl", 0o755),
    ("usr/bin/faultline", 0o755),
    ("usr/share/applications/Faultline.desktop", 0o644),
    ("usr/share/doc/faultline/THIRD-PARTY-LICENSES.gz", 0o644),
    ("usr/share/doc/faultline/config.example.toml", 0o644),
    ("usr/share/doc/faultline/copyright", 0o644),
    ("usr/share/icons/hicolor/128x128/apps/faultline.png", 0o644),
    ("usr/share/icons/hicolor/256x256/apps/faultline.png", 0o644),
    ("usr/share/icons/hicolor/32x32/apps/faultline.png", 0o644),
    ("usr/share/icons/hicolor/512x512/apps/faultline.png", 0o644),
    ("usr/share/icons/hicolor/scalable/apps/faultline.svg", 0o644),
    ("usr/share/metainfo/dev.faultline.desktop.metainfo.xml", 0o644),
];
/// The scheme of Faultline's links, as desktops call it.
const SCHEME: &str = "x-scheme-handler/faultline";
/// What every part of the package says of itself.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[tokio::test(flavor = "multi_thread")]
async fn installed_it_runs_and_removed_it_is_gone() {
    let root = Root::new();
    let before = root.files();
    root.install();

    let expected: Vec<_> = FILES.iter().map(|(name, mode)| ((*name).to_owned(), *mode)).collect();
    assert_eq!(root.files(), expected);
    assert!(before.is_empty(), "{before:?}");
    said_of_itself(&root);
    desktops_find_it(&root);

    let session = Session::start().await.unwrap();
    window::opens_and_ends_when_asked(&root, &session).await;
    window::shows_the_first_run(&root, &session).await;

    root.remove();
    assert_eq!(root.files(), before, "removing the package leaves nothing behind");
}

/// What the package and the programs in it say of themselves.
fn said_of_itself(root: &Root) {
    let said = |program: &str| output(Command::new(root.path("usr/bin").join(program)).arg("--version"));
    assert_eq!(said("faultctl"), format!("faultctl {VERSION}\n"));
    assert_eq!(said("faultline"), format!("faultline {VERSION}\n"));

    let field = |name: &str| output(root.query().arg(format!("--showformat=${{{name}}}")).arg("faultline"));
    assert_eq!(field("Version"), VERSION);
    assert_eq!(field("Section"), "database");
    let needs = field("Depends");
    let libraries =
        ["libwebkit2gtk-4.1-0", "libgtk-3-0", "libayatana-appindicator3-1", "libdbus-1-3", "libc6 (>= "];
    for library in libraries {
        assert!(needs.contains(library), "Depends: {needs}");
    }
    let recommended = field("Recommends");
    for other in ["gnome-keyring", "notification-daemon"] {
        assert!(recommended.contains(other), "Recommends: {recommended}");
    }

    let metainfo = root.read("usr/share/metainfo/dev.faultline.desktop.metainfo.xml");
    let newest = metainfo.lines().find(|line| line.contains("<release ")).unwrap_or_default();
    assert!(newest.contains(&format!("version=\"{VERSION}\"")), "the newest release is {newest}");
    assert!(metainfo.contains("<launchable type=\"desktop-id\">Faultline.desktop</launchable>"));

    let notices = root.path("usr/share/doc/faultline/THIRD-PARTY-LICENSES.gz");
    let notices = output(Command::new("gzip").args(["--decompress", "--stdout"]).arg(notices));
    for built_in in ["svelte 5.", "tauri 2.", "sqlx-core 0.", "Inter (font)"] {
        assert!(notices.contains(built_in), "the licence of {built_in} is missing");
    }
}

/// A desktop's menu has it, with an icon, and it is what opens `faultline:` links.
fn desktops_find_it(root: &Root) {
    let folder = root.path("usr/share/applications");
    let entry = folder.join("Faultline.desktop");
    output(Command::new("desktop-file-validate").arg(&entry));
    let lines: BTreeSet<String> =
        root.read("usr/share/applications/Faultline.desktop").lines().map(str::to_owned).collect();
    let wanted = ["Name=Faultline", "Exec=faultline %u", "Icon=faultline", &format!("MimeType={SCHEME};")];
    for line in wanted {
        assert!(lines.contains(line), "{line} is not among {lines:?}");
    }
    assert_eq!(handler(&folder), "Faultline.desktop");
}

/// Which desktop entry opens our links, as desktops look it up. The list of them is made when a package is installed; here
/// beside the package, as it belongs to no package.
fn handler(applications: &Path) -> String {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(applications).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    output(Command::new("update-desktop-database").arg(copy.path()));
    let list = std::fs::read_to_string(copy.path().join("mimeinfo.cache")).unwrap();
    let line = list.lines().find_map(|line| line.strip_prefix(SCHEME)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("nothing opens {SCHEME}: {list}")).trim_end_matches(';').to_owned()
}
