//! `v1/forecast?latitude=…&longitude=…&daily=…`: columns of values, a day each.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::number;
use crate::answer::Answer;
use crate::query::Query;

/// Days of a forecast.
const DAYS: u64 = 3;

pub fn answer(query: Query<'_>) -> Answer {
    let [latitude, longitude] = ["latitude", "longitude"].map(|name| query.get(name).unwrap_or_default());
    let degrees: f64 = latitude.parse().unwrap_or(f64::NAN);
    if !(-90.0..=90.0).contains(&degrees) {
        let reason = format!("Latitude must be in range of -90 to 90°. Given: {latitude}.");
        return Answer {
            status: StatusCode::BAD_REQUEST,
            ..Answer::value(&json!({ "error": true, "reason": reason }))
        };
    }
    let place = format!("{latitude} {longitude}");
    let column = |name: usize| (0..DAYS).map(|day| at(&place, day)[name].clone()).collect::<Vec<_>>();
    Answer::value(&json!({
        // Of the nearest point of a grid, so not what was asked for.
        "latitude": (degrees * 8.0).round() / 8.0,
        "longitude": longitude.parse::<f64>().unwrap_or_default().round(),
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "daily_units": { "time": "iso8601", "temperature_2m_max": "°C", "temperature_2m_min": "°C", "precipitation_sum": "mm" },
        "daily": {
            "time": column(0), "temperature_2m_max": column(1), "temperature_2m_min": column(2), "precipitation_sum": column(3),
        },
    }))
}

/// A day's date, highest and lowest temperature, and rain, which is not always known.
fn at(place: &str, day: u64) -> [Value; 4] {
    let of = format!("{place} {day}");
    let low = number(&of, "low", 0, 20);
    let rain = number(&of, "rain", 0, 40);
    [
        json!(format!("2026-03-0{}", day + 1)),
        json!((low + number(&of, "high", 1, 15)) as f64 + 0.5),
        json!(low as f64 + 0.5),
        if rain > 30 { Value::Null } else { json!(rain as f64 / 4.0) },
    ]
}

/// Of `latitude longitude`.
pub fn truth(place: &str) -> Value {
    let row = |day| {
        let [date, high, low, rain] = at(place, day);
        json!({ "day": date, "high": high, "low": low, "rain": rain })
    };
    Value::Array((0..DAYS).map(row).collect())
}
