//! Says which commit a release was built from. Builds for development do not: each commit would
//! compile everything again.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let mut version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed=../../.git/HEAD");
        println!("cargo:rerun-if-changed=../../.git/refs/heads");
        // a source archive has no history, and a machine may have no git: then it is the version alone
        let git = Command::new("git")
            .args(["log", "-1", "--format=%h %cs"])
            .output();
        if let Ok(said) = git
            && said.status.success()
            && let Ok(commit) = String::from_utf8(said.stdout)
        {
            version = format!("{version} ({})", commit.trim());
        }
    }
    println!("cargo:rustc-env=FLINKLAB_VERSION={version}");
}
