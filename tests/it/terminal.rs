//! The binary in a pseudo terminal, as a person runs it: keys go in, a screen comes out. Waits for
//! what is on the screen, never for a time.

use crate::program::Program;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long anything may take to come to the screen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal with the program in it.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    input: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<(Mutex<vt100::Parser>, Condvar)>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn cells(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

impl Terminal {
    /// Starts the program in a terminal of the design size.
    pub(crate) fn open(program: &Program, arguments: &[&str]) -> Self {
        let pair = native_pty_system().openpty(size(80, 24)).unwrap();
        let sealed = program.command(arguments);
        let mut command = CommandBuilder::new(sealed.get_program());
        command.env_clear();
        command.args(sealed.get_args());
        for (name, value) in sealed.get_envs() {
            command.env(name, value.unwrap());
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let parser = vt100::Parser::new(cells(24), cells(80), 0);
        let screen = Arc::new((Mutex::new(parser), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let seen = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                seen.0.lock().unwrap().process(&bytes[..count]);
                seen.1.notify_all();
            }
        });
        Self {
            input: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            screen,
        }
    }

    /// Waits until the screen is as wanted; shows it if that never comes.
    pub(crate) fn sees(&self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut parser = self.screen.0.lock().unwrap();
        while !wanted(parser.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "never saw {what}:\n{}",
                parser.screen().contents()
            );
            parser = self.screen.1.wait_timeout(parser, left).unwrap().0;
        }
    }

    pub(crate) fn sees_text(&self, text: &str) {
        self.sees(text, |screen| screen.contents().contains(text));
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        let mut parser = self.screen.0.lock().unwrap();
        parser.set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits until the operating system says that the program is stopped.
    fn stopped(&self) {
        let pid = self.child.process_id().unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            let state = stat.rsplit_once(") ").unwrap().1.chars().next();
            if state == Some('T') {
                return;
            }
            assert!(Instant::now() < until, "never stopped: {stat}");
            std::thread::yield_now();
        }
    }

    /// The terminal is closed, as by the end of a connection.
    fn hang_up(&mut self) {
        let pair = native_pty_system().openpty(size(80, 24)).unwrap();
        self.master = pair.master;
        self.input = Box::new(std::io::sink());
        self.signal(rustix::process::Signal::HUP);
    }

    /// Waits for the end; the terminal must be as it was before.
    pub(crate) fn ends_with(&mut self, code: u32) {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
                None => {
                    let _ = self.child.kill();
                    let screen = self.screen.0.lock().unwrap();
                    panic!("it goes on:\n{}", screen.screen().contents());
                }
            }
        };
        assert_eq!(status.exit_code(), code);
        self.sees("the terminal given back", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
    }
}

#[test]
fn without_a_lab_it_says_what_it_would_build_and_q_gives_the_terminal_back() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &[]);
    terminal.sees_text("Welcome to flinklab");
    terminal.sees("the alternate screen", vt100::Screen::alternate_screen);
    terminal.types("?");
    terminal.sees_text("Signs and words");
    terminal.types("?");
    terminal.sees_text("Welcome to flinklab");
    terminal.types("q");
    terminal.ends_with(0);
    assert!(!program.home().exists(), "looking makes nothing");
}

#[test]
fn a_smaller_and_a_larger_terminal_are_drawn_anew() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &[]);
    terminal.sees_text("Welcome to flinklab");
    terminal.resize(20, 5);
    terminal.sees("fewer words", |screen| {
        let text = screen.contents();
        !text.trim().is_empty() && !text.contains("Welcome to flinklab")
    });
    terminal.resize(120, 40);
    terminal.sees_text("Welcome to flinklab");
    terminal.types("q");
    terminal.ends_with(0);
}

#[test]
fn signals_give_the_terminal_back() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let program = Program::without_docker();
        let mut terminal = Terminal::open(&program, &[]);
        terminal.sees_text("Welcome to flinklab");
        terminal.signal(signal);
        terminal.ends_with(130);
    }
}

/// The shell gets its terminal by ctrl-z and by a stop signal, and the screen that says this comes
/// back.
fn steps_aside(terminal: &mut Terminal, says: &str) {
    use rustix::process::Signal;
    terminal.sees_text(says);
    for by_key in [true, false] {
        if by_key {
            terminal.types("\u{1a}")
        } else {
            terminal.signal(Signal::TSTP)
        }
        terminal.sees("the terminal given back", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        terminal.stopped();
        terminal.signal(Signal::CONT);
        terminal.sees("the screen again", |screen| {
            screen.alternate_screen() && screen.contents().contains(says)
        });
    }
}

#[test]
fn the_shell_gets_its_terminal_at_ctrl_z_and_a_stop_signal_and_gives_it_back() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &[]);
    steps_aside(&mut terminal, "Welcome to flinklab");
    // It still listens.
    terminal.types("?");
    terminal.sees_text("Signs and words");
    terminal.types("q");
    terminal.ends_with(0);
}

