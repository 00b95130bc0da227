// Written by the test `bindings_are_current` in the api crate from the Rust types; do not edit.
// What crosses the border between the window and the program. Times are Unix seconds.

/**
 * Why a command was not carried out.
 */
export type ApiErrorView = {
/**
 * What kind of error, stable, snake case: `not_found`, `bad_request`, `refused`, `internal`.
 */
code: string,
/**
 * What happened, one sentence.
 */
message: string,
/**
 * What to do about it.
 */
hint: string | null, };

/**
 * An incident on the time axis.
 */
export type BandView = {
/**
 * The incident.
 */
incident: string,
/**
 * Its onset, Unix seconds.
 */
from: number,
/**
 * When it was over, Unix seconds; null while it lasts.
 */
to: number | null,
/**
 * How much it matters.
 */
severity: SeverityView, };

/**
 * One hypothesis and what became of it.
 */
export type CauseView = {
/**
 * Its name in the vocabulary, `query_regression`.
 */
cause: string,
/**
 * What the evidence says.
 */
verdict: FindingView,
/**
 * How likely it is at work, 0–1.
 */
score: number,
/**
 * One sentence with the numbers in it.
 */
why: string, };

/**
 * Something changed; the window asks again for what it shows.
 */
export type Changed = {
/**
 * What.
 */
topic: Topic,
/**
 * In which cluster; null when it is not about one.
 */
cluster: string | null,
/**
 * The incident, deploy or rollback that it is about. With `navigate`: the incident to show.
 */
id: string | null,
/**
 * With `navigate`: the deploy whose rollback is to be prepared; null when only the incident is to be shown.
 */
rollback: string | null,
/**
 * With `navigate`: the deploy to show; null when it is not about one.
 */
deploy: string | null, };

/**
 * What the load is split by.
 */
export type ChartGroup = "query";

/**
 * Which charts to draw. Either `from` and `to`, or `last_s` for a range that ends now.
 */
export type ChartRequest = {
/**
 * The cluster.
 */
cluster: string,
/**
 * Begin of the range, Unix seconds.
 */
from: number | null,
/**
 * End of the range, Unix seconds.
 */
to: number | null,
/**
 * Length of a live range that ends now, seconds; wins over `from` and `to`.
 */
last_s: number | null,
/**
 * Width of every panel, CSS pixels.
 */
width_px: number,
/**
 * Height of every panel, CSS pixels.
 */
panel_height_px: number,
/**
 * Colours.
 */
theme: Theme,
/**
 * What the load is split by.
 */
group: ChartGroup,
/**
 * The reader's offset from UTC, seconds east, for the time axis.
 */
utc_offset_s: number, };

/**
 * The drawn charts, all over the same range.
 */
export type ChartsView = {
/**
 * Begin of the range, Unix seconds.
 */
from: number,
/**
 * End of the range, Unix seconds.
 */
to: number,
/**
 * Whether the range ends now and moves on.
 */
live: boolean,
/**
 * The panels, top to bottom.
 */
panels: Array<PanelView>,
/**
 * Deploys in the range.
 */
flags: Array<FlagView>,
/**
 * Incidents in the range.
 */
bands: Array<BandView>, };

/**
 * How a cluster does.
 */
export type ClusterState = "ok" | "suspicious" | "incident" | "no_data";

/**
 * One cluster.
 */
export type ClusterView = {
/**
 * Its name.
 */
name: string,
/**
 * Its environment, `production` unless told otherwise.
 */
environment: string,
/**
 * How it does.
 */
state: ClusterState,
/**
 * Load over the last 10 s, average active sessions; null where it is not observed.
 */
load_aas: number | null,
/**
 * That load by its baseline; null without a baseline.
 */
load_ratio: number | null,
/**
 * Whether the primary is seen, and how.
 */
primary_observed: PrimaryObserved,
/**
 * How much of the load of the last minutes statements explain, 0–1; null where that cannot be told.
 */
explained: number | null,
/**
 * Its servers.
 */
nodes: Array<NodeView>,
/**
 * The open incident, if there is one.
 */
open_incident: string | null, };

