//! Names and identifiers, each its own type so that they cannot be mixed up.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the name as it is.
            pub fn new(name: impl AsRef<str>) -> Self {
                Self(Arc::from(name.as_ref()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(Arc::from(name))
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(Arc::from(name))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// A cluster: the databases that replicate one data set.
    ClusterName
);
name_type!(
    /// A node within its cluster: one server.
    NodeName
);
name_type!(
    /// A query with its literals taken out. Opaque: compared only within one recording or store; Faultline itself
    /// writes 16 hex digits. It may also stand for an RPC or HTTP route (`route:GET /cart`).
    Fingerprint
);
name_type!(
    /// A deploy; the same id is the same deploy.
    DeployId
);
name_type!(
    /// An incident; unique in a store.
    IncidentId
);
name_type!(
    /// A service that is deployed on its own.
    ServiceName
);
name_type!(
    /// A signal: a canonical name (see [`crate::signal`]) or `x_` and a name of its own.
    SignalName
);

/// A node and the cluster that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId {
    /// The cluster.
    pub cluster: ClusterName,
    /// The node in it.
    pub node: NodeName,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.node)
    }
}

/// Average active sessions: time spent executing per second. 1 AAS is one session busy all the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct LoadAas(pub f64);

impl fmt::Display for LoadAas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}
