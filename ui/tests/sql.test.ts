import { expect, test } from "vitest";

import { holdsCommand, statementsOf } from "../src/lib/sql";

test.each([
  ['GRANT pg_monitor TO "faultline"; (on the primary)', 'GRANT pg_monitor TO "faultline";'],
  [
    "enter the right password, or set it on the primary: ALTER ROLE \"f\" PASSWORD '…';",
    "ALTER ROLE \"f\" PASSWORD '…';",
  ],
  [
    "ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();",
    "ALTER SYSTEM SET track_io_timing = on;\nSELECT pg_reload_conf();",
  ],
  ["CREATE ROLE x PASSWORD 'a;b'; then retry", "CREATE ROLE x PASSWORD 'a;b';"],
  ["two\nlines", "two\nlines"],
  ["sudo systemctl restart postgresql", "sudo systemctl restart postgresql"],
])("%s is run as %s", (hint, copied) => {
  expect(holdsCommand(hint)).toBe(true);
  expect(statementsOf(hint)).toBe(copied);
});

test.each([
  "check host, port, firewall and VPN",
  "it goes back by itself when the server answers faster; a lower pg_stat_statements.max makes reading cheaper",
  "take the role out of the configuration, or name the right server",
])("%s is only read", (hint) => expect(holdsCommand(hint)).toBe(false));