/**
 * A database to be written into the configuration.
 */
export type DatabaseAddRequest = {
/**
 * The cluster; made when there is none of this name.
 */
cluster: string,
/**
 * The environment of a new cluster; an existing one keeps its own.
 */
environment: string,
/**
 * Its name within the cluster.
 */
node: string,
/**
 * Family of the server.
 */
engine: EngineView,
/**
 * Its address, without a password.
 */
url: string,
/**
 * Where its password is: `keyring:NAME` or `env:NAME`; null where none is needed.
 */
password: string | null, };

/**
 * A database to be taken out of the configuration. What was seen of it stays in the history.
 */
export type DatabaseRemoveRequest = {
/**
 * The cluster; it goes with its last database.
 */
cluster: string,
/**
 * The database's name within the cluster.
 */
node: string, };

/**
 * A database to be tried out. Goes in and never comes out.
 */
export type DatabaseTestRequest = {
/**
 * Family of the server.
 */
engine: EngineView,
/**
 * Its address, without a password.
 */
url: string,
/**
 * Its password.
 */
password: PasswordInput, };

/**
 * What a connection test found.
 */
export type DatabaseTested = {
/**
 * Whether it can be watched at all.
 */
reachable: boolean,
/**
 * The self-test, with what fixes each row.
 */
rows: Array<HealthRowView>, };

/**
 * A database of the configuration.
 */
export type DatabaseView = {
/**
 * The cluster that it belongs to.
 */
cluster: string,
/**
 * The cluster's environment.
 */
environment: string,
/**
 * Its name within the cluster.
 */
node: string,
/**
 * Family of the server.
 */
engine: EngineView,
/**
 * Its address, without a password.
 */
url: string,
/**
 * Where its password is: `keyring:NAME` or `env:NAME`; null where none is needed.
 */
password: string | null, };

/**
 * What kind of change a deploy is.
 */
export type DeployKindView = "deploy" | "rollback" | "config" | "schema" | "flag" | "restart";

/**
 * How a deploy stands.
 */
export type DeployStatusView = "started" | "succeeded" | "failed" | "rolled_back";

/**
 * A change to production.
 */
export type DeployView = {
/**
 * The same id is the same deploy.
 */
id: string,
/**
 * `service version`.
 */
title: string,
/**
 * The service that changed.
 */
service: string,
/**
 * What runs afterwards.
 */
version: string | null,
/**
 * What ran before.
 */
previous: string | null,
/**
 * Concerns every cluster with this environment.
 */
environment: string,
/**
 * The one cluster that it concerns, for a change that was seen on its servers; null for all.
 */
cluster: string | null,
/**
 * When it began, where known, Unix seconds.
 */
started: number | null,
/**
 * When it ended, where known, Unix seconds.
 */
finished: number | null,
/**
 * How it stands.
 */
status: DeployStatusView,
/**
 * What kind of change.
 */
kind: DeployKindView,
/**
 * Who or what did it.
 */
actor: string | null,
/**
 * The deploy system's page.
 */
url: string | null, };

/**
 * Deploys of a range.
 */
export type DeploysRequest = {
/**
 * Begin of the range, Unix seconds.
 */
from: number,
/**
 * End of the range, Unix seconds.
 */
to: number, };

/**
 * Diagnostics to copy.
 */
export type DiagnosticsView = {
/**
 * Plain text: versions, self-test, last errors, configuration. No secret is in it.
 */
text: string, };

/**
 * Family of a server.
 */
export type EngineView = "postgres" | "mysql" | "mariadb" | "unknown";

/**
 * What a cause's evidence says.
 */
export type FindingView = "supported" | "ruled_out" | "inconclusive";

/**
 * A deploy on the time axis.
 */
export type FlagView = {
/**
 * The deploy.
 */
deploy_id: string,
/**
 * Its earliest known time, Unix seconds.
 */
at: number,
/**
 * When it began, where known, Unix seconds.
 */
started: number | null,
/**
 * `service version`.
 */
title: string,
/**
 * What kind of change.
 */
kind: DeployKindView,
/**
 * How it stands.
 */
status: DeployStatusView, };

