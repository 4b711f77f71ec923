//! The table of Flink's options, and what Flink makes of values, against its published jars: only
//! with FLINKLAB_JARS=1, for it needs Java, Maven and its repository, and takes some minutes.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_tables_are_what_the_published_jars_say() {
    if std::env::var_os("FLINKLAB_JARS").is_none_or(|value| value != "1") {
        eprintln!("did nothing: set FLINKLAB_JARS=1 to fetch Flink's jars with Maven");
        return;
    }
    for program in ["java", "mvn"] {
        if Command::new(program).arg("--version").output().is_err() {
            eprintln!("did nothing: there is no `{program}` here");
            return;
        }
    }
    let options = Path::new(env!("CARGO_MANIFEST_DIR")).join("options");
    let made = tempfile::tempdir().unwrap();
    let jars = Path::new(env!("CARGO_TARGET_TMPDIR")).join("flink-jars");
    let done = Command::new(options.join("make"))
        .args([jars.as_path(), made.path()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    for file in ["options.tsv", "readings.tsv"] {
        let text = |folder: &Path| std::fs::read_to_string(folder.join(file)).unwrap();
        let (ours, theirs) = (text(&options), text(made.path()));
        let differs = ours
            .lines()
            .zip(theirs.lines())
            .find(|(one, other)| one != other);
        assert_eq!(differs, None, "{file}: run crates/lab/options/make");
        assert_eq!(
            ours.len(),
            theirs.len(),
            "{file}: run crates/lab/options/make"
        );
    }
}
