//! A destination of files, looked over before anything is asked of anyone.

use std::fs;

use super::folder::divisions_above;
use super::standing::Standing;
use super::{FilePlace, Format};
use crate::job::{Job, Mode};
use crate::merge::aside::{Aside, check_folder, for_moments, parent};
use crate::merge::columns::Output;
use crate::merge::target::Target;
use crate::merge::{MergeError, database};
use crate::os::exchange;
use crate::value::Type;

/// Whether the job's columns can be published there, as far as can be known before: those that a file which is there is to
/// gain; `None` where there is none.
pub(in crate::merge) fn check(
    job: &Job,
    file: &FilePlace,
    columns: &[Output],
) -> Result<Option<Vec<String>>, MergeError> {
    refuse(job, file, columns)?;
    let standing = Standing::find(file)?;
    check_folder(&file.path, "windrow writes the new file beside the old one, then renames it")?;
    Aside::check(&file.path)?;
    let Some(standing) = standing else { return Ok(file.path.exists().then(Vec::new)) };
    if let Format::Folder(_) = file.format {
        check_exchange(file)?;
    }
    standing.check(job, columns)?;
    let failed = |error| file.failed(&error);
    let scratch = database::new_in_memory().map_err(failed)?;
    standing.memory(&scratch)?;
    let target = Target::find(&scratch, job).map_err(failed)?;
    standing.make_table(&scratch, &target, columns)?;
    let target = Target::find(&scratch, job).map_err(failed)?;
    target.check(&scratch, &file.path, job, columns).map_err(|error| file.told(error))?;
    Ok(Some(standing.new_columns(job, &target, columns)))
}

/// Refuses what no file can do.
pub(super) fn refuse(job: &Job, file: &FilePlace, columns: &[Output]) -> Result<(), MergeError> {
    if job.table.mode == Mode::Append {
        return Err(MergeError::Append { place: file.shown.clone() });
    }
    let Format::Folder(by) = &file.format else {
        return if file.shown.ends_with('/') {
            Err(file.misfit(vec!["it is to be a folder, and the job has no partition_by".into()]))
        } else {
            Ok(())
        };
    };
    let mut problems = Vec::new();
    for name in by {
        match columns.iter().find(|column| &column.name == name) {
            None => problems.push(format!("partition_by names {name:?}, which is not one of its columns")),
            Some(Output { ty: Some(Type::Json | Type::Double | Type::Blob), .. }) => {
                problems.push(format!("partition_by names {name:?}, whose values make no names of folders"));
            }
            Some(_) => {}
        }
    }
    if columns.iter().all(|column| by.contains(&column.name)) {
        problems.push("partition_by names all columns: none is left for the files".into());
    }
    if let Some(above) = divisions_above(&file.path) {
        problems.push(format!(
            "it lies in a folder {above:?}, which readers of partitioned files take for a column of theirs"
        ));
    }
    if problems.is_empty() { Ok(()) } else { Err(file.misfit(problems)) }
}

/// Two folders can change places beside this one.
fn check_exchange(file: &FilePlace) -> Result<(), MergeError> {
    let exchanged = for_moments(parent(&file.path)).and_then(|made| {
        let (one, other) = (made.path().join("one"), made.path().join("other"));
        fs::create_dir(&one).and_then(|()| fs::create_dir(&other)).and_then(|()| exchange(&one, &other))
    });
    exchanged.map_err(|error| MergeError::Disk {
        path: file.path.display().to_string(),
        message: format!("two folders cannot change places there: {error}"),
        hint: "publish into one file, without partition_by, or into a folder of another disk",
    })
}
