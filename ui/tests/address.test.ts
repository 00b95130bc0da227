import { expect, test } from "vitest";

import { engineOf, takePassword, type Engine } from "../src/lib/address";

test.each([
  ["postgres://faultline@10.0.0.5:5432/shop", null, "postgres://faultline@10.0.0.5:5432/shop"],
  ["postgres://faultline:geheim@10.0.0.5:5432/shop", "geheim", "postgres://faultline@10.0.0.5:5432/shop"],
  ["  postgres://u:p@h/d ", "p", "postgres://u@h/d"],
  ["postgres://u:@h/d", "", "postgres://u@h/d"],
  ["postgres://u:p%40ss%2Fw@h/d", "p@ss/w", "postgres://u@h/d"],
  ["postgres://u:100%@h/d", "100%", "postgres://u@h/d"],
  ["postgres://u:p@ss@h:1/d", "p@ss", "postgres://u@h:1/d"],
  ["postgres://u:p/w#x@h:1/d", "p/w#x", "postgres://u@h:1/d"],
  ["postgres://h:5432/d@x", null, "postgres://h:5432/d@x"],
  ["postgres://[::1]:5432/d", null, "postgres://[::1]:5432/d"],
  ["postgres://u@h/d?password=p%20w&sslmode=require", "p w", "postgres://u@h/d?sslmode=require"],
  ["postgres://u@h/d?sslmode=require&password=pw", "pw", "postgres://u@h/d?sslmode=require"],
  ["mysql://u@h/d?password=pw", "pw", "mysql://u@h/d"],
  ["h:5432", null, "h:5432"],
  ["", null, ""],
])("the password of %s is %s", (text, password, address) => {
  expect(takePassword(text)).toEqual({ address, password });
});

test.each<[string, Engine, Engine]>([
  ["postgres://h/d", "mysql", "postgres"],
  ["postgresql://h/d", "mariadb", "postgres"],
  ["mysql://h/d", "postgres", "mysql"],
  ["mysql://h/d", "mariadb", "mariadb"],
  ["mariadb://h/d", "mysql", "mariadb"],
  ["h:3306", "mysql", "mysql"],
  ["", "postgres", "postgres"],
])("%s with %s chosen is %s", (address, chosen, engine) => {
  expect(engineOf(address, chosen)).toBe(engine);
});
