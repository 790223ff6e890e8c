//! `/ohlc/{symbol}`: a hundred days of a symbol's prices, `{"symbol":"S0007","bars":[{"day":"2024-01-01","open":"101.25",…}]}`.
//!
//! Symbols are `S0001` to `S9999`. A day's prices follow from the symbol and the day; the highest of a day is never below
//! its other prices, the lowest never above.

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::draw::Draw;

/// Symbols in `schemas/ohlc_symbols.csv`.
pub const LISTED: u32 = 1_000;

/// Days of a symbol, from 2024-01-01 on.
const DAYS: u64 = 100;

/// Days of the months that they are in.
const MONTHS: [u64; 4] = [31, 29, 31, 30];

/// The symbol at a place of the list, from 0.
pub fn listed(place: u32) -> String {
    format!("S{:04}", place + 1)
}

/// The symbol's document.
pub fn answer(symbol: &str) -> Answer {
    match bars(symbol) {
        Some(bars) => Answer::value(&json!({ "symbol": symbol, "bars": bars })),
        None => Answer::problem(StatusCode::NOT_FOUND, &format!("no symbol {symbol:?}")),
    }
}

/// The days of a symbol; `None` where there is no such symbol.
pub fn bars(symbol: &str) -> Option<Vec<Value>> {
    let digits = symbol.strip_prefix('S')?;
    let is_one = digits.len() == 4 && digits != "0000" && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| (0..DAYS).map(|day| bar(symbol, day)).collect())
}

fn bar(symbol: &str, day: u64) -> Value {
    let cents =
        |fact: &str, low, high| Draw::about(0, &format!("ohlc {symbol} {day} {fact}")).between(low, high);
    let (open, close) = (cents("open", 1_000, 99_999), cents("close", 1_000, 99_999));
    let high = open.max(close) + cents("high", 0, 500);
    let low = open.min(close) - cents("low", 0, 500);
    let price = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
    json!({
        "day": spelled(day), "open": price(open), "high": price(high), "low": price(low), "close": price(close),
        "volume": cents("volume", 0, 10_000_000_000),
    })
}

/// A day by its number, from 0.
fn spelled(mut day: u64) -> String {
    for (month, days) in (1..).zip(MONTHS) {
        if day < days {
            return format!("2024-{month:02}-{:02}", day + 1);
        }
        day -= days;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_has_a_hundred_days() {
        let bars = bars("S0007").expect("a symbol");
        let days: std::collections::BTreeSet<String> =
            bars.iter().map(|bar| bar["day"].to_string()).collect();
        assert_eq!((bars.len(), days.len()), (100, 100));
        assert_eq!((&bars[0]["day"], &bars[99]["day"]), (&json!("2024-01-01"), &json!("2024-04-09")));
        for symbol in ["", "S0000", "S00001", "X0001", "S00a1"] {
            assert_eq!(answer(symbol).status, StatusCode::NOT_FOUND, "{symbol}");
        }
    }
}
