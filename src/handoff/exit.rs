//! Exit codes: what a process tells its caller, be it the supervisor, a shell, cron or a cluster's engine.

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
