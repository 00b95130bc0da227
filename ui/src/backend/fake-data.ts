/** The fixed world of the fake backend: a shop, two deploys, one N+1 loop. */
import type {
  CauseView,
  DeployView,
  HealthRowView,
  IncidentView,
  Overview,
  PreviewView,
  QueryRow,
} from "../bindings";

/** The fake present: 3 November 2026, 14:08 UTC. */
export const NOW = 1_793_714_880;
/** When the N+1 loop began to hurt. */
export const ONSET = NOW - 353;
export const GUILTY = "3f2a90c1d55e7b04";

export const DEPLOYS: DeployView[] = [
  deploy("checkout-142", "checkout", "v142", "v141", ONSET - 8, "ci/marta"),
  deploy("search-88", "search", "88", "87", ONSET - 262, "ci/jonas"),
  { ...deploy("flags-7", "flags", "7", null, NOW - 20_100, "ops"), kind: "flag" },
];

function deploy(
  id: string,
  service: string,
  version: string,
  previous: string | null,
  at: number,
  actor: string,
): DeployView {
  return {
    id,
    title: `${service} ${version}`,
    service,
    version,
    previous,
    environment: "production",
    cluster: null,
    started: at - 14,
    finished: at,
    status: "succeeded",
    kind: "deploy",
    actor,
    url: `https://deploy.internal/services/${service}/${version}`,
  };
}

/** Fingerprint, text, role, usual load, calls per second. */
const QUERIES: [string, string, string, number, number][] = [
  [GUILTY, "select id, sku, qty, price from order_item where order_id = $1", "checkout", 0, 0],
  [
    "a1",
    "select c.id, c.total, i.* from cart c join cart_item i on i.cart_id = c.id where c.user_id = $1",
    "checkout",
    0.42,
    310,
  ],
  [
    "a2",
    "select * from product where tsv @@ plainto_tsquery($1) order by rank desc limit $2",
    "search",
    0.31,
    84,
  ],
  ["a3", "select p.id, p.name, p.price from product p where p.id = any($1)", "search", 0.22, 260],
  ["a4", "update inventory set reserved = reserved + $1 where sku = $2", "checkout", 0.12, 96],
  ["a5", "insert into event (user_id, kind, payload, at) values ($1, $2, $3, now())", "checkout", 0.08, 410],
  ["a6", "select session.user_id, session.expires from session where token = $1", "checkout", 0.06, 720],
  ["a7", "select count(*) from review where product_id = $1", "search", 0.04, 140],
];

export function queries(trouble: number): QueryRow[] {
  return QUERIES.map(([fp, text, user, usual, calls]) => {
    const guilty = fp === GUILTY;
    const load = guilty ? 5.86 * trouble : usual * (1 + 0.3 * trouble);
    const rate = guilty ? 1_930 * trouble : calls;
    return {
      fp,
      text,
      load_aas: load,
      delta_aas: load - usual,
      calls_per_s: rate,
      mean_ms: rate === 0 ? 0 : (load / rate) * 1_000,
      rows_per_call: guilty ? 3.1 : 1,
      is_new: guilty,
      first_seen: guilty ? ONSET - 3 : NOW - 2_592_000,
      user,
      database: "shop",
    };
  })
    .filter((row) => row.calls_per_s > 0)
    .sort((a, b) => b.load_aas - a.load_aas);
}

export const NOTIFICATIONS_MISSING: HealthRowView = {
  target: "notifications",
  aspect: "server",
  level: "warning",
  message: "No notification server answers on the session bus: incidents show in this window only.",
  hint: "Start one (dunst, mako, or your desktop's own) and restart Faultline.",
};

export const CONFIG_TROUBLE: HealthRowView = {
  target: "configuration",
  aspect: "file",
  level: "error",
  message:
    '/home/ada/.config/faultline/config.toml:14:12: cluster[1].node[2].engine: "postgress" is no engine;\nthe engine must be postgres, mysql or mariadb',
  hint: "The last good configuration goes on working.",
};