/**
 * How an aspect stands.
 */
export type HealthLevelView = "not_applicable" | "ok" | "warning" | "error";

/**
 * How one aspect of one target stands.
 */
export type HealthRowView = {
/**
 * The target: `cluster/node`, `webhook`, `notifications`, `keyring`, `store`.
 */
target: string,
/**
 * The aspect: `connection`, `pg_stat_statements`, `privileges`, …
 */
aspect: string,
/**
 * How it stands.
 */
level: HealthLevelView,
/**
 * What was found, one sentence.
 */
message: string,
/**
 * The command or the steps that fix it.
 */
hint: string | null, };

/**
 * A query as a suspect.
 */
export type IncidentQueryView = {
/**
 * Its fingerprint.
 */
fp: string,
/**
 * Its normalised text, where known.
 */
text: string | null,
/**
 * Its share of the extra load, 0–1.
 */
share: number, };

/**
 * One incident.
 */
export type IncidentRequest = {
/**
 * Its id.
 */
id: string, };

/**
 * How an incident stands.
 */
export type IncidentState = "open" | "recovering" | "resolved";

/**
 * An incident in a list.
 */
export type IncidentSummary = {
/**
 * Its id.
 */
id: string,
/**
 * Where.
 */
cluster: string,
/**
 * When the trouble began, Unix seconds.
 */
onset: number,
/**
 * When it was opened, Unix seconds.
 */
opened: number,
/**
 * When it was over, Unix seconds.
 */
resolved: number | null,
/**
 * How much it matters.
 */
severity: SeverityView,
/**
 * Load by its baseline when it was opened; null where load is not observed.
 */
load_ratio: number | null,
/**
 * One line: the likeliest deploy, or the likeliest cause.
 */
headline: string,
/**
 * How it stands.
 */
state: IncidentState, };

/**
 * An incident with everything that is known about it.
 */
export type IncidentView = {
/**
 * As in the list.
 */
summary: IncidentSummary,
/**
 * Nodes where it shows.
 */
nodes: Array<string>,
/**
 * Every cause, best first.
 */
causes: Array<CauseView>,
/**
 * The candidates, best first; `deploy_id` null is "none of them".
 */
deploys: Array<SuspectView>,
/**
 * The queries, by share of the extra load.
 */
queries: Array<IncidentQueryView>,
/**
 * One sentence on what the traffic did, with its number.
 */
traffic: string | null,
/**
 * What happened, in order.
 */
timeline: Array<TimelineEntry>,
/**
 * The latest rollback for it, if any.
 */
rollback: RollbackView | null, };

/**
 * Which incidents.
 */
export type IncidentsRequest = {
/**
 * Of this cluster alone; null for all.
 */
cluster: string | null,
/**
 * At most so many, newest first.
 */
limit: number, };

/**
 * For how long a secret is kept.
 */
export type Keep = "keyring" | "this_run";

/**
 * A page to open in the browser; only `https` addresses of hosts in the configuration are opened.
 */
export type LinkRequest = {
/**
 * The address.
 */
url: string, };

/**
 * Where a flag was drawn.
 */
export type MarkView = {
/**
 * The deploy.
 */
deploy_id: string,
/**
 * Where its line stands, CSS pixels from the drawing's left edge.
 */
x_px: number,
/**
 * Its label, where there was room for one.
 */
label: PlotArea | null, };

/**
 * No arguments: `{}`.
 */
export type NoArgs = Record<symbol, never>;

/**
 * Whether a server can be watched.
 */
export type NodeState = "ok" | "warning" | "error";

/**
 * One server.
 */
