//! The pages of the two services, version by version: which statements a page runs and how often it is asked for.

use std::fmt;

use super::statement::Param::{
    Cart, Category, Country, Coupon, Customer, Item, Order, Prefix, Price, Quantity, Session, Term,
};
use super::statement::{Statement, read, write};

/// A service of the shop. Each has a database role of its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Carts, orders, payments.
    Checkout,
    /// Finding and looking at items.
    Search,
}

impl Service {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Checkout, Self::Search];

    /// Its name, which is its database role's too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Search => "search",
        }
    }

    /// The service with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// The version that runs at the beginning.
    pub fn first_version(self) -> Version {
        match self {
            Self::Checkout => Version("v141"),
            Self::Search => Version("87"),
        }
    }

    /// Every version that can be deployed, oldest first.
    pub fn versions(self) -> &'static [Version] {
        match self {
            Self::Checkout => &[Version("v141"), Version("v142")],
            Self::Search => &[Version("87"), Version("88")],
        }
    }

    /// The version with that name.
    pub fn version(self, name: &str) -> Option<Version> {
        self.versions().iter().copied().find(|version| version.0 == name)
    }

    /// Customers' requests per second, on average.
    pub(super) fn pages_per_s(self) -> f64 {
        match self {
            Self::Checkout => 26.0,
            Self::Search => 40.0,
        }
    }
}

/// A version of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(&'static str);

impl Version {
    /// Its name, as deploys know it.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One step of a page.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A statement, once.
    Run(Statement),
    /// A statement again and again: the loop over a list that should have been a join.
    Loop(Statement, usize),
}

/// A page and its share of the requests.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// Relative to the other pages of the service.
    pub(super) weight: u32,
    /// In this order.
    pub(super) steps: Vec<Step>,
}

/// How many orders the overview of v142 shows, each with a lookup of its own.
const ORDERS_SHOWN: usize = 10;

/// The lookup that v142 runs for each order that it shows. There is no index on `order_id`.
const ORDER_ITEMS: Statement = read("select * from order_item where order_id = $1", &[Order]);

/// The pages of a version of a service.
pub(super) fn pages(service: Service, version: Version) -> Vec<Page> {
    match service {
        Service::Checkout => checkout(version.0 == "v142"),
        Service::Search => search(version.0 == "88"),
    }
}

fn page(weight: u32, statements: &[Statement]) -> Page {
    Page { weight, steps: statements.iter().copied().map(Step::Run).collect() }
}

/// `order_overview`: v142 shows the items of the last orders on the checkout page.
fn checkout(order_overview: bool) -> Vec<Page> {
    let mut form = page(
        6,
        &[
            SESSION,
            CUSTOMER,
            read("select id, street, country from address where customer_id = $1", &[Customer]),
            CART_ITEMS,
            read(
                "select price_cents from shipping_rate where country = $1 and weight_class = $2",
                &[Country, Quantity],
            ),
            read("select percent from tax_rate where country = $1", &[Country]),
            RECENT_ORDERS,
        ],
    );
    if order_overview {
        form.steps.push(Step::Loop(ORDER_ITEMS, ORDERS_SHOWN));
    }
    let cart = page(
        4,
        &[
            SESSION,
            read("select c.id, c.updated_at from cart c where c.customer_id = $1", &[Customer]),
            CART_ITEMS,
            read(
                "select i.item_id, i.on_hand - i.reserved as free from inventory i where i.item_id = $1",
                &[Item],
            ),
        ],
    );
    let add_to_cart = page(
        3,
        &[
            write(
                "insert into cart_item (cart_id, item_id, quantity) values ($1, $2, $3) \
                 on conflict (cart_id, item_id) do update set quantity = excluded.quantity",
                &[Cart, Item, Quantity],
            ),
            write("update cart set updated_at = now() where id = $1", &[Cart]),
        ],
    );
    let remove_from_cart =
        page(1, &[write("delete from cart_item where cart_id = $1 and item_id = $2", &[Cart, Item])]);
    let coupon = page(
        1,
        &[read("select percent from coupon where code = $1 and valid_until > now()", &[Coupon]), CART_ITEMS],
    );
    let place_order = page(
        2,
        &[
            SESSION,
            write("update inventory set reserved = reserved + $2 where item_id = $1", &[Item, Quantity]),
            write(
                "insert into orders (customer_id, placed_at, status, total_cents) values ($1, now(), 'placed', $2) returning id",
                &[Customer, Price],
            ),
            write(
                "insert into order_item (order_id, item_id, quantity, price_cents) values ($1, $2, $3, $4)",
                &[Order, Item, Quantity, Price],
            ),
            write(
                "insert into payment (order_id, provider, state, amount_cents) values ($1, 'card', 'authorized', $2)",
                &[Order, Price],
            ),
        ],
    );
    let orders = page(
        2,
        &[
            SESSION,
            RECENT_ORDERS,
            read("select o.status, o.total_cents from orders o where o.id = $1", &[Order]),
            read("select carrier, state, count(*) from shipment group by carrier, state", &[]),
            read("select carrier, state, eta from shipment where order_id = $1", &[Order]),
            read("select provider, state from payment where order_id = $1", &[Order]),
        ],
    );
    let track = page(
        1,
        &[
            write("update web_session set seen_at = now() where id = $1", &[Session]),
            read("select count(*) from web_session where customer_id = $1", &[Customer]),
        ],
    );
    vec![form, cart, add_to_cart, remove_from_cart, coupon, place_order, orders, track]
}

