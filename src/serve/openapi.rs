//! What can be asked for, as OpenAPI 3.1: <https://spec.openapis.org/oas/v3.1.1>.
//!
//! Each table has a path for each format, and one for a row where it has a key. Its parameters are those of
//! [`filter`](super::filter), one for each comparison of each column; they stand once, in the components, under the places of table
//! and column (`0.2.gt`), since names of components have fewer letters than those of columns.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::column::Column;
use super::filter::{Comparable, Operator, in_words, parameter_name};

/// What stays as it is in a path (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Formats that can be filtered, and what they are.
const FILTERED: [(&str, &str); 3] = [
    ("json", "application/json"),
    ("ndjson", "application/x-ndjson"),
    ("csv", "text/csv; charset=utf-8; header=present"),
];

/// A table, as it is described.
#[derive(Debug, Clone, Copy)]
pub struct DescribedTable<'a> {
    /// Its name, as URLs have it.
    pub name: &'a str,
    /// Its columns.
    pub columns: &'a [Column],
    /// Places of its key's columns; none: rows are not asked for one by one.
    pub key: &'a [usize],
    /// Whether each row has a key of its own.
    pub key_is_unique: bool,
    /// The most rows of an answer.
    pub max_rows: u32,
}

/// The whole description.
pub fn document(tables: &[DescribedTable<'_>], title: &str, version: &str) -> Value {
    let (mut paths, mut parameters, mut schemas) = (Map::new(), Map::new(), Map::new());
    schemas.insert("problem".to_owned(), problem_schema());
    for (at, table) in tables.iter().enumerate() {
        let own = table_parameters(at, table);
        add_paths(at, table, own.iter().map(|(name, _)| name), &mut paths);
        parameters.extend(own);
        schemas.insert(format!("{at}.row"), row_schema(table.columns));
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": version, "description": DESCRIPTION },
        "servers": [{ "url": "/" }],
        "security": [{}, { "token": [] }],
        "paths": paths,
        "components": {
            "parameters": parameters,
            "schemas": schemas,
            "responses": responses(),
            "headers": headers(),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

const DESCRIPTION: &str = "Tables as their last publication left them. An answer is always of one publication, which `ETag` tells \
                           from others. All parameters hold at once; one that is not known is an error.";

fn add_paths<'a>(
    at: usize,
    table: &DescribedTable<'_>,
    names: impl Iterator<Item = &'a String>,
    paths: &mut Map<String, Value>,
) {
    let references: Vec<Value> = names.map(|name| reference("parameters", name)).collect();
    let name = utf8_percent_encode(table.name, ENCODED);
    for (ending, media_type) in FILTERED {
        let schema = match ending {
            "json" => json!({ "type": "array", "items": reference("schemas", &format!("{at}.row")) }),
            _ => json!({ "type": "string" }),
        };
        let summary = format!("{} as {}", table.name, ending.to_uppercase());
        let mut get = operation(table, &summary, media_type, &schema);
        get["parameters"] = references.clone().into();
        paths.insert(format!("/{name}.{ending}"), json!({ "get": get }));
    }
    // Its bytes are those of the file: there is nothing to filter, and 3.1 says so by a schema without a type.
    let summary = format!("{} as Parquet, whole, where it was published so", table.name);
    let get = operation(table, &summary, "application/vnd.apache.parquet", &json!({}));
    paths.insert(format!("/{name}.parquet"), json!({ "get": get }));
    if !table.key.is_empty() {
        let (path, get) = row_by_key(at, table);
        paths.insert(format!("/{name}/{path}"), json!({ "get": get }));
    }
}

fn row_by_key(at: usize, table: &DescribedTable<'_>) -> (String, Value) {
    let row = reference("schemas", &format!("{at}.row"));
    let schema = if table.key_is_unique { row } else { json!({ "type": "array", "items": row }) };
    let what = if table.key_is_unique { "The row" } else { "The rows" };
    let mut get =
        operation(table, &format!("{what} of {} with this key", table.name), "application/json", &schema);
    let names: Vec<String> =
        table.key.iter().enumerate().map(|(at, place)| key_name(at, &table.columns[*place])).collect();
    let parameter = |(name, place): (&String, &usize)| {
        let column = &table.columns[*place];
        json!({ "name": name, "in": "path", "required": true, "description": column.name, "schema": value_schema(&column.ty) })
    };
    get["parameters"] = names.iter().zip(table.key).map(parameter).collect();
    (names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join("/"), get)
}

/// The name of a part of a key: the column's, if a template may have it.
fn key_name(at: usize, column: &Column) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let is_name = !column.name.is_empty() && column.name.chars().all(is_plain);
    if is_name { column.name.clone() } else { format!("key.{}", at + 1) }
}

fn operation(table: &DescribedTable<'_>, summary: &str, media_type: &str, schema: &Value) -> Value {
    let header = |name: &&str| ((*name).to_owned(), reference("headers", name));
    let answered = json!({
        "description": format!("Rows of {}", table.name),
        "headers": HEADERS.iter().map(|(name, _)| name).map(header).collect::<Map<_, _>>(),
        "content": { media_type: { "schema": schema } },
    });
    let mut all = Map::from_iter([("200".to_owned(), answered)]);
    all.extend(RESPONSES.iter().map(|(status, _)| ((*status).to_owned(), reference("responses", status))));
    json!({ "summary": summary, "tags": [table.name], "responses": all })
}

/// All parameters of a table by their names among the components, with their columns in their order.
fn table_parameters(at: usize, table: &DescribedTable<'_>) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for (place, column) in table.columns.iter().enumerate() {
        let values = Comparable::of(&column.ty);
        for operator in Operator::ALL.into_iter().filter(|operator| operator.fits(values)) {
            let name = parameter_name(table.columns, place, operator);
            all.push((format!("{at}.{place}.{}", operator.word()), comparison(&name, column, operator)));
        }
    }
    let list =
        |words: Vec<String>| json!({ "type": "array", "items": { "enum": words }, "uniqueItems": true });
    let names: Vec<String> = table.columns.iter().map(|column| in_words([column.name.as_str()])).collect();
    let sorted = table.columns.iter().filter(|column| Comparable::of(&column.ty) != Comparable::Nothing);
    let directed =
        sorted.flat_map(|column| ["", "-"].map(|sign| in_words([format!("{sign}{}", column.name).as_str()])));
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": table.max_rows });
    for (name, description, schema) in [
        ("select", "The columns of the answer, in their order", list(names)),
        (
            "order",
            "By which columns rows are sorted (`-`: downwards); those without a value come last",
            list(directed.collect()),
        ),
        ("limit", "Rows of a page; `Link` of the answer has the next one", limit),
        ("after", "Where the page before ended, from its `Link`", json!({ "type": "string" })),
    ] {
        all.push((format!("{at}.{name}"), query_parameter(name, description, &schema)));
    }
    all
}

/// Lists are one value with commas in it.
fn query_parameter(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "style": "form", "explode": false, "schema": schema })
}