export type NodeView = {
/**
 * Its name within the cluster.
 */
name: string,
/**
 * Its role, once known.
 */
role: RoleView | null,
/**
 * Family of the server.
 */
engine: EngineView,
/**
 * Whether it can be watched.
 */
state: NodeState,
/**
 * What stands in the way, or what is worth knowing; one sentence.
 */
message: string | null,
/**
 * Age of the last replayed transaction, seconds; null on a primary.
 */
replay_lag_s: number | null,
/**
 * How it is seen; null when nothing was seen of it lately.
 */
seen_by: SeenByView | null,
/**
 * How much of its load of the last minutes statements explain, 0–1; null where that cannot be told.
 */
explained: number | null,
/**
 * What our own statements cost it at the most, milliseconds a second; null before it is known.
 */
cost_ms_per_s: number | null,
/**
 * Whether they cost too much, so that it is looked at less often.
 */
slowed_down: boolean, };

/**
 * Everything that is watched, at one glance.
 */
export type Overview = {
/**
 * Version of the program.
 */
version: string,
/**
 * The clusters of the configuration, in its order.
 */
clusters: Array<ClusterView>,
/**
 * What the user must know about the program itself: a missing notification server, a locked keyring, …
 */
notices: Array<HealthRowView>,
/**
 * When this was true, Unix seconds.
 */
now: number, };

/**
 * The charts there are.
 */
export type PanelId = "latency" | "load" | "calls";

/**
 * One drawn chart.
 */
export type PanelView = {
/**
 * Which.
 */
id: PanelId,
/**
 * Its title.
 */
title: string,
/**
 * Unit of its values, for people.
 */
unit: string,
/**
 * The drawing: a complete SVG document, every outside text in it escaped.
 */
svg: string,
/**
 * Where in the drawing the values are.
 */
plot: PlotArea,
/**
 * Value at the top edge of the plot area; the bottom edge is 0.
 */
y_max: number,
/**
 * The values that were drawn; in a stacked panel in stacking order, not added up.
 */
series: Array<SeriesView>,
/**
 * Where the flags were drawn, so that they can be pointed at.
 */
marks: Array<MarkView>, };

/**
 * Where the password for a test comes from.
 */
export type PasswordInput = { "from": "none" } | { "from": "typed",
/**
 * What was typed.
 */
secret: SecretInput, } | { "from": "reference",
/**
 * `keyring:NAME` or `env:NAME`.
 */
reference: string, };

/**
 * A rectangle in a drawing, CSS pixels from its top left corner.
 */
export type PlotArea = {
/**
 * Left edge.
 */
left_px: number,
/**
 * Top edge.
 */
top_px: number,
/**
 * Width.
 */
width_px: number,
/**
 * Height.
 */
height_px: number, };

/**
 * What exactly will run.
 */
export type PreviewView = {
/**
 * Name of the provider.
 */
provider: string,
/**
 * One sentence: what will happen.
 */
summary: string,
/**
 * The requests that will be sent, secrets masked, one a line.
 */
requests: Array<string>,
/**
 * Reasons to think twice.
 */
warnings: Array<string>,
/**
 * A page to open instead of running anything.
 */
open_url: string | null,
/**
 * To be given back when it is run.
 */
confirm_token: string, };

/**
 * How a cluster's primary is seen.
 */
export type PrimaryObserved = "direct" | "table" | "metrics" | "none" | "not_applicable";

/**
 * Which queries. Either `from` and `to`, or `last_s` for a range that ends now.
 */
export type QueriesRequest = {
/**
 * The cluster.
 */
cluster: string,
/**
 * Begin of the range, Unix seconds.
 */
from: number | null,
/**
 * End of the range, Unix seconds.
 */
to: number | null,
/**
 * Length of a range that ends now, seconds; wins over `from` and `to`.
 */
last_s: number | null,
/**
 * At most so many rows.
 */
limit: number, };

/**
 * One query over the range.
 */