export const HEALTH: HealthRowView[] = [
  NOTIFICATIONS_MISSING,
  row("shop/replica-1", "connection", "ok", "PostgreSQL 18.4, TLS, 0.8 ms round trip."),
  row("shop/replica-1", "privileges", "ok", "pg_monitor."),
  row("shop/replica-1", "pg_stat_statements", "ok", "1.12, 4,911 of 5,000 entries."),
  {
    ...row("shop/replica-1", "track_io_timing", "warning", "Off: time spent reading is not known."),
    hint: "ALTER SYSTEM SET track_io_timing = on;\nSELECT pg_reload_conf();",
  },
  row("shop/replica-1", "replication", "ok", "The standby streams from its primary."),
  {
    ...row(
      "shop/replica-1",
      "budget",
      "warning",
      "Our own statements cost more than 0.5 % of a core; one sample in 2 is taken.",
    ),
    hint: "It goes back by itself when the server answers faster.",
  },
  {
    ...row(
      "shop/replica-1 (10.0.0.5:9100)",
      "connection",
      "error",
      "10.0.0.5:9100 cannot be reached: connection refused.",
    ),
    hint: "Check host, port and firewall, and that the exporter runs.",
  },
  row("shop/primary", "connection", "ok", "PostgreSQL 18.4, TLS, 0.6 ms round trip."),
  row("shop/primary", "privileges", "ok", "pg_monitor."),
  row("shop/primary", "pg_stat_statements", "ok", "1.12, 3,204 of 5,000 entries."),
  row("shop/primary", "track_io_timing", "ok", "Times of reads and writes are measured."),
  row("shop/primary", "replication", "not_applicable", "A primary does not replay."),
  row("shop/primary", "budget", "ok", "Our own statements cost less than 0.5 % of a core."),
  row("webhook", "listener", "ok", "Listens on 127.0.0.1:7787."),
];

function row(target: string, aspect: string, level: HealthRowView["level"], message: string): HealthRowView {
  return { target, aspect, level, message, hint: null };
}

export function overview(trouble: number, openIncident: string | null): Overview {
  const load = 1.25 + 6.15 * trouble;
  return {
    version: "0.1.0",
    now: NOW,
    notices: [],
    clusters: [
      {
        name: "shop",
        environment: "production",
        state: openIncident ? "incident" : "ok",
        load_aas: load,
        load_ratio: load / 1.19,
        primary_observed: "direct",
        explained: 0.97,
        nodes: [
          {
            name: "primary",
            role: "primary",
            engine: "postgres",
            state: "ok",
            message: null,
            replay_lag_s: null,
            seen_by: "session",
            explained: 0.98,
            cost_ms_per_s: 3.1,
            slowed_down: false,
          },
          {
            name: "replica-1",
            role: "replica",
            engine: "postgres",
            state: "warning",
            message: "track_io_timing is off: time spent reading is not known",
            replay_lag_s: 0.2,
            seen_by: "session",
            explained: 0.93,
            cost_ms_per_s: 6.4,
            slowed_down: true,
          },
        ],
        open_incident: openIncident,
      },
      {
        name: "billing",
        environment: "production",
        state: "ok",
        load_aas: 0.4,
        load_ratio: 1,
        primary_observed: "none",
        explained: null,
        nodes: [
          {
            name: "replica-eu",
            role: "replica",
            engine: "postgres",
            state: "ok",
            message: null,
            replay_lag_s: 4,
            seen_by: "session",
            explained: null,
            cost_ms_per_s: null,
            slowed_down: false,
          },
        ],
        open_incident: null,
      },
    ],
  };
}

/** The same incident with versions as long as they get. */
export function longNames(view: IncidentView): IncidentView {
  const version = "2026.11.03-1402+9f3c2ab7d1e5";
  const deploys = view.deploys.map((suspect) => ({
    ...suspect,
    title: suspect.service === null ? suspect.title : `${suspect.service} ${version}`,
    previous: suspect.previous === null ? null : "2026.11.02-0915+41be77a0c9d2",
  }));
  return {
    ...view,
    deploys,
    nodes: ["primary", "replica-eu-central-1b"],
    summary: { ...view.summary, headline: `checkout ${version}` },
  };
}