#[test]
fn a_replay_steps_aside_for_the_shell_too() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &["replay", "--demo"]);
    steps_aside(&mut terminal, "RECORDING");
    terminal.types("?");
    terminal.sees_text("while a recording plays");
    terminal.types("q");
    terminal.ends_with(0);
}

#[test]
fn a_panic_of_the_loop_gives_the_terminal_back_before_it_is_told_and_kept() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &["--panic-in", "loop"]);
    terminal.sees_text("Welcome to flinklab");
    terminal.types("j");
    terminal.ends_with(4);
    terminal.sees_text("the loop panics on purpose");
    let kept = std::fs::read_to_string(program.home().join("crash.log")).unwrap();
    assert!(kept.contains("the loop panics on purpose"), "{kept}");
    assert!(kept.contains("src/app/tui.rs:"), "{kept}");
}

#[test]
fn a_panic_while_a_simulated_lab_is_tried_is_kept_where_it_stays() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &["--panic-in", "loop", "try"]);
    terminal.sees_text("SIMULATED");
    terminal.types("j");
    terminal.ends_with(4);
    terminal.sees_text("the loop panics on purpose");
    let kept = std::fs::read_to_string(program.home().join("crash.log")).unwrap();
    assert!(kept.contains("the loop panics on purpose"), "{kept}");
}

#[test]
fn a_recording_goes_on_after_the_demo_was_looked_at() {
    let program = Program::without_docker();
    let tape = program.user_home().join("a.flinklab.gz");
    let mut terminal = Terminal::open(&program, &["--record", tape.to_str().unwrap()]);
    terminal.sees_text("Welcome to flinklab");
    terminal.types("d");
    terminal.sees_text("RECORDING");
    terminal.types("q");
    terminal.sees_text("Welcome to flinklab");
    terminal.types("?");
    terminal.sees_text("Signs and words");
    terminal.types("q");
    terminal.ends_with(0);
    let told = program.run(&["replay", tape.to_str().unwrap(), "--plain"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    assert_eq!(
        told.out.matches("There is no lab yet.").count(),
        2,
        "{}",
        told.out
    );
}

#[test]
fn a_panic_of_a_task_leaves_the_screen_alone_and_is_told_at_the_end() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &["--panic-in", "task"]);
    terminal.sees_text("A part of flinklab failed");
    terminal.types("?");
    terminal.sees_text("Signs and words");
    terminal.types("q");
    terminal.ends_with(0);
    terminal.sees_text("a task panics on purpose");
    assert!(program.home().join("crash.log").exists());
}

#[test]
fn a_terminal_that_goes_away_ends_the_program() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &[]);
    terminal.sees_text("Welcome to flinklab");
    terminal.hang_up();
    let until = Instant::now() + PATIENCE;
    while terminal.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "it goes on without a terminal");
        std::thread::yield_now();
    }
}

#[test]
fn settings_change_theme_and_keys_and_a_wrong_word_is_told_before_anything_begins() {
    let program = Program::without_docker();
    let file = program.user_home().join("config.toml");
    let file = file.to_str().unwrap();
    std::fs::write(file, "ascii = true\n[keys.everywhere]\nhelp = \"H\"\n").unwrap();
    let mut terminal = Terminal::open(&program, &["--config", file]);
    terminal.sees_text("Welcome to flinklab");
    terminal.types("H");
    terminal.sees_text("Signs and words");
    terminal.sees("no line that is drawn", |screen| {
        !screen.contents().contains('│')
    });
    terminal.types("q");
    terminal.ends_with(0);
    for (text, told) in [
        (
            "[keys.everywhere]\nhelp = \"q\"\n",
            "config.toml:2:1: Two actions on one key",
        ),
        ("theme = \"pink\"\n", "config.toml:1:9: `pink` is no theme"),
        (
            "[keys.everywhere]\nhlp = \"H\"\n",
            "config.toml:2:1: `hlp` is no action",
        ),
    ] {
        std::fs::write(file, text).unwrap();
        let ended = program.run(&["--config", file, "status"]);
        assert_eq!(ended.code, 2, "{}", ended.err);
        assert!(ended.err.contains(told), "{}", ended.err);
    }
    let missing = program.run(&["--config", "/nonexistent/config.toml", "status"]);
    assert_eq!(missing.code, 2, "{}", missing.err);
    // The flag comes before the file.
    std::fs::write(file, "theme = \"pink\"\n").unwrap();
    assert_eq!(
        program
            .run(&["--config", file, "--theme", "mono", "status"])
            .code,
        3
    );
}

#[test]
fn up_without_docker_fails_on_the_screen_and_the_program_stays() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &[]);
    terminal.sees_text("Welcome to flinklab");
    terminal.types("u");
    terminal.sees_text("tries again and does only");
    terminal.sees_text("not running or not reachable");
    terminal.types("q");
    terminal.ends_with(0);
}