fn comparison(name: &str, column: &Column, operator: Operator) -> Value {
    let one = parameter_schema(&column.ty);
    let schema = match operator {
        Operator::In => json!({ "type": "array", "items": one, "maxItems": 1000 }),
        Operator::Null => json!({ "type": "boolean" }),
        _ => one,
    };
    let column = &column.name;
    let description = match operator {
        Operator::Eq => format!("{column} is this"),
        Operator::Ne => format!("{column} is another, or null"),
        Operator::Gt => format!("{column} is greater"),
        Operator::Ge => format!("{column} is greater or equal"),
        Operator::Lt => format!("{column} is less"),
        Operator::Le => format!("{column} is less or equal"),
        Operator::In => format!("{column} is one of these; a text with a comma in it stands in quotes"),
        Operator::Null => format!("Whether {column} is null"),
        Operator::Contains => format!("{column} has this in it"),
        Operator::StartsWith => format!("{column} begins with this"),
    };
    query_parameter(name, &description, &schema)
}

/// A value in a parameter: a text that is read as the column's type.
fn parameter_schema(ty: &str) -> Value {
    let comparable = Comparable::of(ty);
    let mut schema = match comparable {
        Comparable::Decimal { .. } => json!({ "type": "number" }),
        _ => value_schema(ty),
    };
    let example = comparable.example();
    let typed = match schema["type"].as_str() {
        Some("integer" | "number" | "boolean") => serde_json::from_str(example).unwrap_or_default(),
        _ => Value::from(example),
    };
    schema["examples"] = json!([typed]);
    schema
}

