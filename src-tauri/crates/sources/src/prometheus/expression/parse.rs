//! Text → expression: read by `promql-parser`, and refused where it is more than is evaluated here.

use promql_parser::parser::token::{T_ADD, T_AVG, T_COUNT, T_DIV, T_LOR, T_MAX, T_MIN, T_MUL, T_SUB, T_SUM};
use promql_parser::parser::{
    self, AggregateExpr, BinModifier, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality,
    VectorSelector,
};

use super::error::ExpressionError;
use super::node::{Aggregation, Grouping, Growth, Matching, Node, Operator};
use super::selector::{Selector, is_strict};
use super::{MAX_DEPTH, MAX_EXPRESSION_BYTES, MAX_RANGE_S};

mod place;

/// What is evaluated here, for messages.
const EVALUATED: &str =
    "rate, irate, increase, sum, avg, max, min, count, histogram_quantile, vector, + - * / and or";

/// Reads an expression that is to be evaluated here.
pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    let expr = read(text)?;
    Reader { text }.node(&expr, 0)
}

/// Reads any PromQL.
fn read(text: &str) -> Result<Expr, ExpressionError> {
    if text.len() > MAX_EXPRESSION_BYTES {
        let problem = format!("an expression has at most {MAX_EXPRESSION_BYTES} bytes");
        return Err(ExpressionError { column: 1, problem });
    }
    if place::depth(text) > MAX_DEPTH {
        let problem = format!("an expression is nested at most {MAX_DEPTH} deep");
        return Err(ExpressionError { column: 1, problem });
    }
    parser::parse(text).map_err(|reason| {
        let problem = match reason.as_str() {
            "invalid promql query" => "this is not PromQL".to_owned(),
            _ => reason.replace('\n', " "),
        };
        ExpressionError { column: place::of_fault(text), problem }
    })
}

/// Every selector of any PromQL that looks at now, as it is written; `None` when it is not PromQL.
pub(in super::super) fn instant_selectors(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    collect(&read(text).ok()?, &mut |selector| {
        if selector.offset.is_none() && selector.at.is_none() {
            found.push(selector.to_string());
        }
    });
    found.dedup();
    Some(found)
}

/// An expression all of whose selectors are narrowed by the matchers of another one.
///
/// # Errors
/// When either cannot be read, or `by` is not `{label="value",…}`.
pub(in super::super) fn narrow(text: &str, by: &str) -> Result<String, ExpressionError> {
    let mut expr = read(text)?;
    let wrong = |problem: &str| ExpressionError { column: 1, problem: problem.to_owned() };
    let Expr::VectorSelector(by) = read(by)? else {
        return Err(wrong("a selector is {label=\"value\"}, in braces"));
    };
    if by.name.is_some() || by.offset.is_some() || by.at.is_some() || !by.matchers.or_matchers.is_empty() {
        return Err(wrong("a selector is {label=\"value\"}, without a metric's name, offset, @ and or"));
    }
    change(&mut expr, &mut |selector| selector.matchers.matchers.extend(by.matchers.matchers.clone()));
    Ok(expr.to_string())
}

