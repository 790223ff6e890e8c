//! Nanoseconds to make rows from an answer, on one core, in one run: one film's row of 30 columns from 1.5 KB, 100
//! rows of 30 columns from 100 such films, each by plain paths and by the jq interpreter with the same columns, and
//! 100 rows of 4 columns from a table in HTML. `cargo bench --bench extract`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use windrow::extract::{Extracted, Extractor, Guarded};
use windrow::job::{AnswerFormat, Column, Css, Endpoint, Expression, Missing, Template};
use windrow::os::{Bounds, Slot, Watchdog};
use windrow::value::Type;

const FILM: &str = r#"{"Title":"The Grand Budapest Hotel","Year":"2014","Rated":"R","Released":"28 Mar 2014","Runtime":"99 min","Genre":"Adventure, Comedy, Crime","Director":"Wes Anderson","Writer":"Stefan Zweig (inspired by the writings of), Wes Anderson (screenplay), Wes Anderson (story), Hugo Guinness (story)","Actors":"Ralph Fiennes, F. Murray Abraham, Mathieu Amalric, Adrien Brody","Plot":"The adventures of Gustave H, a legendary concierge at a famous hotel from the fictional Republic of Zubrowka between the first and second World Wars, and Zero Moustafa, the lobby boy who becomes his most trusted friend.","Language":"English, French","Country":"USA, Germany, UK","Awards":"Won 4 Oscars. Another 127 wins & 218 nominations.","Poster":"http://ia.media-imdb.com/images/M/MV5BMzM5NjUxOTEyMl5BMl5BanBnXkFtZTgwNjEyMDM0MDE@._V1_SX300.jpg","Metascore":"88","imdbRating":"8.1","imdbVotes":"521,393","imdbID":"tt2278388","Type":"movie","tomatoMeter":"91","tomatoImage":"certified","tomatoRating":"8.4","tomatoReviews":"282","tomatoFresh":"258","tomatoRotten":"24","tomatoConsensus":"Typically stylish but deceptively thoughtful, The Grand Budapest Hotel finds Wes Anderson once again using ornate visual environments to explore deeply emotional ideas.","tomatoUserMeter":"86","tomatoUserRating":"4.1","tomatoUserReviews":"97584","DVD":"17 Jun 2014","BoxOffice":"$59,075,000","Production":"Fox Searchlight","Website":"http://www.grandbudapesthotel.com/","Response":"True"}"#;

/// Key, type, and characters to strip.
const COLUMNS: [(&str, Type, &str); 30] = [
    ("Title", Type::Text, ""),
    ("Year", Type::Integer, ""),
    ("Rated", Type::Text, ""),
    ("Released", Type::Date, ""),
    ("Genre", Type::Text, ""),
    ("Director", Type::Text, ""),
    ("Writer", Type::Text, ""),
    ("Actors", Type::Text, ""),
    ("Plot", Type::Text, ""),
    ("Language", Type::Text, ""),
    ("Country", Type::Text, ""),
    ("Awards", Type::Text, ""),
    ("Poster", Type::Text, ""),
    ("Metascore", Type::Integer, ""),
    ("imdbRating", Type::Double, ""),
    ("imdbVotes", Type::Bigint, ","),
    ("Type", Type::Text, ""),
    ("tomatoMeter", Type::Integer, ""),
    ("tomatoImage", Type::Text, ""),
    ("tomatoRating", Type::Decimal { precision: 3, scale: 1 }, ""),
    ("tomatoReviews", Type::Integer, ""),
    ("tomatoFresh", Type::Integer, ""),
    ("tomatoRotten", Type::Integer, ""),
    ("tomatoConsensus", Type::Text, ""),
    ("tomatoUserMeter", Type::Integer, ""),
    ("tomatoUserRating", Type::Double, ""),
    ("tomatoUserReviews", Type::Bigint, ""),
    ("DVD", Type::Date, ""),
    ("BoxOffice", Type::Bigint, "$,"),
    ("Website", Type::Text, ""),
];

/// Rows of the answers that have many.
const ROWS: u32 = 100;

/// In jq's own terms, a place that is read by the interpreter.
const INTERPRETED: fn(&str) -> String = |path| format!("first({path})");

