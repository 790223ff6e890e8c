//! Who made a film: the director where the file names one, invented people elsewhere.

use crate::film::Film;

/// The director.
pub fn director(film: &Film) -> Option<String> {
    let invented = || film.draw("has director").happens(0.98).then(|| person(film, "director"));
    film.record.director.clone().or_else(invented)
}

/// One to three writers, some with what they wrote.
pub fn writers(film: &Film) -> Option<String> {
    let count = film.draw("writers").between(1, 3);
    let names = (0..count).map(|place| {
        let role = film.draw(&format!("writer role {place}")).weigh(WRITTEN);
        format!("{}{role}", person(film, &format!("writer {place}")))
    });
    film.draw("has writers").happens(0.96).then(|| names.collect::<Vec<String>>().join(", "))
}

/// Three or four actors.
pub fn actors(film: &Film) -> Option<String> {
    let count = film.draw("actors").between(3, 4);
    let names = (0..count).map(|place| person(film, &format!("actor {place}")));
    film.draw("has actors").happens(0.985).then(|| names.collect::<Vec<String>>().join(", "))
}

fn person(film: &Film, role: &str) -> String {
    let first = film.draw(&format!("{role}, first name")).pick(FIRST_NAMES);
    let last = film.draw(&format!("{role}, last name")).pick(LAST_NAMES);
    format!("{first} {last}")
}

const WRITTEN: &[(&str, u64)] = &[("", 6), (" (screenplay)", 3), (" (story)", 2), (" (novel)", 1)];

const FIRST_NAMES: &[&str] = &[
    "Ada", "Agnès", "Amir", "Anna", "Bill", "Björn", "Carla", "Chen", "Clara", "Daniel", "Dolores", "Edgar",
    "Elena", "Emil", "Fatima", "Frank", "Grace", "Hana", "Henry", "Ines", "Jack", "James", "Jeanne", "Joan",
    "Julia", "Kenji", "Laura", "Louis", "Maria", "Michael", "Mira", "Nora", "Oscar", "Paul", "Rita",
    "Robert", "Sean", "Susan", "Tom", "Vera", "Walter", "Zoë",
];

const LAST_NAMES: &[&str] = &[
    "Adams",
    "Alvarez",
    "Baker",
    "Bauer",
    "Blanchard",
    "Brooks",
    "Carter",
    "Conti",
    "Cruz",
    "Dubois",
    "Ellis",
    "Fischer",
    "Fontaine",
    "Garcia",
    "Hale",
    "Hayes",
    "Ito",
    "Jansen",
    "Keller",
    "Kim",
    "Larsen",
    "Lee",
    "Lopez",
    "Marsh",
    "Moreau",
    "Murphy",
    "Nakamura",
    "Novák",
    "O'Brien",
    "Olsen",
    "Park",
    "Quinn",
    "Reed",
    "Rossi",
    "Silva",
    "Stone",
    "Tanaka",
    "Turner",
    "Varga",
    "Webb",
    "Young",
    "Zhang",
];
