//! Every command that the program advises: it stands in an `advice!` or is made by an `Invocation`,
//! so it names the lab; clap takes it; and it leads back to the lab that it is about.

use crate::program::Program;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use flinklab::cli::Cli;
use flinklab_base::advice::{Advice, Invocation, READ_A_DEFINITION, begins_with};
use flinklab_base::fault::Fault;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A sentence about the lab of the tests that run in process.
pub(crate) fn said(advice: &Advice) -> String {
    Invocation::named("sim").advise(advice)
}

/// What a fault of that lab advises.
pub(crate) fn hint(fault: &Fault) -> String {
    said(&fault.hint)
}

/// What is a title and no command.
const TITLES: &[&str] = &["# flinklab report\n\n{}\n"];

/// A string literal of a source: its line, the code right before it, and what it says.
struct Literal {
    line: usize,
    before: String,
    says: String,
}

/// Where the module of tests begins, or the end.
fn tests_of(source: &str) -> usize {
    let is_module = |at: &usize| {
        let lines = source[*at + 1..].lines();
        let mut lines = lines.skip_while(|line| line.starts_with("#["));
        lines.next().is_some_and(|line| line.ends_with('{'))
    };
    let mut marks = source.match_indices("\n#[cfg(test)]\n").map(|(at, _)| at);
    marks.find(is_module).unwrap_or(source.len())
}

/// The string literals of a source, without those of its tests.
fn literals(source: &str) -> Vec<Literal> {
    let source = &source[..tests_of(source)];
    let mut found = Vec::new();
    let mut code = String::new();
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        let here = source.len() - rest.len();
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if letter == '\'' {
            // a letter in quotes, or a lifetime
            match (rest[1..].starts_with('\\'), rest[1..].chars().nth(1)) {
                (true, _) => 4 + rest[3..].find('\'').unwrap(),
                (false, Some('\'')) => 2 + rest[1..].chars().next().unwrap().len_utf8(),
                (false, _) => 1,
            }
        } else if letter == '"' {
            let hashes = code.len() - code.trim_end_matches('#').len();
            let is_raw = code.trim_end_matches('#').ends_with('r');
            let end = if is_raw {
                rest[1..]
                    .find(&format!("\"{}", "#".repeat(hashes)))
                    .unwrap()
            } else {
                end_of(&rest[1..])
            };
            let says = &rest[1..=end];
            found.push(Literal {
                line: source[..here].lines().count(),
                before: code.chars().filter(|it| !it.is_whitespace()).collect(),
                says: if is_raw {
                    says.to_owned()
                } else {
                    unescaped(says)
                },
            });
            code.clear();
            end + 2
        } else {
            code.push(letter);
            letter.len_utf8()
        };
        rest = &rest[skip..];
    }
    found
}

/// Where a literal ends.
fn end_of(text: &str) -> usize {
    let mut escaped = false;
    let end = text.find(|letter| {
        let ends = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        ends
    });
    end.unwrap()
}

/// A literal without its escapes.
fn unescaped(literal: &str) -> String {
    let mut said = String::new();
    let mut letters = literal.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('\n') => while letters.next_if(|it| it.is_whitespace()).is_some() {},
                Some('n') => said.push('\n'),
                Some(other) => said.push(other),
                None => {}
            },
            other => said.push(other),
        }
    }
    said
}

/// Every file below a folder of the repository.
fn files(folder: &str, ends: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(ends)
                && !name.ends_with("tests.rs")
                && !name.contains("/tests/")
            {
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// What of a text names a command of flinklab, wherever it stands.
fn commands(text: &str) -> Vec<&str> {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let root = Cli::command();
        let all = root.get_subcommands();
        all.map(|it| it.get_name().to_owned()).collect()
    });
    let named = |rest: &str| {
        let word = rest.split(|it: char| !it.is_ascii_alphanumeric() && it != '-');
        let word = word.into_iter().next().unwrap_or_default();
        word != "--help" && word.starts_with("--") || NAMES.iter().any(|it| it == word)
    };
    let all = text.match_indices("flinklab").map(|(at, _)| &text[at..]);
    all.filter(|it| {
        let rest = &it["flinklab".len()..];
        rest.starts_with('`') || rest.strip_prefix(' ').is_some_and(named)
    })
    .collect()
}

