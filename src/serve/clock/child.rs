//! One run of a job: `windrow run` as a process of its own.
//!
//! Promises: it is in a group of its own, so that a terminal's Ctrl-C is this process's affair; it is asked to end as soon as
//! this process is, killed when this process is asked again, and dies with it however that dies. What it writes to standard
//! error is passed on by lines that name the job, in pieces where a line has no end.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::handoff::Exit;
use crate::os::{Stop, ask_to_end, dies_with_us, kill_group, tell};

/// Bytes of a line that are passed on together.
const LONGEST: u64 = 4 << 10;

/// How long what it wrote is read after its end: something that it started may hold its standard error open.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What is started.
#[derive(Debug, Clone)]
pub(super) struct RunCommand {
    /// The program, windrow itself.
    pub program: PathBuf,
    /// The job's name, before each line.
    pub name: String,
    /// Its file.
    pub job: PathBuf,
    /// The folder of all runs.
    pub root: PathBuf,
    /// A file of secrets.
    pub env_file: Option<PathBuf>,
}

/// How a run's process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunEnded {
    /// None: it crashed, or could not be started.
    pub exit: Option<Exit>,
    /// What it said last, hints aside; of a crash how that was.
    pub said: Option<String>,
}

impl RunCommand {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("run").arg(&self.job).arg("--runs").arg(&self.root);
        command.args(["--quiet", "--progress", "none"]);
        if let Some(file) = &self.env_file {
            command.arg("--env-file").arg(file);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }

    /// Runs the job, and gives how that ended.
    pub(super) async fn run(&self, stop: &watch::Receiver<Stop>) -> RunEnded {
        let mut command = self.command();
        let mut child = match dies_with_us(&mut command).spawn() {
            Ok(child) => child,
            Err(error) => {
                let said = format!("{} cannot be started: {error}", self.program.display());
                return RunEnded { exit: None, said: Some(said) };
            }
        };
        let reading = child.stderr.take().map(|stderr| tokio::spawn(pass_on(self.name.clone(), stderr)));
        let status = ended(&mut child, stop.clone()).await;
        let said = match reading {
            Some(mut reading) => match tokio::time::timeout(LAST_WORDS, &mut reading).await {
                Ok(said) => said.ok().flatten(),
                Err(_) => {
                    reading.abort();
                    None
                }
            },
            None => None,
        };
        match status {
            Ok(status) => match status.code().and_then(Exit::from_code) {
                Some(exit) => RunEnded { exit: Some(exit), said },
                None => RunEnded {
                    exit: None,
                    said: Some(said.map_or(status.to_string(), |said| format!("{status}: {said}"))),
                },
            },
            Err(error) => RunEnded { exit: None, said: Some(error.to_string()) },
        }
    }
}

/// Waits for a child's end, and passes on what this process is asked.
async fn ended(
    child: &mut Child,
    mut stop: watch::Receiver<Stop>,
) -> std::io::Result<std::process::ExitStatus> {
    let leader = child.id();
    let mut asked = Stop::No;
    loop {
        let now = *stop.borrow_and_update();
        match (asked, now) {
            (Stop::No, Stop::Drain(_)) => ask_to_end(leader),
            (Stop::No | Stop::Drain(_), Stop::Now(_)) => kill_group(leader),
            _ => {}
        }
        asked = now;
        tokio::select! {
            status = child.wait() => return status,
            changed = stop.changed() => if changed.is_err() { return child.wait().await },
        }
    }
}

