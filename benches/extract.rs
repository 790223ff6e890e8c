//! Nanoseconds to make one film's row of 30 columns from its answer of 1.5 KB, on one core: by plain paths, and
//! by the jq interpreter with the same columns, in one run. `cargo bench --bench extract`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use windrow::extract::{Extracted, Extractor};
use windrow::job::{Column, Endpoint, Expression, Missing, Template};
use windrow::record::Type;

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

fn main() {
    println!("{} columns, {} bytes", COLUMNS.len(), FILM.len());
    let plain = measure(&extractor(|key| format!(".{key}"), r#".Response == "False""#));
    println!("plain paths     {plain:>8.0} ns an answer");
    let interpreted = measure(&extractor(|key| format!("first(.{key})"), r#"first(.Response) == "False""#));
    println!("jq interpreter  {interpreted:>8.0} ns an answer, {:.1} times as long", interpreted / plain);
}

/// The best of many short batches, as other processes only ever add to a time.
fn measure(extractor: &Extractor) -> f64 {
    const BATCH: u32 = 500;
    let one_batch = |_| {
        let start = Instant::now();
        for _ in 0..BATCH {
            let row = extractor.extract(black_box(FILM.as_bytes()));
            assert!(matches!(black_box(row), Ok(Extracted::Rows(_))));
        }
        start.elapsed()
    };
    let best = (0..100).map(one_batch).min().unwrap_or(Duration::MAX);
    best.as_secs_f64() * 1e9 / f64::from(BATCH)
}

fn extractor(expression: impl Fn(&str) -> String, missing: &str) -> Extractor {
    let columns = COLUMNS.map(|(key, ty, strip)| column(key, expression(key), ty, strip)).to_vec();
    match Extractor::new(&endpoint(columns, missing)) {
        Ok(extractor) => extractor,
        Err(error) => panic!("{error}"),
    }
}

fn column(key: &str, jq: String, ty: Type, strip: &str) -> Column {
    Column {
        nulls: vec!["N/A".to_owned(), String::new()],
        strip: (!strip.is_empty()).then(|| strip.to_owned()),
        format: (ty == Type::Date).then(|| "%d %b %Y".to_owned()),
        ..Column::plain(&key.to_lowercase(), Expression::Jq(jq), ty)
    }
}

fn endpoint(columns: Vec<Column>, missing: &str) -> Endpoint {
    let missing = Missing { statuses: Vec::new(), when: Some(missing.to_owned()) };
    Endpoint { missing, ..Endpoint::get("omdb", Template { parts: Vec::new() }, columns) }
}
