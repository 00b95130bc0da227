/** Commands within the hints that people are given. */

const STATEMENT =
  /\b(?:ALTER|CALL|CREATE|FLUSH|GRANT|INSTALL|REVOKE|SELECT|SET|SHOW|UPDATE) (?:'[^']*'|"[^"]*"|`[^`]*`|[^;'"`])*;/g;

/** Whether a hint is there to be run rather than only read. */
export function holdsCommand(hint: string): boolean {
  return hint.includes("\n") || /^(?:sudo|systemctl|faultctl) /.test(hint) || hint.search(STATEMENT) >= 0;
}

/** The SQL of a hint, one statement a line, without the words around it; the hint itself where there is none. */
export function statementsOf(hint: string): string {
  if (hint.includes("\n")) return hint;
  return hint.match(STATEMENT)?.join("\n") ?? hint;
}
