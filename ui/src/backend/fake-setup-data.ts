/** Fixed texts of the fake backend's set-up: what a connection test finds, and diagnostics. */
import type { HealthRowView } from "../bindings";

export const WRONG_PASSWORD: HealthRowView = {
  target: "shop/replica-1",
  aspect: "connection",
  level: "error",
  message: 'the server refused the password of "faultline"',
  hint: "enter the right password, or set it on the primary: ALTER ROLE \"faultline\" PASSWORD '…';",
};

/** What a test of a reachable server finds. */
export const TESTED = (url: string): HealthRowView[] => [
  row("connection", "ok", `connected to ${url.replace(/^.*@/, "")} as "faultline"`),
  row("tls", "ok", "the way to the server is verified, or does not leave this machine"),
  row("version", "ok", "PostgreSQL 18.4"),
  row("pg_stat_statements", "ok", "pg_stat_statements 1.12 counts"),
  row(
    "privileges",
    "error",
    '"faultline" sees only its own statements and sessions',
    'GRANT pg_monitor TO "faultline"; (on the primary; it is replicated)',
  ),
  row(
    "track_io_timing",
    "warning",
    "track_io_timing is off: how long reads take is not known",
    "ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();",
  ),
];

function row(
  aspect: string,
  level: HealthRowView["level"],
  message: string,
  hint: string | null = null,
): HealthRowView {
  return { target: "", aspect, level, message, hint };
}

export const DIAGNOSTICS = `Faultline 0.1.0, Linux x86_64, WebKitGTK 2.48
configuration  /home/ada/.config/faultline/config.toml, read 14:01:22
store          /home/ada/.local/share/faultline, 84 MB, schema 7

self-test
  warning  shop/replica-1  track_io_timing  Off: time spent reading is not known.
  ok       shop/primary    connection       PostgreSQL 18.4, TLS, 0.6 ms round trip.

last errors
  13:58:04  billing/replica-eu  10.2.0.7:5432 did not answer within 2 s

configuration, masked
  [[cluster]]
  name = "shop"
    [[cluster.node]]
    name = "replica-1"
    url = "postgres://faultline@10.0.0.5:5432/shop"
    password = "keyring:shop-replica-1"
`;