export type QueryRow = {
/**
 * Its fingerprint.
 */
fp: string,
/**
 * Its normalised text; empty while not known.
 */
text: string,
/**
 * Mean load over the range, average active sessions.
 */
load_aas: number,
/**
 * The same less its baseline.
 */
delta_aas: number,
/**
 * Calls per second.
 */
calls_per_s: number,
/**
 * Mean time of a call, milliseconds.
 */
mean_ms: number,
/**
 * Mean rows of a call, where counted.
 */
rows_per_call: number | null,
/**
 * Seen for the first time within the range.
 */
is_new: boolean,
/**
 * When it was first seen, Unix seconds.
 */
first_seen: number,
/**
 * Role that runs it, where known.
 */
user: string | null,
/**
 * Database that it runs in, where known.
 */
database: string | null, };

/**
 * Role of a server.
 */
export type RoleView = "primary" | "replica" | "edge";

/**
 * Which rollback to prepare.
 */
export type RollbackPreviewRequest = {
/**
 * The deploy to undo.
 */
deploy_id: string,
/**
 * The incident that it is undone for, if any.
 */
incident_id: string | null, };

/**
 * Which rollback to run.
 */
export type RollbackRunRequest = {
/**
 * The deploy to undo.
 */
deploy_id: string,
/**
 * The incident that it is undone for, if any.
 */
incident_id: string | null,
/**
 * From the preview that the user saw; anything else is refused.
 */
confirm_token: string, };

/**
 * How a rollback stands.
 */
export type RollbackState = "requested" | "running" | "succeeded" | "failed" | "unknown" | "verified" | "not_verified";

/**
 * A rollback and how it stands.
 */
export type RollbackView = {
/**
 * Its idempotency key.
 */
key: string,
/**
 * The deploy that is undone.
 */
deploy_id: string,
/**
 * How it stands.
 */
state: RollbackState,
/**
 * One sentence.
 */
message: string,
/**
 * When it was asked for, Unix seconds.
 */
started: number,
/**
 * When it ended, Unix seconds.
 */
finished: number | null, };

/**
 * An entry of the keyring that is meant.
 */
export type SecretDeleteRequest = {
/**
 * The entry's name, without `keyring:`.
 */
name: string, };

/**
 * A secret on its way in: it can be neither printed nor sent back.
 */
export type SecretInput = string;

/**
 * A secret that is meant.
 */
export type SecretRequest = {
/**
 * `keyring:NAME` or `env:NAME`.
 */
reference: string, };

/**
 * A secret to be kept. Goes in and never comes out.
 */
export type SecretSetRequest = {
/**
 * The entry's name, without `keyring:`.
 */
name: string,
/**
 * The secret.
 */
secret: SecretInput,
/**
 * For how long.
 */
keep: Keep, };

/**
 * How a secret stands.
 */
export type SecretState = "stored" | "this_run" | "variable" | "missing" | "locked" | "no_service" | "timed_out" | "failed";

/**
 * A secret that the configuration names, and how it stands.
 */
export type SecretView = {
/**
 * `keyring:NAME` or `env:NAME`.
 */
reference: string,
/**
 * What needs it, such as `shop/replica-1`, `webhook 127.0.0.1:7787` or `rollback of checkout`.
 */
used_by: Array<string>,
/**
 * How it stands.
 */
state: SecretState,
/**
 * What happened and the way on, where it is not there; one sentence.
 */
message: string | null, };

/**
 * How a server is seen.
 */
export type SeenByView = "session" | "table" | "metrics";

/**
 * One line or layer.
 */
export type SeriesView = {
/**
 * What it is: a fingerprint, a signal, `other`, `unfinished`.
 */
key: string,
/**
 * Its name for people.
 */
label: string,
/**
 * Its colour, `#rrggbb`.
 */
color: string,
/**
 * Unix seconds and value; null is a gap.
 */
points: Array<[number, number | null]>, };

/**
 * Settings to be changed; null leaves one as it is.
 */
export type SettingsChangeRequest = {
/**
 * Whether closing the window leaves the program in the tray.
 */
close_to_tray: boolean | null,
/**
 * Whether the program starts with the session.
 */
autostart: boolean | null, };

/**
 * How the program is set up.
 */
