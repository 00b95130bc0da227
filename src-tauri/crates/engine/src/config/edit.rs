//! Edits of the file's text that leave everything else of it as it stands: comments, order, spacing.

use faultline_model::Engine;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::ConfigError;
use super::model::SecretRef;

/// A change to the configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Adds a node, and its cluster where there is none of that name.
    AddNode(Box<NewNode>),
    /// Takes a node out; a cluster goes with its last node unless a metric endpoint is in it.
    RemoveNode {
        /// The cluster.
        cluster: String,
        /// The node within it.
        node: String,
    },
    /// Whether closing the window leaves the program in the tray.
    CloseToTray(bool),
}

/// A node to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewNode {
    /// The cluster; an existing one keeps its environment.
    pub cluster: String,
    /// The environment of a new cluster.
    pub environment: String,
    /// The node's name within the cluster.
    pub name: String,
    /// Family of the server.
    pub engine: Engine,
    /// Its address, without a password.
    pub url: String,
    /// Where its password is.
    pub password: Option<SecretRef>,
}

/// The text after the edit. `name` is what errors call the file. What the edit makes of the file is not checked here.
///
/// # Errors
/// When the text is not TOML, or what is to be taken out is not there.
pub(super) fn apply(text: &str, name: &str, edit: &Edit) -> Result<String, ConfigError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let place = super::section::Document { text, name };
        place.error(&error.span().unwrap_or(0..0), "", format!("this is not TOML: {}", error.message()))
    })?;
    let refused = |problem: String| ConfigError::Edit { file: name.to_owned(), problem };
    match edit {
        Edit::AddNode(node) => add_node(&mut document, node).map_err(refused)?,
        Edit::RemoveNode { cluster, node } => remove_node(&mut document, cluster, node).map_err(refused)?,
        Edit::CloseToTray(on) => set_desktop(&mut document, "close_to_tray", *on).map_err(refused)?,
    }
    Ok(in_order(text, document))
}

/// The edited text. Of a file that holds nothing but comments they stay at the head.
fn in_order(before: &str, mut document: DocumentMut) -> String {
    let holds_only_comments =
        before.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    if !holds_only_comments || before.trim().is_empty() {
        return document.to_string();
    }
    document.set_trailing("");
    format!("{}\n\n{}", before.trim_end(), document.to_string().trim_start())
}

fn add_node(document: &mut DocumentMut, node: &NewNode) -> Result<(), String> {
    let clusters = tables(document.as_table_mut(), "cluster")?;
    let position = match position(clusters, &node.cluster) {
        Some(position) => position,
        None => {
            let mut cluster = Table::new();
            cluster.insert("name", value(&node.cluster));
            cluster.insert("environment", value(&node.environment));
            clusters.push(cluster);
            clusters.len() - 1
        }
    };
    let cluster = clusters.get_mut(position).ok_or("the cluster vanished")?;
    let nodes = tables(cluster, "node")?;
    if nodes.iter().any(|one| text_of(one, "name") == Some(&node.name)) {
        return Err(format!(
            "the cluster {} has a node {} already; give the new one another name",
            node.cluster, node.name
        ));
    }
    let mut table = Table::new();
    table.insert("name", value(&node.name));
    table.insert("engine", value(engine_word(node.engine)));
    table.insert("url", value(&node.url));
    if let Some(password) = &node.password {
        table.insert("password", value(password.to_string()));
    }
    indent(&mut table);
    nodes.push(table);
    Ok(())
}

fn remove_node(document: &mut DocumentMut, cluster: &str, node: &str) -> Result<(), String> {
    let missing = || format!("there is no node {node} in a cluster {cluster} any more; look at the file");
    let has_metrics = document
        .get("metrics")
        .and_then(Item::as_array_of_tables)
        .is_some_and(|metrics| metrics.iter().any(|one| text_of(one, "cluster") == Some(cluster)));
    let clusters = tables(document.as_table_mut(), "cluster")?;
    let at = position(clusters, cluster).ok_or_else(missing)?;
    let nodes = tables(clusters.get_mut(at).ok_or_else(missing)?, "node")?;
    let node_at = position(nodes, node).ok_or_else(missing)?;
    nodes.remove(node_at);
    let is_empty = nodes.is_empty();
    if is_empty && !has_metrics {
        clusters.remove(at);
    }
    Ok(())
}

fn set_desktop(document: &mut DocumentMut, key: &str, on: bool) -> Result<(), String> {
    let desktop = document.entry("desktop").or_insert_with(|| Item::Table(Table::new()));
    let table = desktop.as_table_like_mut().ok_or("desktop is not a table: write [desktop]")?;
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            // The comment behind the value stays.
            let decor = old.decor().clone();
            *old = on.into();
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(key, value(on));
        }
    }
    Ok(())
}

/// The list of tables of this name; made when there is none.
fn tables<'a>(table: &'a mut Table, key: &str) -> Result<&'a mut ArrayOfTables, String> {
    table
        .entry(key)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or_else(|| {
            format!("{key} is written as a plain list; write it as [[{key}]] to edit it from here")
        })
}

fn position(tables: &ArrayOfTables, name: &str) -> Option<usize> {
    tables.iter().position(|table| text_of(table, "name") == Some(name))
}

fn text_of<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key).and_then(Item::as_str)
}

