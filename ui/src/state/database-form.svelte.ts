/**
 * What is typed to add a database, and what becomes of it. The typed password lives here and nowhere else, until it
 * was handed to the keyring.
 */
import { ApiError, call, type Backend } from "../backend";
import type { DatabaseTested, HealthRowView, PasswordInput } from "../bindings";
import { engineOf, takePassword, type Engine } from "../lib/address";

/** Where the password is to be kept. */
export type KeepChoice = "keyring" | "this_run" | "variable" | "none";

export type FieldName = "cluster" | "environment" | "name" | "address" | "password" | "variable";

/** What is wrong with a field, and what to do. */
export interface Problem {
  message: string;
  hint: string | null;
}

/** Longest name that the configuration takes, characters. */
const MAX_NAME_CHARS = 100;

/** Why a secret could not be had, by code. */
export const SECRET_CODES = ["locked", "no_service", "timed_out", "missing", "failed"];

const problem = (message: string, hint: string | null = null): Problem => ({ message, hint });

export class DatabaseForm {
  cluster = $state("");
  environment = $state("production");
  name = $state("");
  engine = $state<Engine>("postgres");
  address = $state("");
  password = $state("");
  variable = $state("");
  keep = $state<KeepChoice>("keyring");

  /** What is wrong, by field. */
  problems = $state.raw<Partial<Record<FieldName, Problem>>>({});
  /** Why the password could not be kept. */
  secretTrouble = $state.raw<ApiError | null>(null);
  /** Why it could not be tested or added. */
  error = $state.raw<{ what: string; error: ApiError } | null>(null);
  tested = $state.raw<DatabaseTested | null>(null);
  busy = $state<"no" | "testing" | "saving">("no");
  /** Whether a password was moved out of the address. */
  moved = $state(false);
  /** Where the password went that was typed; null while none was kept. */
  kept = $state<string | null>(null);

  readonly #backend: Backend;
  /** Counts what was begun, so that an answer that comes late is passed over. */
  #round = 0;

  constructor(
    backend: Backend,
    prefilled: Partial<Pick<DatabaseForm, "cluster" | "environment" | "engine">>,
  ) {
    this.#backend = backend;
    Object.assign(this, prefilled);
  }

  get typesPassword(): boolean {
    return this.keep === "keyring" || this.keep === "this_run";
  }

  /** The test's rows that are not shown at a field. */
  get rows(): HealthRowView[] {
    return this.tested?.rows.filter((row) => fieldOf(row, this.keep) === null) ?? [];
  }

  /** What was found holds no longer. */
  changed(...fields: FieldName[]): void {
    const rest = { ...this.problems };
    for (const field of fields) delete rest[field];
    this.problems = rest;
    this.error = null;
    if (this.busy === "testing") {
      this.#round += 1;
      this.busy = "no";
    }
    if (fields.some((field) => field !== "cluster" && field !== "environment" && field !== "name")) {
      this.tested = null;
    }
    if (fields.includes("password")) {
      this.secretTrouble = null;
      this.kept = null;
      this.moved = false;
    }
  }

  /** Moves a password that stands in the address to where it belongs, and follows the address's scheme. */
  settleAddress(): void {
    const { address, password } = takePassword(this.address);
    this.address = address;
    this.engine = engineOf(address, this.engine);
    if (password === null) return;
    this.password = password;
    this.kept = null;
    this.moved = true;
    if (!this.typesPassword) this.keep = "keyring";
  }