/// A value as JSON has it, where it is not null.
fn value_schema(ty: &str) -> Value {
    let text = |format: &str| json!({ "type": "string", "format": format });
    match (Comparable::of(ty), ty) {
        (Comparable::Text, _) => json!({ "type": "string" }),
        (Comparable::Boolean, _) => json!({ "type": "boolean" }),
        (Comparable::Integer(..), "HUGEINT" | "UHUGEINT") => {
            json!({ "type": "string", "pattern": "^-?[0-9]+$" })
        }
        // Beyond 53 bits many readers round: what they must know is the type, the bounds they could not write.
        (Comparable::Integer(..), "BIGINT") => json!({ "type": "integer", "format": "int64" }),
        (Comparable::Integer(..), "UBIGINT") => {
            json!({ "type": "integer", "format": "uint64", "minimum": 0 })
        }
        (Comparable::Integer(least, most), _) => {
            json!({ "type": "integer", "minimum": least as i64, "maximum": most as u64 })
        }
        (Comparable::Float, _) => json!({ "type": "number", "format": "float" }),
        (Comparable::Double, _) => json!({ "type": "number", "format": "double" }),
        (Comparable::Decimal { .. }, _) => text("decimal"),
        (Comparable::Date, _) => text("date"),
        (Comparable::Time, _) => text("time-local"),
        (Comparable::Timestamp { .. }, _) => text("date-time"),
        (Comparable::Uuid, _) => text("uuid"),
        (Comparable::Nothing, ty) if ty.ends_with(']') => json!({ "type": "array" }),
        (Comparable::Nothing, ty) if ty.starts_with("STRUCT(") || ty.starts_with("MAP(") => {
            json!({ "type": "object" })
        }
        (Comparable::Nothing, "JSON") => json!({}),
        (Comparable::Nothing, ty) if ty.starts_with("UNION(") => json!({}),
        (Comparable::Nothing, _) => json!({ "type": "string" }),
    }
}

/// A row: all columns, unless `select` names some. Numbers that JSON has not (`nan`, `inf`) are texts.
fn row_schema(columns: &[Column]) -> Value {
    let nullable = |column: &Column| {
        let mut schema = value_schema(&column.ty);
        let types: Vec<Value> = match (schema["type"].take(), Comparable::of(&column.ty)) {
            (Value::Null, _) => Vec::new(),
            (ty, Comparable::Float | Comparable::Double) => vec![ty, "string".into(), "null".into()],
            (ty, _) => vec![ty, "null".into()],
        };
        if types.is_empty() {
            schema = json!({})
        } else {
            schema["type"] = types.into()
        }
        schema["description"] = column.ty.to_lowercase().into();
        (column.name.clone(), schema)
    };
    json!({ "type": "object", "properties": columns.iter().map(nullable).collect::<Map<_, _>>(), "additionalProperties": false })
}

/// What an answer says beside its rows.
const HEADERS: [(&str, &str); 6] = [
    ("ETag", "Which publication, question and format it is of"),
    ("Last-Modified", "When the table was published"),
    ("Cache-Control", "How long it may be kept: until the job is run next"),
    ("windrow-run", "The run that published the table"),
    ("windrow-rows", "Rows of the answer, where some were asked for"),
    ("Link", "Where there are further rows: `</…>; rel=\"next\"`"),
];

/// What there may be instead of rows.
const RESPONSES: [(&str, &str); 6] = [
    ("304", "It is still what `If-None-Match` or `If-Modified-Since` names"),
    ("400", "The question has no meaning, or more rows fit than may be answered at once"),
    ("401", "The token is missing, or another"),
    ("404", "There is no such table, or row"),
    ("410", "The table was published anew since the page whose `Link` this is"),
    ("503", "Nothing was published yet, or too much is asked at once"),
];

fn headers() -> Value {
    let header = |(name, description): (&str, &str)| {
        (name.to_owned(), json!({ "description": description, "schema": { "type": "string" } }))
    };
    HEADERS.into_iter().map(header).collect::<Map<_, _>>().into()
}