/// As the annotated example writes nodes: two spaces in.
fn indent(table: &mut Table) {
    table.decor_mut().set_prefix("\n  ");
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    for key in keys {
        if let Some(mut key) = table.key_mut(&key) {
            key.leaf_decor_mut().set_prefix("  ");
        }
    }
}

fn engine_word(engine: Engine) -> &'static str {
    match engine {
        Engine::Mysql => "mysql",
        Engine::Mariadb => "mariadb",
        Engine::Postgres | Engine::Unknown => "postgres",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    const FILE: &str = r#"# The shop's databases. Ask Ada before you change them.
[[cluster]]
name = "shop"      # as in the deploy system
environment = "production"

  # Behind the load balancer.
  [[cluster.node]]
  name = "replica-1"
  engine = "postgres"
  url = "postgres://faultline@10.0.0.5/shop"   # read only
  password = "keyring:shop-replica-1"

# Keep this one last.
[retention]
days = 7
"#;

    fn node(cluster: &str, name: &str) -> Edit {
        Edit::AddNode(Box::new(NewNode {
            cluster: cluster.to_owned(),
            environment: "staging".to_owned(),
            name: name.to_owned(),
            engine: Engine::Postgres,
            url: "postgres://faultline@10.0.0.6/shop".to_owned(),
            password: Some(SecretRef::Keyring(format!("{cluster}-{name}"))),
        }))
    }

    fn remove(cluster: &str, node: &str) -> Edit {
        Edit::RemoveNode { cluster: cluster.to_owned(), node: node.to_owned() }
    }

    /// Every line of `before` stands in the edited text, in its order, and what is new is `added`.
    fn check_added(before: &str, edit: &Edit, added: &[&str]) {
        let after = apply(before, "config.toml", edit).unwrap();
        parse(&after, "config.toml").unwrap_or_else(|error| panic!("{error}\n{after}"));
        let mut old = before.lines().peekable();
        let mut new = Vec::new();
        for line in after.lines() {
            if old.peek() == Some(&line) {
                old.next();
            } else {
                new.push(line);
            }
        }
        assert_eq!(old.next(), None, "{after}");
        new.retain(|line| !line.is_empty());
        assert_eq!(new, added, "{after}");
    }

    #[test]
    fn what_is_added_leaves_the_rest_as_it_was() {
        let lines = |password: &'static str, name: &'static str| {
            [
                "  [[cluster.node]]",
                name,
                "  engine = \"postgres\"",
                "  url = \"postgres://faultline@10.0.0.6/shop\"",
                password,
            ]
        };
        let added = lines("  password = \"keyring:shop-primary\"", "  name = \"primary\"");
        check_added(FILE, &node("shop", "primary"), &added);
        let added = lines("  password = \"keyring:billing-db\"", "  name = \"db\"");
        let cluster = ["[[cluster]]", "name = \"billing\"", "environment = \"staging\""];
        check_added(FILE, &node("billing", "db"), &[&cluster[..], &added].concat());
        check_added("", &node("billing", "db"), &[&cluster[..], &added].concat());
        check_added("# nothing yet\n", &node("billing", "db"), &[&cluster[..], &added].concat());
        check_added(FILE, &Edit::CloseToTray(false), &["[desktop]", "close_to_tray = false"]);
    }

    #[test]
    fn comments_of_an_empty_file_stay_at_its_head() {
        let after = apply("# mine\n\n# and mine\n", "config.toml", &node("shop", "a")).unwrap();
        assert!(after.starts_with("# mine\n\n# and mine\n\n[[cluster]]\nname = \"shop\"\n"), "{after}");
        assert_eq!(after.matches("mine").count(), 2);
    }

    fn check_becomes(before: &str, edit: &Edit, after: &str) {
        assert_eq!(apply(before, "config.toml", edit).unwrap(), after);
    }

    #[test]
    fn what_is_changed_keeps_its_comments() {
        let before = "[desktop]\nclose_to_tray = true   # I like it there\n";
        check_becomes(before, &Edit::CloseToTray(false), &before.replace("true", "false"));
        let last = FILE.split_once("# Keep this one last.").unwrap().1;
        let after = apply(FILE, "config.toml", &remove("shop", "replica-1")).unwrap();
        assert!(after.ends_with(last) && !after.contains("[[cluster"), "{after}");
        // A cluster that metric endpoints belong to stays.
        let metrics = "\n[[metrics]]\ncluster = \"shop\"\nnode = \"edge\"\n";
        let after = apply(&format!("{FILE}{metrics}"), "config.toml", &remove("shop", "replica-1")).unwrap();
        assert!(after.contains("[[cluster]]") && !after.contains("replica-1"), "{after}");
    }

    fn check_refused(before: &str, edit: &Edit, says: &str) {
        let error = apply(before, "config.toml", edit).unwrap_err().to_string();
        assert!(error.starts_with("config.toml:") && error.contains(says), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_way_on() {
        check_refused(FILE, &node("shop", "replica-1"), "another name");
        check_refused(FILE, &remove("shop", "replica-2"), "look at the file");
        check_refused(FILE, &remove("billing", "replica-1"), "look at the file");
        check_refused("cluster = [{name = \"shop\"}]", &node("shop", "a"), "write it as [[cluster]]");
        check_refused("desktop = 3", &Edit::CloseToTray(true), "write [desktop]");
        check_refused("a = \n", &node("shop", "a"), ":1:");
    }
}