fn collect(expr: &Expr, see: &mut impl FnMut(&VectorSelector)) {
    match expr {
        Expr::VectorSelector(selector) => see(selector),
        Expr::MatrixSelector(matrix) => see(&matrix.vs),
        Expr::Aggregate(aggregate) => collect(&aggregate.expr, see),
        Expr::Unary(unary) => collect(&unary.expr, see),
        Expr::Binary(binary) => {
            collect(&binary.lhs, see);
            collect(&binary.rhs, see);
        }
        Expr::Paren(paren) => collect(&paren.expr, see),
        Expr::Call(call) => call.args.args.iter().for_each(|argument| collect(argument, see)),
        // What a subquery looks at is not now.
        Expr::Subquery(_) | Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn change(expr: &mut Expr, to: &mut impl FnMut(&mut VectorSelector)) {
    match expr {
        Expr::VectorSelector(selector) => to(selector),
        Expr::MatrixSelector(matrix) => to(&mut matrix.vs),
        Expr::Aggregate(aggregate) => change(&mut aggregate.expr, to),
        Expr::Unary(unary) => change(&mut unary.expr, to),
        Expr::Binary(binary) => {
            change(&mut binary.lhs, to);
            change(&mut binary.rhs, to);
        }
        Expr::Paren(paren) => change(&mut paren.expr, to),
        Expr::Subquery(subquery) => change(&mut subquery.expr, to),
        Expr::Call(call) => call.args.args.iter_mut().for_each(|argument| change(argument, to)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

/// Turns what was read into what is evaluated; knows the text for the places of errors.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn refuse<T>(&self, what: &str, problem: String) -> Result<T, ExpressionError> {
        Err(ExpressionError { column: place::of(self.text, what), problem })
    }

    fn node(&self, expr: &Expr, depth: usize) -> Result<Node, ExpressionError> {
        if depth > MAX_DEPTH {
            return self.refuse("", format!("an expression is nested at most {MAX_DEPTH} deep"));
        }
        let inner = |expr: &Expr| Ok(Box::new(self.node(expr, depth + 1)?));
        Ok(match expr {
            Expr::NumberLiteral(number) => Node::Number(number.val),
            Expr::Paren(paren) => self.node(&paren.expr, depth + 1)?,
            Expr::Unary(unary) => Node::Negative(inner(&unary.expr)?),
            Expr::VectorSelector(selector) => Node::Select(self.selector(selector)?),
            Expr::Aggregate(aggregate) => {
                let how = self.aggregation(aggregate)?;
                let keep = aggregate.modifier.as_ref().map(grouping);
                Node::Aggregate { how, keep, of: inner(&aggregate.expr)? }
            }
            Expr::Binary(binary) => self.binary(binary, inner(&binary.lhs)?, inner(&binary.rhs)?)?,
            Expr::Call(call) => self.call(call, depth)?,
            Expr::MatrixSelector(_) => {
                return self.refuse("[", "a range stands only in rate, irate and increase".to_owned());
            }
            Expr::Subquery(_) => return self.refuse("[", "subqueries are not evaluated here".to_owned()),
            Expr::StringLiteral(_) => return self.refuse("\"", "a text is not a number".to_owned()),
            Expr::Extension(_) => return self.refuse("", "this is not PromQL".to_owned()),
        })
    }

    fn selector(&self, selector: &VectorSelector) -> Result<Selector, ExpressionError> {
        if selector.offset.is_some() {
            return self.refuse("offset", "offset is not evaluated here".to_owned());
        }
        if selector.at.is_some() {
            return self.refuse("@", "@ is not evaluated here".to_owned());
        }
        if !selector.matchers.or_matchers.is_empty() {
            return self.refuse(" or ", "or between matchers is not evaluated here".to_owned());
        }
        let matchers = &selector.matchers.matchers;
        if selector.name.is_none() && !matchers.iter().any(is_strict) {
            return self.refuse("{", "this selects every series; name a metric".to_owned());
        }
        Ok(Selector::new(selector.name.clone(), matchers.clone()))
    }

    fn aggregation(&self, aggregate: &AggregateExpr) -> Result<Aggregation, ExpressionError> {
        Ok(match aggregate.op.id() {
            T_SUM => Aggregation::Sum,
            T_AVG => Aggregation::Average,
            T_MAX => Aggregation::Max,
            T_MIN => Aggregation::Min,
            T_COUNT => Aggregation::Count,
            _ => return self.unknown(&aggregate.op.to_string()),
        })
    }

    fn unknown<T>(&self, name: &str) -> Result<T, ExpressionError> {
        let problem = format!(
            "{name} is not evaluated here; what is: {EVALUATED}. A Prometheus server knows more: kind = \"promql\""
        );
        self.refuse(name, problem)
    }

    fn binary(
        &self,
        binary: &BinaryExpr,
        left: Box<Node>,
        right: Box<Node>,
    ) -> Result<Node, ExpressionError> {
        let modifier = binary.modifier.as_ref();
        let many = |modifier: &BinModifier| {
            matches!(
                modifier.card,
                VectorMatchCardinality::ManyToOne(_) | VectorMatchCardinality::OneToMany(_)
            )
        };
        if modifier.is_some_and(many) {
            let problem =
                "group_left and group_right are not evaluated here; aggregate both sides first".to_owned();
            return self.refuse("group_", problem);
        }
        if modifier.is_some_and(|modifier| modifier.fill_values != Default::default()) {
            return self.refuse("fill", "fill is not evaluated here".to_owned());
        }
        let matching = match modifier.and_then(|modifier| modifier.matching.as_ref()) {
            Some(LabelModifier::Include(labels)) => Matching::On(labels.labels.clone()),
            Some(LabelModifier::Exclude(labels)) => Matching::Ignoring(labels.labels.clone()),
            None => Matching::Ignoring(Vec::new()),
        };
        let operator = match binary.op.id() {
            T_ADD => Operator::Add,
            T_SUB => Operator::Subtract,
            T_MUL => Operator::Multiply,
            T_DIV => Operator::Divide,
            T_LOR => return Ok(Node::Or { left, right, matching }),
            _ => return self.unknown(&binary.op.to_string()),
        };
        Ok(Node::Arithmetic { operator, left, right, matching })
    }

    fn call(&self, call: &Call, depth: usize) -> Result<Node, ExpressionError> {
        let inner = |expr: &Expr| Ok(Box::new(self.node(expr, depth + 1)?));
        let arguments: Vec<&Expr> = call.args.args.iter().map(|argument| &**argument).collect();
        let how = match (call.func.name, arguments.as_slice()) {
            ("rate", [range]) => (Growth::Rate, range),
            ("irate", [range]) => (Growth::InstantRate, range),
            ("increase", [range]) => (Growth::Increase, range),
            ("vector", [of]) => return Ok(Node::Vector(inner(of)?)),
            ("histogram_quantile", [rank, of]) => {
                return Ok(Node::Quantile { rank: inner(rank)?, of: inner(of)? });
            }
            (name, _) => return self.unknown(name),
        };
        match how {
            (how, Expr::MatrixSelector(matrix)) => {
                let range_s = matrix.range.as_secs_f64();
                if range_s > MAX_RANGE_S {
                    let problem =
                        format!("a range is at most {MAX_RANGE_S} s: so much is kept of what was scraped");
                    return self.refuse("[", problem);
                }
                Ok(Node::Rate { how, selector: self.selector(&matrix.vs)?, range_s })
            }
            _ => self.refuse("[", "subqueries are not evaluated here".to_owned()),
        }
    }
}

fn grouping(modifier: &LabelModifier) -> Grouping {
    match modifier {
        LabelModifier::Include(labels) => Grouping::By(labels.labels.clone()),
        LabelModifier::Exclude(labels) => Grouping::Without(labels.labels.clone()),
    }
}
