//! The services that `docs/serving-for-weeks.md` and `docs/schedule.md` hand out.

use std::process::Command;

const SERVICE: &str = include_str!("../../docs/windrow-serve.service");
const SOCKET: &str = include_str!("../../docs/windrow-serve.socket");

const JOB: &str = include_str!("../../docs/windrow@.service");
const TIMER: &str = include_str!("../../docs/windrow@.timer");

/// Units that systemd takes, with this program in them.
#[test]
fn systemd_takes_the_service_and_its_socket() {
    verify([("windrow-serve.service", SERVICE), ("windrow-serve.socket", SOCKET)]);
}

#[test]
fn systemd_takes_the_job_of_the_night_and_its_timer() {
    verify([("windrow@prices.service", JOB), ("windrow@prices.timer", TIMER)]);
    // What repeating cannot mend is not repeated; a quota and a signal are no failures.
    for line in ["Type=oneshot", "RestartPreventExitStatus=1 2 3 6", "SuccessExitStatus=7 129 130 143"] {
        assert!(JOB.lines().any(|of| of == line), "{line}");
    }
    assert!(TIMER.lines().any(|line| line == "Persistent=true"), "a night that was missed is made up for");
}

#[track_caller]
fn verify(units: [(&str, &str); 2]) {
    let folder = tempfile::tempdir().unwrap();
    let files = units.map(|(name, text)| {
        let file = folder.path().join(name);
        std::fs::write(&file, text.replace("/usr/local/bin/windrow", env!("CARGO_BIN_EXE_windrow"))).unwrap();
        file
    });
    let mut verify = Command::new("systemd-analyze");
    let told = verify.arg("verify").args(files).output().expect("`make test-needs` installs systemd");
    let words = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.status.success() && words.is_empty(), "{words}");
}

/// It is started again over everything but a mistake in a job, also where it hangs, and stops in order.
#[test]
fn the_service_is_one_that_tells_how_it_is() {
    let lines = [
        "Type=notify",
        "WatchdogSec=30",
        "Requires=windrow-serve.socket",
        "Restart=on-failure",
        "RestartPreventExitStatus=2",
        "SuccessExitStatus=129 130 143",
        "KillMode=mixed",
    ];
    for line in lines {
        assert!(SERVICE.lines().any(|of| of == line), "{line}");
    }
    // Where nothing is said of a token, nobody from elsewhere is answered.
    let listens: Vec<&str> = SOCKET.lines().filter(|line| line.starts_with("ListenStream=")).collect();
    assert_eq!(listens, ["ListenStream=127.0.0.1:8480"]);
}
