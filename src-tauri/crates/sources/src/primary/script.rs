//! What the user installs by hand: the script of the table that the primary fills about itself, and the queries for
//! postgres_exporter. Faultline prints them and never runs them.

/// How the table's script is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableScript {
    /// The role that reads the table on the replicas, or one that it is in.
    pub role: String,
    /// How often the primary writes, seconds.
    pub every_s: u32,
}

impl Default for TableScript {
    fn default() -> Self {
        Self { role: "pg_monitor".to_owned(), every_s: 15 }
    }
}

/// The script that makes the table and the function that fills it.
pub fn table_sql(script: &TableScript) -> String {
    include_str!("table.sql")
        .replace("@ROLE@", &format!("\"{}\"", script.role.replace('"', "\"\"")))
        .replace("@EVERY@", &format!("{} seconds", script.every_s))
        .replace("@SECONDS@", &script.every_s.to_string())
}

/// The file for postgres_exporter's `--extend.query-path`, with at most `limit` statements in each scrape and, if
/// `texts`, their texts as a label.
pub fn queries_yaml(limit: u32, texts: bool) -> String {
    let mut yaml = include_str!("queries.yaml").replace("@LIMIT@", &limit.to_string());
    if texts {
        yaml.push_str(&include_str!("queries_texts.yaml").replace("@LIMIT@", &limit.to_string()));
    }
    yaml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        let script = TableScript { role: "mo\"ni".to_owned(), every_s: 20 };
        let texts = [table_sql(&script), queries_yaml(500, false), queries_yaml(500, true)];
        for text in &texts {
            assert!(
                !text.contains('@'),
                "{}",
                text.lines().find(|line| line.contains('@')).unwrap_or_default()
            );
        }
        assert!(texts[0].contains("TO \"mo\"\"ni\";") && texts[0].contains("'20 seconds'"));
        assert!(!texts[1].contains("query_text") && texts[2].contains("query_text"));
    }
}
