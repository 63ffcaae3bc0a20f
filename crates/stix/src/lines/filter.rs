//! `filter`: which objects pass every filter.

use super::{Answer, Failure, Request, document};
use crate::{
    filter::{Filter, Operator},
    tree::{Kind, Tree, Value},
};

/// `{"objects","filters"}` gives `objects`.
pub(super) fn filter(request: &Request<'_>) -> Result<Answer, Failure> {
    let objects = document("objects", request.required("objects")?)?;
    let filters = document("filters", request.required("filters")?)?;
    let filters = read_filters(&filters)?;
    if objects.root().kind() != Kind::List {
        return Err(Failure::request("`objects` is a list"));
    }
    let mut passed = String::from("[");
    for object in objects.root().items() {
        if all_hold(&filters, object)? {
            if passed.len() > 1 {
                passed.push(',');
            }
            passed.push_str(object.source());
        }
    }
    passed.push(']');
    Ok(Answer::new().raw("objects", &passed))
}

fn all_hold(filters: &[Filter<'_>], object: Value<'_>) -> Result<bool, Failure> {
    for filter in filters {
        if !filter.holds(object).map_err(Failure::refused)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read_filters<'t>(filters: &'t Tree<'t>) -> Result<Vec<Filter<'t>>, Failure> {
    let wrong = || Failure::request("`filters` is a list of [property, operator, value]");
    let root = filters.root();
    if root.kind() != Kind::List {
        return Err(wrong());
    }
    let read = |entry: Value<'t>| {
        let mut items = entry.items();
        let (Some(property), Some(operator), Some(value), None) =
            (items.next(), items.next(), items.next(), items.next())
        else {
            return Err(wrong());
        };
        let property = property.as_str().ok_or_else(wrong)?;
        let operator: Operator =
            operator.as_str().ok_or_else(wrong)?.parse().map_err(Failure::refused)?;
        Filter::new(property, operator, value).map_err(Failure::refused)
    };
    root.items().map(read).collect()
}
