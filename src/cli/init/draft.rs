//! A job drafted from a request and a list: the id found, secrets hidden, a few ids asked, columns proposed.
//!
//! The file of secrets is written before anybody is asked, the job and the schema that editors read at the end: nothing is
//! written where the request or the list cannot be read.

use std::path::{Component, Path, PathBuf};

use super::super::{env_file_again, say_warning};
use super::{InitArgs, NewJob, place, request};
use crate::draft::{JobDraft, Proposal, RequestDraft, anything, propose};
use crate::handoff::{Event, Exit};
use crate::job::{Job, is_idempotent, toml_text};
use crate::os::{stop_on_signals, tell};
use crate::plan::{PeekedList, PlanError, peek_list};
use crate::report::{Console, counted, init as told};
use crate::runner::{RunnerError, SampledAnswers, Watcher, sample_answers};
use crate::secrets::Secrets;

/// Ids that are asked about.
const SAMPLE: u64 = 20;

pub(super) async fn run(args: InitArgs, file: &NewJob) -> Result<Exit, RunnerError> {
    let command = request::command(&args)?;
    told::left_out(&command);
    let scratch = tempfile::tempdir()?;
    let (path, list) = list(&args, scratch.path()).await?;
    let shown_list = path.display().to_string();
    let method = command.method.clone();
    let is_whole = command.not_understood.is_empty();
    let mut request = RequestDraft::of(command).map_err(|error| RunnerError::Usage(error.to_string()))?;
    place::place(&args, &list, &shown_list, &mut request)?;
    request.hide_secrets(&file.name);
    told::found(&request, &method, &shown_list);
    let mut draft =
        Draft { args: &args, file, list: &list, path: &path, request: &request, on_duplicate: false };
    draft.check(&anything())?;
    let kept = request::keep(&args, &file.name, &request)?;
    told::secrets(&request, kept.file.as_deref());
    told::unread_text(&request);
    let usual = if is_idempotent(&method) && is_whole { SAMPLE } else { 0 };
    let records = args.sample.unwrap_or(usual);
    let sampled = match records {
        0 => None,
        _ => Some(draft.ask(records, &kept.secrets, scratch.path()).await?),
    };
    let mut proposal = match &sampled {
        Some(sampled) => propose(&sampled.samples, &draft.id(), &[]),
        None => Proposal::default(),
    };
    let again = format!("{}_2", draft.id());
    let is_id =
        |value: &str| sampled.iter().flat_map(|sampled| &sampled.samples).any(|sample| sample.id == value);
    // Of the id's name, with an id in it: the answers repeat what was asked.
    proposal.columns.retain(|column| column.name != again || !column.example.as_deref().is_some_and(is_id));
    match &sampled {
        Some(sampled) => told::asked(sampled, &proposal, list.records()),
        None if args.sample.is_none() => told::nobody_asked(&method, is_whole),
        None => {}
    }
    let request = proposal.pages_param.as_ref().map_or(request.clone(), |param| request.without_param(param));
    let text = Draft { request: &request, ..draft }.check(&proposal)?;
    file.write(&text)?;
    let next = format!("windrow check {}{}", file.word(), env_file_again(kept.file.as_deref()));
    told::written(&file.shown(), &next, &proposal);
    Ok(Exit::Done)
}

/// The list, looked into.
async fn list(args: &InitArgs, scratch: &Path) -> Result<(PathBuf, PeekedList), RunnerError> {
    let Some(path) = &args.ids else {
        return Err(RunnerError::Usage(
            "which ids?\nhint: --ids FILE names the list: a .csv, .tsv, .jsonl, .parquet or .txt file"
                .to_owned(),
        ));
    };
    let absolute = std::path::absolute(path)?;
    let text = format!(
        "[job]\nname = \"list\"\n[input]\nfile = {}\n{}id = \"id\"\n[[endpoint]]\nurl = \"http://localhost/{{id}}\"\n\
         columns = {{ x = \".\" }}\n[table]\nto = \"duckdb:x.duckdb\"\n",
        toml_text(&absolute.display().to_string()),
        format_of(path).map_or_else(String::new, |format| format!("format = \"{format}\"\n")),
    );
    let job = Job::parse(text, Path::new("/list.toml"))?;
    let list = peek_list(&job, scratch).await?;
    Ok((path.clone(), list))
}