fn responses() -> Value {
    let content = json!({ "application/problem+json": { "schema": reference("schemas", "problem") } });
    let response = |(status, description): (&str, &str)| {
        let mut response = json!({ "description": description });
        if status != "304" {
            response["content"] = content.clone();
        }
        (status.to_owned(), response)
    };
    RESPONSES.into_iter().map(response).collect::<Map<_, _>>().into()
}

/// RFC 9457.
fn problem_schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "properties": { "title": text, "status": { "type": "integer" }, "detail": text, "hint": text },
        "required": ["title", "status", "detail"],
    })
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::serve::filter::{Question, TableShape};

    fn columns(of: &[(&str, &str)]) -> Vec<Column> {
        of.iter().map(|(name, ty)| Column { name: (*name).into(), ty: (*ty).into() }).collect()
    }

    fn all_types() -> Vec<Column> {
        columns(&[
            ("id", "BIGINT"),
            ("name, first", "VARCHAR"),
            ("price", "DECIMAL(9,2)"),
            ("ratio", "DOUBLE"),
            ("on", "DATE"),
            ("at", "TIMESTAMP"),
            ("ok", "BOOLEAN"),
            ("small", "UTINYINT"),
            ("huge", "HUGEINT"),
            ("u", "UUID"),
            ("t", "TIME"),
            ("limit", "INTEGER"),
            ("tags", "VARCHAR[]"),
            ("of", "STRUCT(a INTEGER)"),
            ("raw", "JSON"),
            ("bytes", "BLOB"),
            ("{curly}/é", "VARCHAR"),
        ])
    }

    fn of(columns: &[Column], key: &[usize]) -> Value {
        let table = DescribedTable { name: "prices", columns, key, key_is_unique: true, max_rows: 1000 };
        let other = DescribedTable { name: "a b/{c}", key_is_unique: false, ..table };
        document(&[table, other], "prices", "1.0")
    }

    #[test]
    fn a_small_table() {
        let columns = columns(&[("id", "BIGINT"), ("name", "VARCHAR")]);
        let table = DescribedTable {
            name: "films",
            columns: &columns,
            key: &[0],
            key_is_unique: true,
            max_rows: 1000,
        };
        let document = document(&[table], "films", "1.0");
        let names: Vec<String> = document["components"]["parameters"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(at, parameter)| format!("{at} {} {}", parameter["name"], parameter["schema"]))
            .collect();
        insta::assert_snapshot!(names.join("\n"), @r#"
        0.0.eq "id" {"examples":[7],"format":"int64","type":"integer"}
        0.0.ge "id.ge" {"examples":[7],"format":"int64","type":"integer"}
        0.0.gt "id.gt" {"examples":[7],"format":"int64","type":"integer"}
        0.0.in "id.in" {"items":{"examples":[7],"format":"int64","type":"integer"},"maxItems":1000,"type":"array"}
        0.0.le "id.le" {"examples":[7],"format":"int64","type":"integer"}
        0.0.lt "id.lt" {"examples":[7],"format":"int64","type":"integer"}
        0.0.ne "id.ne" {"examples":[7],"format":"int64","type":"integer"}
        0.0.null "id.null" {"type":"boolean"}
        0.1.contains "name.contains" {"examples":["abc"],"type":"string"}
        0.1.eq "name" {"examples":["abc"],"type":"string"}
        0.1.ge "name.ge" {"examples":["abc"],"type":"string"}
        0.1.gt "name.gt" {"examples":["abc"],"type":"string"}
        0.1.in "name.in" {"items":{"examples":["abc"],"type":"string"},"maxItems":1000,"type":"array"}
        0.1.le "name.le" {"examples":["abc"],"type":"string"}
        0.1.lt "name.lt" {"examples":["abc"],"type":"string"}
        0.1.ne "name.ne" {"examples":["abc"],"type":"string"}
        0.1.null "name.null" {"type":"boolean"}
        0.1.startswith "name.startswith" {"examples":["abc"],"type":"string"}
        0.after "after" {"type":"string"}
        0.limit "limit" {"maximum":1000,"minimum":1,"type":"integer"}
        0.order "order" {"items":{"enum":["id","-id","name","-name"]},"type":"array","uniqueItems":true}
        0.select "select" {"items":{"enum":["id","name"]},"type":"array","uniqueItems":true}
        "#);
        insta::assert_snapshot!(serde_json::to_string_pretty(&document["components"]["schemas"]["0.row"]).unwrap(), @r#"
        {
          "additionalProperties": false,
          "properties": {
            "id": {
              "description": "bigint",
              "format": "int64",
              "type": [
                "integer",
                "null"
              ]
            },
            "name": {
              "description": "varchar",
              "type": [
                "string",
                "null"
              ]
            }
          },
          "type": "object"
        }
        "#);
        insta::assert_snapshot!(serde_json::to_string_pretty(&document["paths"]["/films/{id}"]).unwrap(), @r##"
        {
          "get": {
            "parameters": [
              {
                "description": "id",
                "in": "path",
                "name": "id",
                "required": true,
                "schema": {
                  "format": "int64",
                  "type": "integer"
                }
              }
            ],
            "responses": {
              "200": {
                "content": {
                  "application/json": {
                    "schema": {
                      "$ref": "#/components/schemas/0.row"
                    }
                  }
                },
                "description": "Rows of films",
                "headers": {
                  "Cache-Control": {
                    "$ref": "#/components/headers/Cache-Control"
                  },
                  "ETag": {
                    "$ref": "#/components/headers/ETag"
                  },
                  "Last-Modified": {
                    "$ref": "#/components/headers/Last-Modified"
                  },
                  "Link": {
                    "$ref": "#/components/headers/Link"
                  },
                  "windrow-rows": {
                    "$ref": "#/components/headers/windrow-rows"
                  },
                  "windrow-run": {
                    "$ref": "#/components/headers/windrow-run"
                  }
                }
              },
              "304": {
                "$ref": "#/components/responses/304"
              },
              "400": {
                "$ref": "#/components/responses/400"
              },
              "401": {
                "$ref": "#/components/responses/401"
              },
              "404": {
                "$ref": "#/components/responses/404"
              },
              "410": {
                "$ref": "#/components/responses/410"
              },
              "503": {
                "$ref": "#/components/responses/503"
              }
            },
            "summary": "The row of films with this key",
            "tags": [
              "films"
            ]
          }
        }
        "##);
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths, ["/films.csv", "/films.json", "/films.ndjson", "/films.parquet", "/films/{id}"]);
    }

    /// All texts behind `$ref`.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(name, value)| match value {
                Value::String(text) if name == "$ref" => drop(found.insert(text.clone())),
                value => references(value, found),
            }),
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn each_reference_leads_somewhere_and_each_component_is_used() {
        let document = of(&all_types(), &[0, 16]);
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for kind in ["parameters", "schemas", "responses", "headers"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
                assert!(name.chars().all(is_plain), "{name}");
                assert!(found.contains(&format!("#/components/{kind}/{name}")), "{kind} {name}");
            }
        }
        let paths = document["paths"].as_object().unwrap();
        assert!(
            paths.contains_key("/prices/{id}/{key.2}") && paths.contains_key("/a%20b%2F%7Bc%7D/{id}/{key.2}"),
            "{paths:?}"
        );
    }

    #[test]
    fn each_parameter_is_one_that_is_read_with_its_example() {
        let columns = all_types();
        let document = of(&columns, &[0]);
        let shape = TableShape { columns: &columns, digest: "0123456789ab", max_rows: 1000 };
        for (at, parameter) in document["components"]["parameters"].as_object().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            let schema = &parameter["schema"];
            let example = match (at.rsplit('.').next().unwrap(), &schema["examples"][0]) {
                ("null", _) => "true".to_owned(),
                ("in", _) => schema["items"]["examples"][0].to_string(),
                ("select" | "order", _) => schema["items"]["enum"][1].as_str().unwrap().to_owned(),
                ("limit", _) => "1000".to_owned(),
                ("after", _) => "0123456789ab.0".to_owned(),
                (_, Value::String(text)) => text.clone(),
                (_, other) => other.to_string(),
            };
            let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let query = format!("{}={}", encode(name), encode(&example));
            Question::parse(Some(&query), &shape).unwrap_or_else(|bad| panic!("{query}: {bad}"));
        }
    }

    /// For a validator: `openapi-spec-validator`, say.
    #[test]
    #[ignore = "it prints a document"]
    fn a_document_of_all_types() {
        println!("{}", of(&all_types(), &[0, 16]));
    }
}
