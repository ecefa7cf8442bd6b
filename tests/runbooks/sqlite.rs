//! Hands on the files: what no page would do, to make the incident.

use std::{path::Path, process::Command};

/// Runs SQL with the command line tool, as a hand would. What it printed, without the line's end.
pub(crate) fn sqlite(file: &Path, sql: &str) -> String {
    let done = Command::new("sqlite3")
        .arg(file)
        .arg(sql)
        .output()
        .expect("sqlite3 runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {said}", file.display());
    String::from_utf8_lossy(&done.stdout).trim_end().to_owned()
}

/// The file of the generation that serves, which is the newest unless somebody rolled back.
pub(crate) fn serving(data: &Path, projection: &str) -> std::path::PathBuf {
    let files = std::fs::read_dir(data.join("views")).expect("a folder of views");
    let number = |name: &str| -> Option<u64> {
        let rest = name.strip_prefix(projection)?.strip_prefix('.')?;
        rest.strip_suffix(".sqlite")?.parse().ok()
    };
    files
        .filter_map(|file| {
            let path = file.expect("readable").path();
            Some((number(path.file_name()?.to_str()?)?, path))
        })
        .max()
        .map(|(_, path)| path)
        .unwrap_or_else(|| panic!("no file of {projection}"))
}
