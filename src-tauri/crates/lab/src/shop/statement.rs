//! One statement of the shop with its parameters and where it runs. The list is in `pages.rs`.

use rand::RngExt;
use rand::rngs::SmallRng;

/// Where a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Reads.
    Replica,
    /// Writes.
    Primary,
}

/// What a parameter stands for; its value is drawn anew for each call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Param {
    Customer,
    Item,
    Category,
    Order,
    Cart,
    Session,
    Quantity,
    Price,
    Country,
    Coupon,
    Term,
    Prefix,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(i64),
    Text(String),
}

impl Param {
    /// Draws a value among the rows that the schema made.
    pub(super) fn draw(self, random: &mut SmallRng) -> Value {
        let mut below = |count: i64| random.random_range(1..=count);
        match self {
            Self::Customer => Value::Number(below(20_000)),
            Self::Item => Value::Number(below(5_000)),
            Self::Category => Value::Number(below(50)),
            Self::Order => Value::Number(below(100_000)),
            Self::Cart => Value::Number(below(5_000)),
            Self::Session => Value::Number(below(10_000)),
            Self::Quantity => Value::Number(below(3)),
            Self::Price => Value::Number(below(90_000)),
            Self::Country => Value::Text(["de", "fr", "nl", "pl", "es"][(below(5) - 1) as usize].to_owned()),
            Self::Coupon => Value::Text(format!("SAVE{}", below(200))),
            Self::Term => Value::Text(format!("term{}", below(2_000))),
            Self::Prefix => Value::Text(format!("item {}%", below(500))),
        }
    }
}

/// A statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    pub(super) sql: &'static str,
    pub(super) params: &'static [Param],
    pub(super) place: Place,
}

/// A statement that reads, on the replica.
pub(super) const fn read(sql: &'static str, params: &'static [Param]) -> Statement {
    Statement { sql, params, place: Place::Replica }
}

/// A statement that writes, on the primary.
pub(super) const fn write(sql: &'static str, params: &'static [Param]) -> Statement {
    Statement { sql, params, place: Place::Primary }
}
