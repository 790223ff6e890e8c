//! What holds a run back, in words: while it does, and afterwards.

use std::time::Duration;

use super::numbers;
use crate::handoff::{Held, Hold, Pulse, QuotaLeft};
use crate::record::Kind;

/// What holds now; `second` is now, since 1970.
pub(super) fn now(pulse: &Pulse, second: u64) -> Option<String> {
    let hold = pulse.hold.as_ref()?;
    let so_far = pulse.holds.iter().find(|held| held.hold.is_same(hold));
    let text = match (hold, so_far) {
        (Hold::Pause { .. }, Some(held)) => {
            let times = numbers::counted(held.times.into(), "pause");
            format!("{} ({times}, {} in all)", text(hold, second), time(held))
        }
        _ => text(hold, second),
    };
    Some(if hold.is_standstill() { format!("waiting: {text}") } else { format!("held by: {text}") })
}

/// What held.
pub(super) fn past(held: &Held) -> String {
    match &held.hold {
        Hold::Down { host, kind, .. } => format!("{host}, which did not answer ({})", why(*kind)),
        Hold::Pause { host, .. } => {
            format!("{} that {host} asked for", numbers::counted(held.times.into(), "pause"))
        }
        Hold::Server { host, failing: None } => format!("{host}, which answered more at once no faster"),
        Hold::Server { host, failing: Some((_, kind)) } => {
            format!("{host}, which failed part of the requests ({})", why(*kind))
        }
        Hold::BackOff { .. } => "the time between attempts".to_owned(),
        hold => text(hold, 0),
    }
}

/// A quota that will not do.
pub(super) fn quota(quota: &QuotaLeft) -> String {
    format!(
        "quota: {} of {} left at {}; then it pauses, and there is a new one {}",
        numbers::count(quota.left),
        numbers::count(quota.of),
        quota.name,
        numbers::when(quota.renews_at),
    )
}

fn time(held: &Held) -> String {
    numbers::duration(Duration::try_from_secs_f64(held.seconds).unwrap_or_default())
}

fn text(hold: &Hold, second: u64) -> String {
    let left = |until: u64| numbers::duration(Duration::from_secs(until.saturating_sub(second)));
    match hold {
        Hold::Down { host, kind, until: Some(until) } => {
            format!("{host} does not answer ({}); given up in {}", why(*kind), left(*until))
        }
        Hold::Down { host, kind, until: None } => format!("{host} does not answer ({})", why(*kind)),
        Hold::Pause { host, until } => format!("{host} asks for a pause; asked again in {}", left(*until)),
        Hold::Quota { until } => {
            format!("a quota is used up; there is a new one {}", numbers::when(*until))
        }
        Hold::Token { name } => format!("the access token of [auth.{name}]"),
        Hold::BackOff { kind } => format!("requests that failed ({}) are sent again soon", why(*kind)),
        Hold::Limit { name, allows } => format!("the limit {allows} of {name}"),
        Hold::Cpu => "the CPU of this machine".to_owned(),
        Hold::Server { host, failing: None } => format!("{host}, which answers more at once no faster"),
        Hold::Server { host, failing: Some((share, kind)) } => {
            format!("{host}, which fails {share} % of the requests ({})", why(*kind))
        }
        Hold::InFlight { most } => format!("in_flight ({} in each process)", numbers::count(*most as u64)),
    }
}

/// How a host does not answer.
fn why(kind: Kind) -> &'static str {
    match kind {
        Kind::Dns => "its name is not found",
        Kind::Connect => "no connection",
        Kind::Tls => "no TLS connection",
        Kind::Timeout => "no answer in time",
        Kind::Reset => "connections break",
        Kind::Status => "429 or 5xx",
        _ => "no answer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::progress::tests::pulse;

    fn line(hold: Hold, times: u32, seconds: f64) -> String {
        let holds = vec![Held { hold: hold.clone(), times, seconds }];
        now(&Pulse { hold: Some(hold), holds, ..pulse() }, 100).unwrap()
    }

    fn after(hold: Hold, times: u32, seconds: f64) -> String {
        let held = Held { hold, times, seconds };
        format!("{}, {}", past(&held), time(&held))
    }

    #[test]
    fn pauses_are_counted() {
        let pause = Hold::Pause { host: "a.example:443".into(), until: 109 };
        assert_eq!(
            line(pause.clone(), 2, 13.0),
            "waiting: a.example:443 asks for a pause; asked again in 9.0 s (2 pauses, 13 s in all)"
        );
        assert_eq!(after(pause, 2, 20.0), "2 pauses that a.example:443 asked for, 20 s");
    }

    #[test]
    fn a_server_that_fails_part_of_the_requests_is_told_with_how_many() {
        let server = |failing| Hold::Server { host: "a.example:80".into(), failing };
        assert_eq!(line(server(None), 1, 1.0), "held by: a.example:80, which answers more at once no faster");
        let failing = server(Some((7, Kind::Status)));
        assert_eq!(
            line(failing, 1, 1.0),
            "held by: a.example:80, which fails 7 % of the requests (429 or 5xx)"
        );
        assert_eq!(after(server(None), 1, 61.0), "a.example:80, which answered more at once no faster, 61 s");
    }

    #[test]
    fn a_host_that_does_not_answer_is_named_with_the_reason_and_the_end_of_patience() {
        let down = |until| Hold::Down { host: "a.example:80".into(), kind: Kind::Connect, until };
        let told = "waiting: a.example:80 does not answer (no connection); given up in 4 min 48 s";
        assert_eq!(line(down(Some(388)), 1, 1.0), told);
        assert!(line(down(None), 1, 1.0).ends_with("(no connection)"));
        assert_eq!(after(down(None), 1, 20.0), "a.example:80, which did not answer (no connection), 20 s");
    }
}
