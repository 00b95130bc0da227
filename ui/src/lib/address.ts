/** Addresses of database servers as people paste them. Nothing here is sent anywhere. */

/** Families of servers that can be watched. */
export type Engine = "postgres" | "mysql" | "mariadb";

export const ENGINES: readonly { value: Engine; label: string; example: string }[] = [
  { value: "postgres", label: "PostgreSQL", example: "postgres://faultline@10.0.0.5:5432/shop" },
  { value: "mysql", label: "MySQL", example: "mysql://faultline@10.0.0.5:3306/shop" },
  { value: "mariadb", label: "MariaDB", example: "mariadb://faultline@10.0.0.5:3306/shop" },
];

/** The engine that an address names by its scheme, where it leaves no choice. */
export function engineOf(address: string, chosen: Engine): Engine {
  const scheme = /^\s*([a-z][a-z0-9+.-]*):\/\//i.exec(address)?.[1]?.toLowerCase();
  if (scheme === "postgres" || scheme === "postgresql") return "postgres";
  if (scheme === "mariadb") return "mariadb";
  return scheme === "mysql" && chosen === "postgres" ? "mysql" : chosen;
}

export interface Split {
  /** The address without a password. */
  address: string;
  /** The password that stood in it; null when there was none. */
  password: string | null;
}

/** Takes the password out of an address: `user:password@host` and `?password=`. */
export function takePassword(text: string): Split {
  const inQuery = fromQuery(text.trim());
  const inAuthority = fromAuthority(inQuery.address);
  return { address: inAuthority.address, password: inAuthority.password ?? inQuery.password };
}

function fromAuthority(address: string): Split {
  const none = { address, password: null };
  const parts = /^([a-z][a-z0-9+.-]*:\/\/)([^:/?#@]*):(.*)$/is.exec(address);
  if (!parts) return none;
  const [, scheme = "", user = "", rest = ""] = parts;
  const slash = rest.search(/[/?#]/);
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  // A password pasted as it is may hold "/", "?", "#" or "@": what precedes the last "@" is it, unless it begins as a port.
  const isPort = /^\d*$/.test(authority);
  const at = authority.includes("@") ? authority.lastIndexOf("@") : isPort ? -1 : rest.lastIndexOf("@");
  if (at < 0) return none;
  return { address: `${scheme}${user}@${rest.slice(at + 1)}`, password: decoded(rest.slice(0, at)) };
}

function fromQuery(address: string): Split {
  const parts = /^(.*[?&])(?:password|pwd)=([^&#]*)&?(.*)$/is.exec(address);
  if (!parts) return { address, password: null };
  const [, before = "", password = "", after = ""] = parts;
  return { address: `${before}${after}`.replace(/[?&]$/, ""), password: decoded(password) };
}

/** Text as its percent signs mean it; as it is when they mean nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