/// Passes lines on; gives the last that is no hint.
async fn pass_on(name: String, stderr: impl AsyncRead + Unpin) -> Option<String> {
    let mut reader = BufReader::new(stderr);
    let prefix = format!("{name}: ");
    let (mut piece, mut last) = (Vec::new(), None);
    loop {
        piece.clear();
        let read = (&mut reader).take(LONGEST).read_until(b'\n', &mut piece).await;
        if !read.is_ok_and(|read| read > 0) {
            return last;
        }
        let text = String::from_utf8_lossy(&piece);
        let text = text.trim_end();
        // Some of what windrow says begins with the job's name.
        let text = text.strip_prefix(&prefix).unwrap_or(text);
        if text.is_empty() {
            continue;
        }
        tell!("{prefix}{text}");
        if !text.trim_start().starts_with("hint:") {
            last = Some(text.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Instant;

    use super::*;
    use crate::os::is_alive;

    /// A script in the place of windrow, in a folder of its own.
    fn fake(script: &str) -> (tempfile::TempDir, RunCommand) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("windrow");
        std::fs::write(&program, format!("#!/bin/sh\ncd {}\n{script}\n", folder.path().display())).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let command = RunCommand {
            program,
            name: "prices".into(),
            job: "/nowhere/prices.toml".into(),
            root: "/nowhere/shards".into(),
            env_file: Some("/nowhere/.env".into()),
        };
        (folder, command)
    }

    async fn run(script: &str) -> RunEnded {
        fake(script).1.run(&watch::channel(Stop::No).1).await
    }

    async fn until(is: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it did not come to it");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn within(running: tokio::task::JoinHandle<RunEnded>) -> RunEnded {
        tokio::time::timeout(Duration::from_secs(60), running).await.expect("an end").unwrap()
    }

    #[tokio::test]
    async fn a_run_is_the_program_with_the_job_and_its_folder() {
        let (folder, command) = fake("echo \"$*\" > arguments; read line < /dev/stdin || echo none > input");
        let ended = command.run(&watch::channel(Stop::No).1).await;
        assert_eq!(ended, RunEnded { exit: Some(Exit::Done), said: None });
        let told = std::fs::read_to_string(folder.path().join("arguments")).unwrap();
        let expected = "run /nowhere/prices.toml --runs /nowhere/shards --quiet --progress none --env-file /nowhere/.env\n";
        assert_eq!(told, expected);
        assert_eq!(std::fs::read_to_string(folder.path().join("input")).unwrap(), "none\n");
    }

    #[tokio::test]
    async fn its_end_is_told_with_what_it_said_last() {
        let ended =
            run("echo one >&2; echo 'prices: two  ' >&2; echo '  hint: do this' >&2; echo >&2; exit 75")
                .await;
        assert_eq!(ended, RunEnded { exit: Some(Exit::TryAgain), said: Some("two".into()) });
        let crashed = run("echo ouch >&2; kill -SEGV $$").await;
        assert_eq!(crashed.exit, None);
        assert!(crashed.said.unwrap().contains("SIGSEGV"));
        assert_eq!(run("exit 101").await.exit, None);
        let (_folder, command) = fake("");
        let none = RunCommand { program: "/nowhere/windrow".into(), ..command };
        let ended = none.run(&watch::channel(Stop::No).1).await;
        assert_eq!(ended.exit, None);
        assert!(ended.said.unwrap().starts_with("/nowhere/windrow cannot be started: No such file"));
    }

    /// A line without end takes no memory without end, and who holds the pipe open holds nobody up.
    #[tokio::test]
    async fn what_it_writes_is_bounded() {
        let ended = run("head -c 3000000 /dev/zero | tr '\\0' 'x' >&2; sleep 100 & exit 1").await;
        assert_eq!(ended.exit, Some(Exit::Refused));
        let ended = run("head -c 300000 /dev/zero | tr '\\0' 'x' >&2").await;
        assert!(ended.said.unwrap().len() <= LONGEST as usize);
    }

    #[tokio::test]
    async fn it_is_asked_to_end_and_then_killed() {
        let (folder, command) =
            fake("trap 'echo asked > asked; exit 143' TERM; echo $$ > pid; while :; do sleep 0.05; done");
        let (sender, stop) = watch::channel(Stop::No);
        let running = tokio::spawn(async move { command.run(&stop).await });
        let is_there = |name: &str| folder.path().join(name).is_file();
        until(|| is_there("pid")).await;
        sender.send(Stop::Drain(15)).unwrap();
        assert_eq!(within(running).await.exit, Some(Exit::Interrupted(15)));
        assert!(is_there("asked"));

        let (folder, command) = fake("trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done");
        let (sender, stop) = watch::channel(Stop::No);
        let running = tokio::spawn(async move { command.run(&stop).await });
        until(|| folder.path().join("pid").is_file()).await;
        sender.send(Stop::Drain(2)).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!running.is_finished(), "it does not want to");
        sender.send(Stop::Now(2)).unwrap();
        let ended = within(running).await;
        assert_eq!(ended.exit, None);
        assert!(ended.said.unwrap().contains("SIGKILL"));
    }

    /// What [`it_dies_with_this_process`] starts: a process that waits for a run.
    #[tokio::test]
    async fn a_process_that_waits_for_a_run() {
        let Some(program) = std::env::var_os("WINDROW_TEST_PROGRAM") else { return };
        let command = RunCommand { program: program.into(), ..fake("").1 };
        command.run(&watch::channel(Stop::No).1).await;
    }

    #[tokio::test]
    async fn it_dies_with_this_process() {
        let (folder, command) = fake("echo $$ > pid.new; mv pid.new pid; while :; do sleep 0.05; done");
        let mut parent = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "serve::clock::child::tests::a_process_that_waits_for_a_run"])
            .env("WINDROW_TEST_PROGRAM", &command.program)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = folder.path().join("pid");
        until(|| pid.is_file()).await;
        let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        assert!(is_alive(pid));
        parent.kill().unwrap();
        parent.wait().unwrap();
        until(|| !is_alive(pid)).await;
    }

    /// Dropped as by a panic, nothing is left of it.
    #[tokio::test]
    async fn it_does_not_outlive_who_waits_for_it() {
        let (folder, command) = fake("echo $$ > pid.new; mv pid.new pid; while :; do sleep 0.05; done");
        let (_sender, stop) = watch::channel(Stop::No);
        let running = tokio::spawn(async move { command.run(&stop).await });
        let pid = folder.path().join("pid");
        until(|| pid.is_file()).await;
        let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        assert!(is_alive(pid));
        running.abort();
        assert!(running.await.is_err());
        until(|| !is_alive(pid)).await;
    }
}