/// The commands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    let parts = text.split('`').skip(1).step_by(2);
    parts
        .filter(|part| *part == "flinklab" || part.starts_with("flinklab "))
        .collect()
}

/// Why clap does not take a command as a person would type it, if it does not.
fn wrong(command: &str) -> Option<String> {
    let taken = |value: &str| {
        let mut words = String::new();
        let mut rest = command;
        while let Some((before, after)) = rest.split_once('{') {
            words.push_str(before);
            words.push_str(value);
            rest = after.split_once('}').map_or("", |(_, after)| after);
        }
        words.push_str(rest);
        let words = words.replace("--name NAME", "--name name");
        match Cli::try_parse_from(words.split_whitespace()) {
            // a sentence may name a command without what it takes
            Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => Err(error),
            _ => Ok(()),
        }
    };
    // what is filled in may be a name, a number or something to do with the job
    taken("1")
        .or_else(|_| taken("stop"))
        .err()
        .map(|it| it.to_string())
}

#[test]
fn no_sentence_names_a_command_that_is_not_advice() {
    let mut faults = String::new();
    let mut seen = 0;
    let program = files("src", ".rs").into_iter();
    for (file, text) in program.chain(files("crates", ".rs")) {
        for literal in literals(&text) {
            let says = &literal.says;
            let at = format!("{file}:{}", literal.line);
            if literal.before.ends_with("advice!(") {
                let quoted = quoted(says);
                if quoted.len() != commands(says).len() {
                    let _ = writeln!(faults, "{at}: a command without backticks: {says}");
                }
                for command in quoted {
                    seen += 1;
                    if let Some(why) = wrong(command) {
                        let _ = writeln!(faults, "{at}: {command}: {why}");
                    }
                }
            } else if [".command(", ".command(&format!("]
                .iter()
                .any(|call| literal.before.ends_with(call))
            {
                seen += 1;
                if let Some(why) = wrong(&format!("flinklab {says}")) {
                    let _ = writeln!(faults, "{at}: {says}: {why}");
                }
            } else if !commands(says).is_empty() && !TITLES.contains(&says.as_str()) {
                let _ = writeln!(faults, "{at}: a command that is not advice: {says}");
            }
        }
    }
    assert!(seen > 100, "{seen} commands were found");
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn lessons_name_commands_that_there_are() {
    let mut faults = String::new();
    for (file, text) in files("lab", ".yaml") {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for command in quoted(&text) {
            if let Some(why) = wrong(command) {
                let _ = writeln!(faults, "{file}: {command}: {why}");
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn literals_are_read_as_the_compiler_does() {
    let source = "let a = f('\"', b'\\'', \"a \\\"b\\\" \\\n   c\"); // \"no\"\nlet b: &'a str = r#\"d\"e\"#;\n#[cfg(test)]\nmod tests {\n\"no\"";
    let all: Vec<String> = literals(source).into_iter().map(|it| it.says).collect();
    assert_eq!(all, ["a \"b\" c", "d\"e"]);
    assert_eq!(
        commands("flinklab is up; flinklab up, `flinklab`, flinklab-up, flinklab --help").len(),
        2
    );
}

/// Whatever characters a folder has, a shell gives it back as it was, and clap the lab.
#[test]
fn every_command_of_the_program_leads_back_to_the_same_lab() {
    let mine = Invocation {
        name: "mine".to_owned(),
        lab: Some("/srv/it's `a` $lab".to_owned()),
        home: Some("/home/ä \"b\" \\ c".into()),
    };
    let mut commands = vec![Vec::new()];
    let root = Cli::command();
    for one in root.get_subcommands() {
        let below: Vec<_> = one.get_subcommands().collect();
        if below.is_empty() {
            commands.push(vec![one]);
        }
        commands.extend(below.into_iter().map(|below| vec![one, below]));
    }
    let mut about_no_lab = Vec::new();
    for path in commands {
        let mut words: Vec<&str> = path.iter().map(|one| one.get_name()).collect();
        let required = path.iter().flat_map(|one| one.get_arguments());
        for argument in required.filter(|it| it.is_required_set()) {
            match argument.get_long() {
                Some("labs") => words.extend(["--labs", "default,article"]),
                Some(long) => panic!("{words:?} --{long}"),
                None if argument.get_id() == "shell" => words.push("bash"),
                None => words.push("jm-crash"),
            }
        }
        if words == ["replay"] {
            words.push("jm-crash-1");
        }
        let line = mine.command(&words.join(" "));
        let split = shlex::split(&line).unwrap();
        let cli = Cli::try_parse_from(&split).unwrap_or_else(|error| panic!("{line}: {error}"));
        if words == ["try"] {
            continue; // all that follows is another command line
        }
        assert_eq!(cli.global.home, mine.home, "{line}");
        match cli.global.name.as_str() {
            "mine" => {}
            _ => about_no_lab.push(words.join(" ")),
        }
        if READ_A_DEFINITION
            .iter()
            .any(|it| begins_with(&words.join(" "), it))
        {
            assert_eq!(cli.global.lab, mine.lab, "{line}");
        }
    }
    // each of these takes what it is about as an argument, or is about none
    assert_eq!(
        about_no_lab,
        [
            "compare jm-crash --labs default,article",
            "labs",
            "lab export jm-crash jm-crash",
            "lab check jm-crash",
            "bundle load jm-crash",
            "keys",
            "man",
            "completions bash",
        ]
    );
}

/// Every sentence that the program prints about a lab of another name and place leads there: here
/// those of commands that find no lab, or one that is only begun.
#[test]
fn what_the_program_prints_leads_to_the_lab_that_it_was_asked_about() {
    let program = Program::without_docker();
    let home = program.user_home().join("it's here");
    let home = home.to_str().unwrap();
    let last = format!("--home {}", flinklab_base::shell::word(home));
    let mut seen = Vec::new();
    for arguments in [
        vec!["status"],
        vec!["up"],
        vec!["heal"],
        vec!["stop"],
        vec!["down"],
        vec!["job", "list"],
        vec!["job", "stop"],
        vec!["runs"],
        vec!["report"],
        vec!["kubeconfig"],
        vec!["lesson"],
        vec!["lesson", "none"],
        vec!["lesson", "1-lease"],
        vec!["break", "jm-crash"],
        vec!["failures"],
        vec!["notes"],
        vec!["replay", "no-run"],
        vec!["doctor"],
    ] {
        let mine = ["--name", "mine", "--home", home];
        let mut ended = program.run(&[&arguments[..], &mine].concat());
        ended.out.push_str(&ended.err);
        let printed = ended.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for command in commands(&printed) {
            // to the home, which comes last, and must
            let end = command
                .find(&last)
                .map_or(command.len(), |at| at + last.len());
            let words = shlex::split(&command[..end]).unwrap_or_default();
            let Ok(cli) = Cli::try_parse_from(&words) else {
                panic!("{arguments:?}: {words:?} in {printed}");
            };
            assert_eq!(cli.global.name, "mine", "{arguments:?}: {words:?}");
            let led = cli.global.home.unwrap_or_default();
            assert_eq!(led.to_str(), Some(home), "{arguments:?}: {words:?}");
            seen.push(words[1].clone());
        }
    }
    for command in ["up", "lesson", "break", "doctor"] {
        assert!(seen.iter().any(|it| it == command), "{command}: {seen:?}");
    }
}
