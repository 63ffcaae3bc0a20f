//! The one place that knows where the two databases differ in what a statement says.

use std::fmt::Write as _;

/// A statement as PostgreSQL reads it: `?` and `?1` become `$1`, and `INDEXED BY`, which SQLite
/// needs where it has no statistics, goes. So does `OR FAIL`, which spares SQLite a copy of each page
/// that a statement changes: whatever fails here undoes more than its statement in any case.
pub(super) fn translate(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let (mut rest, mut place) = (sql, 0u32);
    while let Some(at) = rest.find(['?', '\'']) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        if after.starts_with('\'') {
            let end =
                after.get(1..).and_then(|text| text.find('\'')).map_or(after.len(), |at| at + 2);
            let (literal, after) = after.split_at(end);
            out.push_str(literal);
            rest = after;
            continue;
        }
        let after = after.get(1..).unwrap_or_default();
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        match number.parse::<u32>() {
            Ok(number) => place = number,
            Err(_) => place += 1,
        }
        // Writing to a string does not fail.
        let _ = write!(out, "${place}");
        rest = after;
    }
    out.push_str(rest);
    // In one line, so that where a text breaks its lines does not matter below.
    let out: Vec<_> = out.lines().map(str::trim).collect();
    by_date_alone(&without_hints(&out.join(" ")).replace(" OR FAIL ", " "))
}

/// An entry's date says it alone, and one index holds nothing else. Told the collection too,
/// PostgreSQL takes any index that begins with it while the table is empty, and walks the whole
/// collection for each row ever after; `+ 0` keeps it from those.
fn by_date_alone(sql: &str) -> String {
    ["e", "d", "entry"].into_iter().fold(sql.to_owned(), |sql, table| of_table(&sql, table))
}

/// The same for a table under one name.
fn of_table(sql: &str, table: &str) -> String {
    let (column, date) = (format!("{table}.collection"), format!(" AND {table}.date_added "));
    let mut parts = sql.split(column.as_str());
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_whole = !out.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let value = part.strip_prefix(" = ").and_then(|rest| rest.split_once(date.as_str()));
        let is_lookup = value.is_some_and(|(value, rest)| {
            !value.contains(' ') && (rest.starts_with("= ") || rest.starts_with("IN ("))
        });
        out.push_str(&column);
        if is_whole && is_lookup {
            out.push_str(" + 0");
        }
        out.push_str(part);
    }
    out
}

const HINT: &str = " INDEXED BY ";

fn without_hints(sql: &str) -> String {
    let mut parts = sql.split(HINT);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        out.push_str(name.and_then(|end| part.get(end..)).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn places_in_order_and_by_number_become_numbered() {
        assert_eq!(translate("a = ? AND b = ?"), "a = $1 AND b = $2");
        assert_eq!(translate("a = ?2 OR (b = ?12)"), "a = $2 OR (b = $12)");
    }

    #[test]
    fn literal_with_a_question_mark_stays() {
        assert_eq!(translate("a = '?' AND b = ?"), "a = '?' AND b = $1");
    }

    #[test]
    fn entry_of_a_given_date_is_found_by_its_date_alone() {
        let sql = "JOIN entry e ON e.collection = ?1 AND e.date_added = g.date";
        let plain = "JOIN entry e ON e.collection + 0 = $1 AND e.date_added = g.date";
        assert_eq!(translate(sql), plain);
        for (sql, plain) in [
            (
                "ON e.collection = a.collection AND e.date_added = a.date_added",
                "ON e.collection + 0 = a.collection AND e.date_added = a.date_added",
            ),
            (
                "WHERE entry.collection = ? AND entry.date_added = ?",
                "WHERE entry.collection + 0 = $1 AND entry.date_added = $2",
            ),
            (
                "WHERE entry.collection = ?1 AND entry.date_added IN (SELECT",
                "WHERE entry.collection + 0 = $1 AND entry.date_added IN (SELECT",
            ),
        ] {
            assert_eq!(translate(sql), plain);
        }
        let range = "WHERE e.collection = ?1 AND e.date_added > ?2";
        assert_eq!(translate(range), "WHERE e.collection = $1 AND e.date_added > $2");
    }

    #[test]
    fn hint_for_the_other_database_goes() {
        let sql = "SELECT 1 FROM entry INDEXED BY entry_object WHERE id = ?";
        assert_eq!(translate(sql), "SELECT 1 FROM entry WHERE id = $1");
        assert_eq!(translate("FROM entry e INDEXED BY entry_object"), "FROM entry e");
        assert_eq!(
            translate("INSERT OR FAIL INTO blob VALUES (?)"),
            "INSERT INTO blob VALUES ($1)"
        );
    }
}
