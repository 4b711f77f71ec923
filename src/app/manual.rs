//! The manual page: the program, and then each of its commands with all that it takes.

use crate::cli::Cli;
use clap::CommandFactory;
use clap_mangen::Man;
use std::io;

/// The page as `man -l -` reads it.
pub(super) fn page() -> io::Result<String> {
    let mut page = Vec::new();
    let program = Cli::command();
    Man::new(program.clone()).render(&mut page)?;
    let mut page = text(page);
    commands(&program, "flinklab", &mut page)?;
    Ok(page)
}

/// The commands below one, each with its own part of the page.
fn commands(parent: &clap::Command, path: &str, page: &mut String) -> io::Result<()> {
    for command in parent.get_subcommands().filter(|one| !one.is_hide_set()) {
        let path = format!("{path} {}", command.get_name());
        page.push_str(&format!(".SH \"{path}\"\n"));
        let named = command.clone().bin_name(path.clone());
        let man = Man::new(named);
        let mut part = Vec::new();
        man.render_description_section(&mut part)?;
        man.render_synopsis_section(&mut part)?;
        if command.get_arguments().next().is_some() {
            man.render_options_section(&mut part)?;
        }
        page.push_str(&beneath(&text(part)));
        commands(command, &path, page)?;
    }
    Ok(())
}

/// Its sections are parts of one now, and what a command is for follows its name at once.
fn beneath(part: &str) -> String {
    let lines = part.lines().filter(|line| *line != ".SH DESCRIPTION");
    let lines = lines.map(|line| match line.strip_prefix(".SH ") {
        Some(title) => format!(".SS {title}\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
