//! One file a command.

pub(crate) mod check;
pub(crate) mod mark;
pub(crate) mod primary;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod watch;