const CAUSES: CauseView[] = [
  cause(
    "query_regression",
    "supported",
    0.97,
    `new query ${GUILTY} makes 83 % of the extra load (1,930 calls/s, 5.86 AAS)`,
  ),
  cause("traffic_surge", "ruled_out", 0.01, "calls of the 41 other queries +2 % (±3 %): not traffic"),
  cause("abuse", "ruled_out", 0.01, "212 distinct clients, as before"),
  cause("lock_contention", "ruled_out", 0.02, "0.1 sessions waiting for locks, baseline 0.1"),
  cause("configuration", "ruled_out", 0.01, "no setting changed in the last 24 h"),
  cause("io_saturation", "inconclusive", 0.2, "disk utilisation is not observed on any node"),
  cause("cpu_saturation", "inconclusive", 0.2, "no CPU signal; add a node exporter as [[metrics]]"),
];

function cause(name: string, verdict: CauseView["verdict"], score: number, why: string): CauseView {
  return { cause: name, verdict, score, why };
}

export function incident(): IncidentView {
  return {
    summary: {
      id: "17",
      cluster: "shop",
      onset: ONSET,
      opened: ONSET + 6,
      resolved: null,
      severity: "critical",
      load_ratio: 6.2,
      headline: "checkout v142",
      state: "open",
    },
    nodes: ["primary"],
    causes: CAUSES,
    deploys: [
      {
        deploy_id: "checkout-142",
        title: "checkout v142",
        probability: 0.94,
        service: "checkout",
        version: "v142",
        previous: "v141",
        url: null,
        can_roll_back: true,
      },
      {
        deploy_id: null,
        title: "none of them",
        probability: 0.04,
        service: null,
        version: null,
        previous: null,
        url: null,
        can_roll_back: false,
      },
      {
        deploy_id: "search-88",
        title: "search 88",
        probability: 0.02,
        service: "search",
        version: "88",
        previous: "87",
        url: null,
        can_roll_back: true,
      },
    ],
    queries: [
      { fp: GUILTY, text: "select id, sku, qty, price from order_item where order_id = $1", share: 0.83 },
      {
        fp: "a1",
        text: "select c.id, c.total, i.* from cart c join cart_item i on i.cart_id = c.id where c.user_id = $1",
        share: 0.06,
      },
    ],
    traffic: "calls of the 41 other queries +2 % (±3 %): not traffic",
    timeline: [
      { t: ONSET - 22, kind: "deploy", text: "checkout v142 started (was v141)" },
      { t: ONSET - 8, kind: "deploy", text: "checkout v142 finished" },
      { t: ONSET, kind: "onset", text: "load leaves its baseline of 1.19 AAS" },
      { t: ONSET + 6, kind: "opened", text: "incident opened, load ×6.2, latency ×4.8" },
      { t: ONSET + 7, kind: "notified", text: "notification shown: checkout v142, 94 %" },
    ],
    rollback: null,
  };
}

export const PAST_INCIDENT: IncidentView = {
  ...incident(),
  summary: {
    ...incident().summary,
    id: "16",
    onset: NOW - 61_300,
    opened: NOW - 61_290,
    resolved: NOW - 60_200,
    severity: "warning",
    load_ratio: 2.1,
    headline: "sessions waited on a lock of the nightly stock import",
    state: "resolved",
  },
  causes: [
    cause("lock_contention", "supported", 0.9, "14 sessions waited on one lock of the stock import"),
    cause("query_regression", "ruled_out", 0.02, "no query is new, none grew"),
  ],
  deploys: [],
  queries: [],
  timeline: [],
  traffic: null,
};

export const PREVIEW: PreviewView = {
  provider: "http",
  summary: "checkout goes back from v142 to v141 in production.",
  requests: [
    'POST https://deploy.internal/services/checkout/rollback\nAuthorization: Bearer ••••••\nIdempotency-Key: 17-checkout-142\n\n{"to":"v141"}',
    "GET https://deploy.internal/operations/{id}   until it ends, at most 10 min",
  ],
  warnings: [],
  open_url: null,
  confirm_token: "fake-token",
};
