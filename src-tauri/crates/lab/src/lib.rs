//! Real private servers, a shop's workload and incident scenarios: for the demo, for drills and for tests. The lab
//! drives the product from outside, as child processes; nothing in here knows how the product works inside.

pub mod bench;
pub mod clock;
pub mod configuration;
pub mod demo;
pub mod deploys;
pub mod desktop;
pub mod edge;
pub mod error;
pub mod exporters;
pub mod folder;
pub mod http;
pub mod mariadb;
pub mod pgbouncer;
pub mod play;
pub mod postgres;
pub mod postgres_exporter;
pub mod process;
pub mod prometheus;
pub mod rerecord;
pub mod scenario;
pub mod score;
pub mod serve;
pub mod shop;
pub mod spans;
mod timeline;
pub mod truth;
pub mod victoria_metrics;
mod watchdog;
pub mod webdriver;
mod workers;
pub mod workload;

pub use error::{Error, Result};
