/** The fake backend's databases, secrets, settings and diagnostics. They keep what is done to them. */
import type {
  ApiErrorView,
  Changed,
  ClusterView,
  Commands,
  DatabaseView,
  HealthRowView,
  SecretState,
  SecretView,
  SettingsView,
} from "../bindings";
import { ApiError, type Args, type CommandKey } from ".";
import { CONFIG_TROUBLE } from "./fake-data";
import { DIAGNOSTICS, TESTED, WRONG_PASSWORD } from "./fake-setup-data";

type Setup =
  | Extract<CommandKey, `${"databases" | "secrets" | "diagnostics"}|${string}`>
  | "settings|get"
  | "settings|change";
type Answers = { [K in Setup]: (args: Args<K>) => Commands[K]["answer"] };

const LOCKED: ApiErrorView = {
  code: "locked",
  message: "The keyring is locked.",
  hint: "Unlock it (your desktop asks when you log in), or choose another way to keep the password.",
};

const DATABASES: readonly DatabaseView[] = [
  database("shop", "primary", "postgres://faultline@10.0.0.4:5432/shop", "keyring:shop-primary"),
  database("shop", "replica-1", "postgres://faultline@10.0.0.5:5432/shop", "keyring:shop-replica-1"),
  database("billing", "replica-eu", "postgres://faultline@10.2.0.7:5432/billing", "env:BILLING_PASSWORD"),
];

function database(cluster: string, node: string, url: string, password: string): DatabaseView {
  return { cluster, environment: "production", node, engine: "postgres", url, password };
}

const MESSAGES: Partial<Record<SecretState, string>> = {
  missing: "It is not there: set it here, or in Faultline's environment.",
  locked: LOCKED.message,
};

export function setup(
  scenario: string,
  empty: boolean,
  emit: (changed: Changed) => void,
): { answers: Answers; added: () => ClusterView[] } {
  let databases = empty ? [] : [...DATABASES];
  const states = new Map<string, SecretState>([
    ["keyring:shop-primary", "stored"],
    ["keyring:shop-replica-1", "stored"],
    ["env:BILLING_PASSWORD", "variable"],
    ["env:FAULTLINE_WEBHOOK_SECRET", "missing"],
  ]);
  let settings: SettingsView = {
    config_file: "/home/ada/.config/faultline/config.toml",
    data_folder: "/home/ada/.local/share/faultline",
    log_folder: "/home/ada/.local/state/faultline/logs",
    config_trouble: scenario === "misconfigured" ? CONFIG_TROUBLE.message : null,
    close_to_tray: true,
    tray: true,
    autostart: false,
  };

  const changed = (): void =>
    emit({ topic: "configuration", cluster: null, id: null, rollback: null, deploy: null });

  function secret(reference: string): SecretView {
    const state =
      scenario === "locked" && reference.startsWith("keyring:") ? "locked" : states.get(reference);
    const used_by = databases
      .filter(({ password }) => password === reference)
      .map(({ cluster, node }) => `${cluster}/${node}`);
    if (reference === "env:FAULTLINE_WEBHOOK_SECRET") used_by.push("webhook 127.0.0.1:7787");
    const known = state ?? "missing";
    return { reference, used_by, state: known, message: MESSAGES[known] ?? null };
  }

  const answers: Answers = {
    "databases|list": () => databases,
    "databases|test": ({ url, password }): { reachable: boolean; rows: HealthRowView[] } =>
      password.from === "typed" && password.secret === "wrong"
        ? { reachable: false, rows: [WRONG_PASSWORD] }
        : { reachable: true, rows: TESTED(url) },
    "databases|add": (request) => {
      const same = (other: DatabaseView): boolean =>
        other.cluster === request.cluster && other.node === request.node;
      if (databases.some(same)) {
        const message = `${request.cluster} has a database of this name already`;
        throw new ApiError({ code: "refused", message, hint: "Choose another name." });
      }
      databases = [...databases, request];
      changed();
      return null;
    },
    "databases|remove": ({ cluster, node }) => {
      databases = databases.filter((other) => other.cluster !== cluster || other.node !== node);
      changed();
      return null;
    },
    "secrets|list": () => {
      const named = databases.flatMap(({ password }) => (password === null ? [] : [password]));
      const more = empty ? [] : ["env:FAULTLINE_WEBHOOK_SECRET"];
      return [...new Set([...named, ...more])].map(secret);
    },
    "secrets|set": ({ name, keep }) => {
      if (scenario === "locked" && keep === "keyring") throw new ApiError(LOCKED);
      states.set(`keyring:${name}`, keep === "keyring" ? "stored" : "this_run");
      return secret(`keyring:${name}`);
    },
    "secrets|test": ({ reference }) => secret(reference),
    "secrets|delete": ({ name }) => {
      states.delete(`keyring:${name}`);
      return secret(`keyring:${name}`);
    },
    "settings|get": () => settings,
    "settings|change": ({ close_to_tray, autostart }) => {
      settings = {
        ...settings,
        close_to_tray: close_to_tray ?? settings.close_to_tray,
        autostart: autostart ?? settings.autostart,
      };
      return settings;
    },
    "diagnostics|get": () => ({ text: DIAGNOSTICS }),
  };

  /** What an empty window shows once databases were added. */
  function added(): ClusterView[] {
    return [...new Set(databases.map(({ cluster }) => cluster))].map((name) => ({
      name,
      environment: databases.find(({ cluster }) => cluster === name)?.environment ?? "",
      state: "no_data",
      load_aas: null,
      load_ratio: null,
      primary_observed: "direct",
      explained: null,
      nodes: databases
        .filter(({ cluster }) => cluster === name)
        .map(({ node, engine }) => ({
          name: node,
          role: null,
          engine,
          state: "ok",
          message: null,
          replay_lag_s: null,
          seen_by: null,
          explained: null,
          cost_ms_per_s: null,
          slowed_down: false,
        })),
      open_incident: null,
    }));
  }

  return { answers, added };
}