  async test(): Promise<void> {
    if (this.busy === "saving" || !this.#check(["address", "password", "variable"])) return;
    const round = this.#begin("testing");
    try {
      const request = { engine: this.engine, url: this.address, password: this.#passwordInput() };
      const tested = await call(this.#backend, "databases|test", request);
      if (round !== this.#round) return;
      this.tested = tested;
      this.problems = this.#problemsOf(tested.rows);
    } catch (cause) {
      if (round === this.#round) this.#refused("It was not tested", ApiError.from(cause));
    }
    if (round === this.#round) this.busy = "no";
  }

  /** Keeps the password, then writes the database into the configuration. Whether that was done. */
  async save(): Promise<boolean> {
    if (this.busy === "saving") return false;
    if (!this.#check(["cluster", "environment", "name", "address", "password", "variable"])) return false;
    this.#begin("saving");
    try {
      return await this.#save();
    } catch (cause) {
      this.#refused("It was not saved", ApiError.from(cause));
      return false;
    } finally {
      this.busy = "no";
    }
  }

  async #save(): Promise<boolean> {
    const { cluster, environment, name: node, engine, address: url } = this;
    const known = await call(this.#backend, "databases|list", {});
    if (known.some((other) => other.cluster === cluster && other.node === node)) {
      this.problems = { name: problem(`There is a database of this name in ${cluster} already.`) };
      return false;
    }
    const used = new Set(known.map(({ password }) => password));
    if (this.typesPassword && this.kept === null && !(await this.#keepPassword(used))) return false;
    const password = this.#reference();
    await call(this.#backend, "databases|add", { cluster, environment, node, engine, url, password });
    this.password = "";
    return true;
  }

  /** Hands the password over; nothing of it stays here. */
  async #keepPassword(used: ReadonlySet<string | null>): Promise<boolean> {
    let name = `${this.cluster}-${this.name}`;
    // "a-b" of "c" and "a" of "b-c" are two databases.
    for (let count = 2; used.has(`keyring:${name}`); count += 1)
      name = `${this.cluster}-${this.name}-${count}`;
    const keep = this.keep === "this_run" ? "this_run" : "keyring";
    try {
      await call(this.#backend, "secrets|set", { name, secret: this.password, keep });
    } catch (cause) {
      this.secretTrouble = ApiError.from(cause);
      return false;
    }
    this.password = "";
    this.kept = `keyring:${name}`;
    return true;
  }

  #begin(busy: "testing" | "saving"): number {
    this.busy = busy;
    this.error = this.secretTrouble = this.tested = null;
    this.#round += 1;
    return this.#round;
  }

  /** Says why something was refused: at the field that it is obviously about, else below the form. */
  #refused(what: string, error: ApiError): void {
    const aboutAddress = error.code === "bad_request" && /\baddress\b/.test(error.message);
    const field = SECRET_CODES.includes(error.code)
      ? secretField(this.keep)
      : aboutAddress
        ? "address"
        : null;
    if (field === null) this.error = { what, error };
    else this.problems = { [field]: problem(error.message, error.hint) };
  }

  #reference(): string | null {
    if (this.keep === "variable") return `env:${this.variable}`;
    return this.keep === "none" ? null : this.kept;
  }

  #passwordInput(): PasswordInput {
    if (this.typesPassword && this.kept === null) return { from: "typed", secret: this.password };
    const reference = this.#reference();
    return reference === null ? { from: "none" } : { from: "reference", reference };
  }

  #problemsOf(rows: readonly HealthRowView[]): Partial<Record<FieldName, Problem>> {
    const found: Partial<Record<FieldName, Problem>> = {};
    for (const row of rows) {
      const field = fieldOf(row, this.keep);
      if (field !== null) found[field] ??= problem(row.message, row.hint);
    }
    return found;
  }

  /** Whether what is typed can be sent; what cannot is said at its field. */
  #check(fields: readonly FieldName[]): boolean {
    this.settleAddress();
    this.cluster = this.cluster.trim();
    this.environment = this.environment.trim();
    this.name = this.name.trim();
    this.variable = this.variable.trim().replace(/^env:|^\$/, "");
    const found: Partial<Record<FieldName, Problem>> = {};
    for (const field of fields) {
      const wrong = this.#wrongWith(field);
      if (wrong !== null) found[field] = problem(wrong);
    }
    this.problems = found;
    return Object.keys(found).length === 0;
  }

  #wrongWith(field: FieldName): string | null {
    switch (field) {
      case "cluster":
        return wrongName(
          this.cluster,
          "Name the cluster: databases that replicate one data set, such as shop.",
        );
      case "environment":
        return wrongName(this.environment, "Name the environment, such as production.");
      case "name":
        return wrongName(this.name, "Name the database within its cluster, such as replica-1.");
      case "address":
        return this.address === "" ? "Say where the database is." : null;
      case "password":
        return this.typesPassword && this.kept === null && this.password === ""
          ? "Type the password, or choose “No password”."
          : null;
      case "variable":
        return this.keep === "variable" && !/^[A-Za-z_]\w*$/.test(this.variable)
          ? "Name the variable: letters, digits and _."
          : null;
    }
  }
}

function wrongName(name: string, missing: string): string | null {
  if (name === "") return missing;
  return name.includes("/") || name.length > MAX_NAME_CHARS
    ? `A name has at most ${MAX_NAME_CHARS} characters and no slash.`
    : null;
}

/** The field that a row of the test is about, where it obviously is about one. */
function fieldOf({ aspect, level, message }: HealthRowView, keep: KeepChoice): FieldName | null {
  if (level !== "error") return null;
  if (aspect === "secret") return secretField(keep);
  if (aspect !== "connection") return null;
  return /\bpassword\b/i.test(message) ? secretField(keep) : "address";
}

/** Where the password is typed or named. */
function secretField(keep: KeepChoice): FieldName {
  return keep === "variable" ? "variable" : keep === "none" ? "address" : "password";
}