/// `facets`: version 88 shows how many reviews of each star there are; cheap and indexed.
fn search(facets: bool) -> Vec<Page> {
    let results = page(
        5,
        &[
            read("select other from synonym where term = $1", &[Term]),
            read(
                "select id, name, price_cents from item where name like $1 order by name limit 20",
                &[Prefix],
            ),
            write("insert into search_log (term, at, results) values ($1, now(), $2)", &[Term, Quantity]),
        ],
    );
    let category = page(
        4,
        &[
            read("select id, name, parent_id from category where id = $1", &[Category]),
            read(
                "select id, name, price_cents, rating from item where category_id = $1 order by rating desc limit 24",
                &[Category],
            ),
            read("select count(*) from item where category_id = $1", &[Category]),
            read(
                "select width_bucket(price_cents, 0, 10000, 10) as bucket, count(*) from item group by bucket",
                &[],
            ),
            read("select title from promotion where category_id = $1 and until > now()", &[Category]),
        ],
    );
    let mut detail = page(
        6,
        &[
            read("select * from item where id = $1", &[Item]),
            read("select on_hand > reserved as available from inventory where item_id = $1", &[Item]),
            read("select stars, body from review where item_id = $1 order by id desc limit 10", &[Item]),
            read("select avg(stars), count(*) from review where item_id = $1", &[Item]),
            read(
                "select i.id, i.name from recommendation r join item i on i.id = r.other_id where r.item_id = $1 order by r.score desc",
                &[Item],
            ),
        ],
    );
    if facets {
        detail.steps.push(Step::Run(read(
            "select stars, count(*) from review where item_id = $1 group by stars",
            &[Item],
        )));
    }
    let prices = page(
        1,
        &[read(
            "select changed_at, price_cents from price_history where item_id = $1 order by changed_at",
            &[Item],
        )],
    );
    let suggestions = page(
        3,
        &[
            read("select term from search_term where term >= $1 order by term limit 8", &[Term]),
            write("update search_term set hits = hits + 1, last_at = now() where term = $1", &[Term]),
        ],
    );
    let popular = page(
        4,
        &[
            read(
                "select item_id, count(*) from review group by item_id order by count(*) desc limit 10",
                &[],
            ),
            read("select term, hits from search_term order by hits desc limit 10", &[]),
            read("select id, title from promotion where until > now() order by until limit 5", &[]),
        ],
    );
    let compare = page(
        1,
        &[read("select id, price_cents, rating from item where id in ($1, $2, $3)", &[Item, Item, Item])],
    );
    vec![results, category, detail, prices, suggestions, popular, compare]
}

const SESSION: Statement =
    read("select customer_id, seen_at, agent from web_session where id = $1", &[Session]);
const CUSTOMER: Statement = read("select id, email, name, tier from customer where id = $1", &[Customer]);
const RECENT_ORDERS: Statement = read(
    "select id, placed_at, total_cents from orders where customer_id = $1 order by placed_at desc limit 10",
    &[Customer],
);
const CART_ITEMS: Statement = read(
    "select ci.item_id, ci.quantity, i.price_cents from cart_item ci join item i on i.id = ci.item_id where ci.cart_id = $1",
    &[Cart],
);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::shop::statement::Place;

    fn statements(service: Service, version: &str) -> BTreeSet<&'static str> {
        let version = service.version(version).unwrap();
        let steps = pages(service, version).into_iter().flat_map(|page| page.steps);
        steps.map(|(Step::Run(statement) | Step::Loop(statement, _))| statement.sql).collect()
    }

    #[test]
    fn the_healthy_shop_has_at_least_thirty_query_shapes() {
        let healthy: BTreeSet<_> =
            &statements(Service::Checkout, "v141") | &statements(Service::Search, "87");
        assert!(healthy.len() >= 30, "{}", healthy.len());
    }

    #[test]
    fn each_new_version_brings_exactly_one_new_shape() {
        for (service, old, new, text) in [
            (Service::Checkout, "v141", "v142", "order_item where order_id"),
            (Service::Search, "87", "88", "group by stars"),
        ] {
            let (old, new) = (statements(service, old), statements(service, new));
            let added: Vec<_> = new.difference(&old).collect();
            assert!(added.len() == 1 && added[0].contains(text), "{added:?}");
            assert!(old.is_subset(&new));
        }
    }

    #[test]
    fn every_statement_has_as_many_parameters_as_it_names_and_writes_go_to_the_primary() {
        for service in Service::ALL {
            for version in service.versions() {
                for step in pages(service, *version).into_iter().flat_map(|page| page.steps) {
                    let (Step::Run(statement) | Step::Loop(statement, _)) = step;
                    let named = (1..=9).filter(|n| statement.sql.contains(&format!("${n}"))).count();
                    assert_eq!(named, statement.params.len(), "{}", statement.sql);
                    let reads = statement.sql.starts_with("select");
                    assert_eq!(reads, statement.place == Place::Replica, "{}", statement.sql);
                }
            }
        }
    }
}