/// The format of a list whose name does not tell it: one id a line.
fn format_of(path: &Path) -> Option<&'static str> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let is_known =
        [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".txt"].iter().any(|end| name.ends_with(end));
    (!is_known).then_some("lines")
}

/// What the job is written from.
struct Draft<'a> {
    args: &'a InitArgs,
    file: &'a NewJob,
    list: &'a PeekedList,
    path: &'a Path,
    request: &'a RequestDraft,
    /// Whether the list has ids that come twice.
    on_duplicate: bool,
}

impl Draft<'_> {
    fn id(&self) -> String {
        self.request.found().map(|found| found.column.clone()).unwrap_or_default()
    }

    /// The job file, which is valid.
    fn check(&self, proposal: &Proposal) -> Result<String, RunnerError> {
        let text = self.text(proposal)?;
        Job::parse(text.clone(), &std::path::absolute(&self.file.path)?)?;
        Ok(text)
    }

    fn text(&self, proposal: &Proposal) -> Result<String, RunnerError> {
        let folder = self.folder()?;
        let list = relative(&std::path::absolute(self.path)?, &folder);
        let to = match &self.args.to {
            Some(to) => to.clone(),
            None => {
                let beside = std::env::current_dir()?.join(format!("{}.duckdb", self.file.name));
                format!("duckdb:{}", relative(&beside, &folder))
            }
        };
        Ok(JobDraft {
            name: self.file.name_in_it(),
            list: &list,
            list_format: format_of(self.path),
            on_duplicate: self.on_duplicate,
            request: self.request,
            proposal,
            to: &to,
            notes: told::notes(self.request),
        }
        .text())
    }

    /// The folder of the job file.
    fn folder(&self) -> Result<PathBuf, RunnerError> {
        let path = std::path::absolute(&self.file.path)?;
        Ok(path.parent().map(Path::to_path_buf).unwrap_or_default())
    }

    /// Asks a few ids.
    async fn ask(
        &mut self,
        records: u64,
        secrets: &Secrets,
        folder: &Path,
    ) -> Result<SampledAnswers, RunnerError> {
        let records = records.min(self.list.records());
        tell!("asking  {records} of {}, one after the other", counted(self.list.records(), "id"));
        let stop = stop_on_signals()?;
        loop {
            let job = Job::parse(self.text(&anything())?, &std::path::absolute(&self.file.path)?)?;
            let told = (&mut Console::default() as &mut dyn Watcher, say_warning as fn(Event));
            match sample_answers(&job, secrets, records, folder, &stop, told).await {
                Err(RunnerError::Plan(PlanError::List(error)))
                    if error.is_duplicate() && !self.on_duplicate =>
                {
                    tell!("windrow: {error}");
                    self.on_duplicate = true;
                }
                other => return other,
            }
        }
    }
}

/// A path as seen from a folder; both are absolute.
fn relative(path: &Path, folder: &Path) -> String {
    let (path, folder) = (plain(path), plain(folder));
    let shared = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    // What lies elsewhere altogether is named from the root.
    if shared <= 1 && folder.components().count() > 1 {
        return path.display().to_string();
    }
    let up = folder.components().skip(shared).map(|_| "..");
    let down =
        path.components().skip(shared).map(|component| component.as_os_str().to_string_lossy().into_owned());
    up.map(str::to_owned).chain(down).collect::<Vec<_>>().join("/")
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_from_the_jobs_folder() {
        let relative = |path, folder| relative(Path::new(path), Path::new(folder));
        assert_eq!(relative("/home/me/ids.csv", "/home/me"), "ids.csv");
        assert_eq!(relative("/home/me/ids.csv", "/home/me/schemas"), "../ids.csv");
        assert_eq!(relative("/home/me/a/ids.csv", "/home/me/b/c"), "../../a/ids.csv");
        assert_eq!(relative("/data/ids.csv", "/home/me/b/c"), "/data/ids.csv");
        assert_eq!(relative("/home/me/./x/../ids.csv", "/home/me"), "ids.csv");
    }

    #[test]
    fn a_list_whose_name_does_not_tell_is_one_of_lines() {
        assert_eq!(format_of(Path::new("ids")), Some("lines"));
        assert_eq!(format_of(Path::new("ids.CSV.gz")), None);
    }
}
