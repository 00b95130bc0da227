//! Writes `ui/src/bindings.ts`: the wire types, the command table and the event name, in TypeScript. Nothing else in
//! the window's code describes what crosses the border.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ts_rs::{Config, TS, TypeVisitor};

use crate::types::{ApiErrorView, COMMANDS, Changed, Command, Visitor, visit_commands};

/// Name of the event by which [`Changed`] reaches the window.
pub const CHANGED_EVENT: &str = "faultline://changed";

const HEAD: &str = "\
// Written by the test `bindings_are_current` in the api crate from the Rust types; do not edit.
// What crosses the border between the window and the program. Times are Unix seconds.
";

/// The whole file as it should be.
pub fn render() -> String {
    let config = Config::new();
    let mut types = Types { config: &config, declarations: BTreeMap::new() };
    let mut commands = Commands { config: &config, types: &mut types, rows: String::new() };
    visit_commands(&mut commands);
    let rows = commands.rows;
    types.visit::<Changed>();
    types.visit::<ApiErrorView>();

    let mut out = HEAD.to_owned();
    for declaration in types.declarations.values() {
        out.push('\n');
        out.push_str(declaration);
    }
    let _ = write!(
        out,
        "\n/** Every command: what it takes and what it answers. */\nexport interface Commands {{\n{rows}}}\n"
    );
    let _ = write!(
        out,
        "\n/** The event that carries `Changed`. */\nexport const CHANGED_EVENT = \"{CHANGED_EVENT}\";\n"
    );
    out.push_str("\n/** Every command's name, `domain|name`. */\nexport const COMMANDS = [\n");
    for command in COMMANDS {
        let _ = writeln!(out, "  \"{}|{}\",", command.domain, command.name);
    }
    out.push_str("] as const satisfies readonly (keyof Commands)[];\n");
    out
}

/// Collects declarations, each type once, with all that it is made of.
struct Types<'a> {
    config: &'a Config,
    declarations: BTreeMap<String, String>,
}

impl TypeVisitor for Types<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // Only types of our own have a file to be exported to; strings, numbers, lists and options do not.
        if T::output_path().is_some() {
            let name = T::ident(self.config);
            if self.declarations.contains_key(&name) {
                return;
            }
            let docs = T::docs().unwrap_or_default();
            let declaration = format!("{docs}export {}\n", T::decl(self.config));
            self.declarations.insert(name, declaration.replace(" \n", "\n"));
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// Writes one line a command and collects its types.
struct Commands<'a, 'b> {
    config: &'a Config,
    types: &'b mut Types<'a>,
    rows: String,
}

impl Visitor for Commands<'_, '_> {
    fn visit<C: Command>(&mut self) {
        TypeVisitor::visit::<C::Args>(self.types);
        TypeVisitor::visit::<C::Answer>(self.types);
        let (args, answer) = (C::Args::name(self.config), C::Answer::name(self.config));
        let _ = writeln!(
            self.rows,
            "  \"{}|{}\": {{ args: {args}; answer: {answer} }};",
            C::NAME.domain,
            C::NAME.name
        );
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Writes the file anew, and fails if that changed it: run the tests again and commit it.
    #[test]
    fn bindings_are_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/src/bindings.ts");
        let expected = super::render();
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &expected).unwrap();
        }
        assert!(found == expected, "ui/src/bindings.ts was out of date and has been written anew: commit it");
    }
}
