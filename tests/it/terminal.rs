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

    /// Waits for the end; the terminal must be as it was before.
    fn ends_with(&mut self, code: u32) {
        let status = self.child.wait().unwrap();
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

#[test]
fn up_without_docker_fails_on_the_screen_and_the_program_stays() {
    let program = Program::without_docker();
    let mut terminal = Terminal::open(&program, &[]);
    terminal.sees_text("Welcome to flinklab");
    terminal.types("u");
    terminal.sees_text("not running or not reachable");
    terminal.types("q");
    terminal.ends_with(0);
}
