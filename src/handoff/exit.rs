//! Exit codes: what a process tells its caller: the supervisor, a shell, cron, a cluster's engine.

/// What an exit code says, and asks of who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitMeaning {
    /// One code, or several with commas between them.
    pub codes: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What a person, a script or cron does about it.
    pub todo: &'static str,
    /// Whether the same command, started again by itself, would come to nothing better.
    pub is_final: bool,
}

/// How a process of windrow ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: published; for `shard`: every block is committed.
    Done,
    /// 1: finished, but the publish gate refused.
    Refused,
    /// 2: usage or job file, or a refusal that repeating cannot mend.
    Usage,
    /// 3: the job or the run is locked by a living process.
    Locked,
    /// 4: the disk (full, read-only, unreadable).
    Disk,
    /// 5: the database.
    Database,
    /// 6: ledger or digest does not match.
    Integrity,
    /// 7: paused, because a limit on requests or a quota is used up.
    Paused,
    /// 75: worth repeating (`EX_TEMPFAIL` of sysexits.h).
    TryAgain,
    /// 128 + the signal (1, 2 or 15) that interrupted it.
    Interrupted(i32),
}

impl Exit {
    /// Every exit code, for people, and for who starts windrow from a script.
    pub const MEANINGS: [ExitMeaning; 10] = [
        ExitMeaning {
            codes: "0",
            means: "published (`windrow shard`: committed)",
            todo: "nothing",
            is_final: true,
        },
        ExitMeaning {
            codes: "1",
            means: "finished, but the publish gate refused (`windrow check`: an answer does not fit)",
            todo: "see `windrow failures JOB`; then `windrow retry JOB` and `windrow merge JOB`",
            is_final: true,
        },
        ExitMeaning {
            codes: "2",
            means: "usage or job file, a refused secret, or a permanent error",
            todo: "mend what the message names: the same command fails again",
            is_final: true,
        },
        ExitMeaning {
            codes: "3",
            means: "the job or the run is in use by a living process",
            todo: "leave it to that process, or run the command again when it has ended",
            is_final: true,
        },
        ExitMeaning {
            codes: "4",
            means: "the disk",
            todo: "make room, or mend the disk; the same command then goes on",
            is_final: true,
        },
        ExitMeaning {
            codes: "5",
            means: "the database",
            todo: "mend the database, its address or its rights; the same command then publishes",
            is_final: true,
        },
        ExitMeaning {
            codes: "6",
            means: "integrity: a file does not match what was committed",
            todo: "restore the file that is named, or start anew with `windrow run JOB --new`",
            is_final: true,
        },
        ExitMeaning {
            codes: "7",
            means: "paused: a quota, or `--max-requests`, is used up; the next run goes on",
            todo: "run the same command later; `windrow limits` shows when a quota renews",
            is_final: false,
        },
        ExitMeaning {
            codes: "75",
            means: "temporary: a shard is not complete, its server may be down; run it again",
            todo: "run the same command again in some minutes",
            is_final: false,
        },
        ExitMeaning {
            codes: "129, 130, 143",
            means: "interrupted: its terminal was closed (SIGHUP; not under `nohup`), SIGINT, SIGTERM",
            todo: "run the same command again: it goes on with what is committed",
            is_final: false,
        },
    ];

    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Refused => 1,
            Exit::Usage => 2,
            Exit::Locked => 3,
            Exit::Disk => 4,
            Exit::Database => 5,
            Exit::Integrity => 6,
            Exit::Paused => 7,
            Exit::TryAgain => 75,
            Exit::Interrupted(signal) => 128 + (signal & 0x7f) as u8,
        }
    }

    /// What a child's exit code means; `None` for a code that windrow never ends with (a crash).
    pub fn from_code(code: i32) -> Option<Exit> {
        Some(match code {
            0 => Exit::Done,
            1 => Exit::Refused,
            2 => Exit::Usage,
            3 => Exit::Locked,
            4 => Exit::Disk,
            5 => Exit::Database,
            6 => Exit::Integrity,
            7 => Exit::Paused,
            75 => Exit::TryAgain,
            129 => Exit::Interrupted(1),
            130 => Exit::Interrupted(2),
            143 => Exit::Interrupted(15),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_on_the_page_of_schedules_too_and_read_back() {
        let page = include_str!("../../docs/schedule.md");
        let mut codes = Vec::new();
        for ExitMeaning { codes: code, means, .. } in Exit::MEANINGS {
            assert!(page.contains(&format!("| {code} | {means} |")), "{code}");
            codes.extend(code.split(", ").map(|code| code.parse::<u8>().unwrap()));
        }
        for code in 0..=u8::MAX {
            let exit = Exit::from_code(code.into());
            assert_eq!(exit.is_some(), codes.contains(&code), "{code}");
            assert!(exit.is_none_or(|exit| exit.code() == code));
        }
    }
}