fn main() {
    println!("one row: {} columns, {} bytes", COLUMNS.len(), FILM.len());
    let plain = extractor(str::to_owned, None, r#".Response == "False""#);
    let interpreted = extractor(INTERPRETED, None, r#"first(.Response) == "False""#);
    compare(&plain, &interpreted, FILM, 1);

    let films = format!(r#"{{"page": 1, "films": [{}]}}"#, vec![FILM; ROWS as usize].join(", "));
    println!("{ROWS} rows: {} columns, {} bytes", COLUMNS.len(), films.len());
    let plain = extractor(str::to_owned, Some(".films[]"), ".error");
    let interpreted = extractor(INTERPRETED, Some("(.films[]), empty"), "first(.error)");
    compare(&plain, &interpreted, &films, ROWS);

    let page = page();
    let time = measure(&table(), &page, ROWS);
    println!("{ROWS} rows: {} columns, {} bytes of HTML", 4, page.len());
    println!("CSS selectors   {time:>8.0} ns an answer, {:.0} ns a row", time / f64::from(ROWS));
}

fn compare(plain: &Guarded<Extractor>, interpreted: &Guarded<Extractor>, body: &str, rows: u32) {
    let plain = measure(plain, body, rows);
    println!("plain paths     {plain:>8.0} ns an answer, {:.0} ns a row", plain / f64::from(rows));
    let interpreted = measure(interpreted, body, rows);
    println!("jq interpreter  {interpreted:>8.0} ns an answer, {:.1} times as long", interpreted / plain);
}

/// The best of many short batches, as other processes only ever add to a time.
fn measure(extractor: &Guarded<Extractor>, body: &str, rows: u32) -> f64 {
    let nobody_is_stuck = |_, _| ();
    let bounds = Bounds { time: Duration::from_secs(3600), memory: u64::MAX };
    let watchdog = Watchdog::start(Slot::own(), bounds, nobody_is_stuck).expect("a thread");
    let batch = 500 / rows;
    let one_batch = |_| {
        let start = Instant::now();
        for _ in 0..batch {
            let extracted = extractor.under(&watchdog.work_on(0)).extract(black_box(body.as_bytes()));
            assert!(matches!(black_box(extracted), Ok(Extracted::Rows(made)) if made.count == rows));
        }
        start.elapsed()
    };
    let best = (0..100).map(one_batch).min().unwrap_or(Duration::MAX);
    best.as_secs_f64() * 1e9 / f64::from(batch)
}

/// A page of odds, a link and three cells a row.
fn page() -> String {
    let row = |at| {
        format!(
            "<tr class=\"odd\" data-id=\"{at}\"><td class=\"name\"><a href=\"/bookmaker/{at}\">Bookmaker No. {at}</a></td>\n\
             <td class=\"price\">1.{at:02}</td>\n<td class=\"price\">2.{at:02}</td>\n<td>updated today</td></tr>\n"
        )
    };
    let rows: String = (0..ROWS).map(row).collect();
    format!(
        "<!DOCTYPE html><html><head><title>Odds</title></head><body><div id=\"main\"><h1>Odds</h1>\n\
         <table class=\"odds\"><tbody>\n{rows}</tbody></table></div></body></html>"
    )
}

fn table() -> Guarded<Extractor> {
    let column = |name, selector: &str, attribute: Option<&str>, ty| {
        let (selector, attribute) = (selector.to_owned(), attribute.map(str::to_owned));
        Column::plain(name, Expression::Css(Css { selector, attribute, all: false }), ty)
    };
    let columns = vec![
        column("id", ":scope", Some("data-id"), Type::Bigint),
        column("name", "td.name", None, Type::Text),
        column("link", "td.name a", Some("href"), Type::Text),
        column("price", "td:nth-child(2)", None, Type::Double),
    ];
    let rows = Some("table.odds tr".to_owned());
    let endpoint = Endpoint::get("odds", Template { parts: Vec::new() }, columns);
    compiled(&Endpoint { format: AnswerFormat::Html, rows, ..endpoint })
}

fn extractor(expression: fn(&str) -> String, rows: Option<&str>, missing: &str) -> Guarded<Extractor> {
    let columns =
        COLUMNS.map(|(key, ty, strip)| column(key, expression(&format!(".{key}")), ty, strip)).to_vec();
    let missing = Missing { statuses: Vec::new(), when: Some(missing.to_owned()) };
    let rows = rows.map(str::to_owned);
    compiled(&Endpoint { missing, rows, ..Endpoint::get("omdb", Template { parts: Vec::new() }, columns) })
}

fn compiled(endpoint: &Endpoint) -> Guarded<Extractor> {
    match Guarded::new(endpoint) {
        Ok(extractor) => extractor,
        Err(error) => panic!("{error}"),
    }
}

fn column(key: &str, jq: String, ty: Type, strip: &str) -> Column {
    Column {
        nulls: vec!["N/A".to_owned(), String::new()],
        remove: (!strip.is_empty()).then(|| strip.to_owned()),
        format: (ty == Type::Date).then(|| "%d %b %Y".to_owned()),
        ..Column::plain(&key.to_lowercase(), Expression::Jq(jq), ty)
    }
}
