//! Whether a rollback helped: the guilty queries are gone and the load is back, for long enough. Pure; the time is an
//! argument.

use faultline_model::{LoadAas, Timestamp};

/// When a rollback counts as verified.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct VerificationLimits {
    /// Load by baseline at or below which the load is back.
    pub(crate) load_ratio: f64,
    /// Load of the guilty queries, as a share of what it was when the rollback began, at or below which they are gone.
    pub(crate) guilty_share: f64,
    /// How long both must hold, seconds.
    pub(crate) hold_s: f64,
    /// How long to wait for it, seconds.
    pub(crate) deadline_s: f64,
}

impl Default for VerificationLimits {
    fn default() -> Self {
        Self { load_ratio: 1.5, guilty_share: 0.1, hold_s: 10.0, deadline_s: 600.0 }
    }
}

/// What one look at the database says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    /// When.
    pub(crate) at: Timestamp,
    /// Load by baseline; `None` where load is not observed.
    pub(crate) load_ratio: Option<f64>,
    /// Load of the guilty queries.
    pub(crate) guilty: LoadAas,
    /// Nothing that opened the incident is out of its usual range any more.
    pub(crate) calm: bool,
    /// Analysis has closed the incident.
    pub(crate) resolved: bool,
}

/// How it stands after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Not yet.
    Waiting,
    /// The rollback helped.
    Verified,
    /// The time is up and the database has not recovered.
    NotVerified,
}

/// Watches the database after a rollback.
#[derive(Debug)]
pub(crate) struct Verifier {
    limits: VerificationLimits,
    began: Timestamp,
    guilty_before: LoadAas,
    good_since: Option<Timestamp>,
}

impl Verifier {
    /// Starts when the deploy system says that it is done. `guilty_before`: load of the guilty queries when the
    /// rollback was asked for.
    pub(crate) fn new(limits: VerificationLimits, began: Timestamp, guilty_before: LoadAas) -> Self {
        Self { limits, began, guilty_before, good_since: None }
    }

    /// Takes a look in.
    pub(crate) fn look(&mut self, look: Look) -> Verification {
        let load_is_back = look.resolved
            || look.calm
            || look.load_ratio.is_some_and(|ratio| ratio <= self.limits.load_ratio);
        let guilty_are_gone = look.guilty.0 <= self.guilty_before.0 * self.limits.guilty_share;
        if load_is_back && (guilty_are_gone || look.resolved) {
            let since = *self.good_since.get_or_insert(look.at);
            if look.at.secs_since(since) >= self.limits.hold_s {
                return Verification::Verified;
            }
        } else {
            self.good_since = None;
        }
        if look.at.secs_since(self.began) >= self.limits.deadline_s {
            return Verification::NotVerified;
        }
        Verification::Waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One look a second: (load ratio, load of the guilty queries); what it ends in and after how many seconds.
    fn check(looks: impl Iterator<Item = (Option<f64>, f64)>, expected: (Verification, usize)) {
        let limits = VerificationLimits { deadline_s: 60.0, ..VerificationLimits::default() };
        let mut verifier = Verifier::new(limits, Timestamp::from_secs(0.0), LoadAas(3.0));
        let mut last = (Verification::Waiting, 0);
        for (second, (load_ratio, guilty)) in looks.enumerate() {
            let look = Look {
                at: Timestamp::from_secs(second as f64),
                load_ratio,
                guilty: LoadAas(guilty),
                calm: false,
                resolved: false,
            };
            last = (verifier.look(look), second);
            if last.0 != Verification::Waiting {
                break;
            }
        }
        assert_eq!(last, expected);
    }

    #[test]
    fn recovery_must_hold() {
        check((0..40).map(|_| (Some(1.1), 0.0)), (Verification::Verified, 10));
        // A dip of the load for five seconds starts the wait anew.
        check((0..40).map(|s| (Some(if s == 5 { 4.0 } else { 1.0 }), 0.0)), (Verification::Verified, 16));
    }

    #[test]
    fn load_without_the_guilty_gone_is_no_recovery() {
        check((0..80).map(|_| (Some(1.0), 2.9)), (Verification::NotVerified, 60));
        check((0..80).map(|_| (Some(6.0), 0.0)), (Verification::NotVerified, 60));
        check((0..80).map(|_| (None, 0.0)), (Verification::NotVerified, 60));
    }
}
