//! What the store's statements are called in PostgreSQL.

/// Tables whose rows are replaced: the columns of the key, and the others.
const REPLACED: [(&str, &str, &str); 14] = [
    ("answer", "device, n", "extended, hold, revoked, certificate, signature, sum"),
    ("bundle", "sha256", "device, kase, manifest, size, received, sum"),
    ("gone", "device, purpose, epoch, n", "chain"),
    ("invitation", "device, kase", "reason, asked, sum"),
    ("label", "device", "text, sum"),
    ("ledger", "device, n", "hash, idx, purpose, kase, kind, class, ended, received, sum"),
    ("meta", "name", "value"),
    ("reached", "device", "receipts, notices, at, sum"),
    ("part", "device, n, part", "bytes, sum"),
    ("request", "device, n", "id, kind, body, received, done, sum"),
    ("response", "device, n", "refused, made, size, digest, sum"),
    ("stream", "device, purpose, epoch", "n, chain, base_n, base_chain, spans, gaps, received, sum"),
    ("upload", "device, sha256", "announcement, touched, sum"),
    ("version", "device, component, first", "last, version, place"),
];

/// The statement for PostgreSQL.
pub(super) fn translate(statement: &str) -> String {
    let mut out = String::with_capacity(statement.len() + 200);
    let mut rest = statement;
    // Parameters are `$1`; no statement has a question mark in a literal.
    while let Some((before, after)) = rest.split_once('?') {
        out.push_str(before);
        out.push('$');
        rest = after;
    }
    out.push_str(rest);
    // A hint for SQLite alone.
    let out = out.replace(" NOT INDEXED", "");
    let Some(replaced) = out.strip_prefix("REPLACE INTO ") else { return out };
    let table = replaced.split(['(', ' ']).next().unwrap_or_default();
    let Some((_, key, others)) = REPLACED.iter().find(|(name, ..)| *name == table) else { return out };
    let set: Vec<String> = others.split(", ").map(|name| format!("{name} = excluded.{name}")).collect();
    format!("INSERT INTO {replaced} ON CONFLICT ({key}) DO UPDATE SET {}", set.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_those_of_postgresql() {
        assert_eq!(
            translate("SELECT a FROM envelope NOT INDEXED WHERE a = ?1 AND b < ?12"),
            "SELECT a FROM envelope WHERE a = $1 AND b < $12"
        );
        assert_eq!(
            translate("REPLACE INTO meta(name, value) VALUES('ready', ?1)"),
            "INSERT INTO meta(name, value) VALUES('ready', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        );
        assert_eq!(
            translate("REPLACE INTO gone VALUES(?1, ?2, ?3, ?4, ?5)"),
            "INSERT INTO gone VALUES($1, $2, $3, $4, $5) ON CONFLICT (device, purpose, epoch, n) DO UPDATE SET chain = \
             excluded.chain"
        );
    }

    /// The columns of each table, without their types.
    fn tables(schema: &str) -> Vec<(String, Vec<String>)> {
        let text: Vec<&str> =
            schema.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
        let text = text.join(" ");
        text.split("CREATE TABLE ")
            .skip(1)
            .map(|table| {
                let (name, columns) = table.split_once('(').unwrap();
                let mut depth = 0;
                let parts = columns.split(|c: char| {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    c == ',' && depth == 0 || c == ';'
                });
                let names = parts.map_while(|part| {
                    let name = part.split_whitespace().next()?;
                    name.starts_with(|c: char| c.is_ascii_lowercase()).then(|| name.to_owned())
                });
                (name.to_owned(), names.collect())
            })
            .collect()
    }

    #[test]
    fn both_engines_have_the_same_tables_and_every_replaced_row_is_named_whole() {
        let sqlite = [
            include_str!("../sqlite/schema-1.sql"),
            include_str!("../sqlite/schema-2.sql"),
            include_str!("../sqlite/schema-3.sql"),
            include_str!("../sqlite/schema-4.sql"),
        ]
        .map(tables)
        .concat();
        let postgres =
            [include_str!("schema-1.sql"), include_str!("schema-2.sql"), include_str!("schema-3.sql")]
                .map(tables)
                .concat();
        assert_eq!(sqlite, postgres);
        assert_eq!(postgres.len(), 23);
        for (table, key, others) in REPLACED {
            let mut named: Vec<&str> = key.split(", ").chain(others.split(", ")).collect();
            let (_, columns) = postgres.iter().find(|(name, _)| name == table).unwrap();
            let mut columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            named.sort_unstable();
            columns.sort_unstable();
            assert_eq!(named, columns, "{table}");
        }
    }
}
