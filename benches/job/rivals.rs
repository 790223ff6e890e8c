//! Who else asks the same server for the same documents.

use std::fs;
use std::process::Command;

use crate::Outcome;
use crate::site::Site;

/// Seconds that `wrk` asks for.
const SECONDS: u32 = 5;

/// Requests a second of `wrk`: one thread, 64 connections, the documents in turn, their answers thrown away.
pub fn wrk(site: &Site, port: u16) -> Outcome<f64> {
    let script = site.folder.join("wrk.lua");
    let paths = site.paths.display();
    let lua = format!(
        "local requests, at = {{}}, 0\n\
         function init() for path in io.lines('{paths}') do requests[#requests + 1] = wrk.format('GET', path) end end\n\
         function request() at = at % #requests + 1; return requests[at] end\n"
    );
    fs::write(&script, lua)?;
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c64", &format!("-d{SECONDS}s"), "-s"]).arg(&script);
    command.arg(format!("http://127.0.0.1:{port}/"));
    let hint = |error| format!("wrk: {error}\nhint: `make bench-needs` installs it");
    let said = String::from_utf8(command.output().map_err(hint)?.stdout)?;
    let bad = || format!("wrk said:\n{said}");
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(bad().into());
    }
    let rate = said.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    Ok(rate.ok_or_else(bad)?.trim().parse()?)
}

/// Requests a second of a script as people write it; `None` where `python3` lacks what it needs.
pub fn python(site: &Site, port: u16) -> Outcome<Option<f64>> {
    let script = site.folder.join("rival.py");
    fs::write(&script, include_str!("rival.py"))?;
    let mut command = Command::new("python3");
    command.arg(&script).arg(&site.list).arg(format!("http://127.0.0.1:{port}"));
    command.arg(site.folder.join("rival.parquet"));
    let said = match command.output() {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout)?,
        _ => return Ok(None),
    };
    Ok(Some(said.trim().parse()?))
}
