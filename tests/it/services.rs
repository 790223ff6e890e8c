//! The service that `docs/serving.md` hands out.

use std::process::Command;

const SERVICE: &str = include_str!("../../docs/windrow-serve.service");
const SOCKET: &str = include_str!("../../docs/windrow-serve.socket");

/// Units that systemd takes, with this program in them.
#[test]
fn systemd_takes_the_service_and_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let [service, socket] =
        ["windrow-serve.service", "windrow-serve.socket"].map(|name| folder.path().join(name));
    std::fs::write(&service, SERVICE.replace("/usr/local/bin/windrow", env!("CARGO_BIN_EXE_windrow")))
        .unwrap();
    std::fs::write(&socket, SOCKET).unwrap();
    let mut verify = Command::new("systemd-analyze");
    let told =
        verify.arg("verify").args([&service, &socket]).output().expect("`make test-needs` installs systemd");
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