export type SettingsView = {
/**
 * The configuration file.
 */
config_file: string,
/**
 * The folder of the store.
 */
data_folder: string,
/**
 * The folder of the logs; null where none are written.
 */
log_folder: string | null,
/**
 * What is wrong with the configuration file; the last good configuration goes on working meanwhile.
 */
config_trouble: string | null,
/**
 * Whether closing the window leaves the program in the tray.
 */
close_to_tray: boolean,
/**
 * Whether there is a tray; null where the program is no desktop program.
 */
tray: boolean | null,
/**
 * Whether the program starts with the session; null where that cannot be set.
 */
autostart: boolean | null, };

/**
 * How much an incident matters.
 */
export type SeverityView = "warning" | "critical";

/**
 * A deploy as a suspect.
 */
export type SuspectView = {
/**
 * The deploy; null is "none of them".
 */
deploy_id: string | null,
/**
 * `service version`, or words for "none of them".
 */
title: string,
/**
 * 0–1; they add up to 1.
 */
probability: number,
/**
 * The service that changed.
 */
service: string | null,
/**
 * What runs now.
 */
version: string | null,
/**
 * What ran before.
 */
previous: string | null,
/**
 * The deploy system's page.
 */
url: string | null,
/**
 * Whether there is a way back from here.
 */
can_roll_back: boolean, };

/**
 * Colours of a drawing.
 */
export type Theme = "light" | "dark";

/**
 * Something that happened.
 */
export type TimelineEntry = {
/**
 * When, Unix seconds.
 */
t: number,
/**
 * What kind: `onset`, `deploy`, `opened`, `verdict`, `notified`, `rollback`, `recovering`, `resolved`.
 */
kind: string,
/**
 * One sentence.
 */
text: string, };

/**
 * What changed.
 */
export type Topic = "frames" | "incident" | "deploys" | "rollback" | "health" | "configuration" | "navigate";

/** Every command: what it takes and what it answers. */
export interface Commands {
  "overview|get": { args: NoArgs; answer: Overview };
  "charts|draw": { args: ChartRequest; answer: ChartsView };
  "queries|top": { args: QueriesRequest; answer: Array<QueryRow> };
  "incidents|list": { args: IncidentsRequest; answer: Array<IncidentSummary> };
  "incidents|get": { args: IncidentRequest; answer: IncidentView };
  "deploys|list": { args: DeploysRequest; answer: Array<DeployView> };
  "rollback|preview": { args: RollbackPreviewRequest; answer: PreviewView };
  "rollback|run": { args: RollbackRunRequest; answer: RollbackView };
  "databases|list": { args: NoArgs; answer: Array<DatabaseView> };
  "databases|test": { args: DatabaseTestRequest; answer: DatabaseTested };
  "databases|add": { args: DatabaseAddRequest; answer: null };
  "databases|remove": { args: DatabaseRemoveRequest; answer: null };
  "secrets|list": { args: NoArgs; answer: Array<SecretView> };
  "secrets|set": { args: SecretSetRequest; answer: SecretView };
  "secrets|test": { args: SecretRequest; answer: SecretView };
  "secrets|delete": { args: SecretDeleteRequest; answer: SecretView };
  "settings|get": { args: NoArgs; answer: SettingsView };
  "settings|change": { args: SettingsChangeRequest; answer: SettingsView };
  "settings|health": { args: NoArgs; answer: Array<HealthRowView> };
  "diagnostics|get": { args: NoArgs; answer: DiagnosticsView };
  "links|open": { args: LinkRequest; answer: null };
}

/** The event that carries `Changed`. */
export const CHANGED_EVENT = "faultline://changed";

/** Every command's name, `domain|name`. */
export const COMMANDS = [
  "overview|get",
  "charts|draw",
  "queries|top",
  "incidents|list",
  "incidents|get",
  "deploys|list",
  "rollback|preview",
  "rollback|run",
  "databases|list",
  "databases|test",
  "databases|add",
  "databases|remove",
  "secrets|list",
  "secrets|set",
  "secrets|test",
  "secrets|delete",
  "settings|get",
  "settings|change",
  "settings|health",
  "diagnostics|get",
  "links|open",
] as const satisfies readonly (keyof Commands)[];
