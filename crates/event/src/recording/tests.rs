//! Recordings are written, read again, cut, foreign, newer and hostile.
#![allow(clippy::unwrap_used)]

mod secrets;

use super::reading::{changed, is_plain};
use super::*;
use crate::{Event, LogLine};

fn began() -> Timestamp {
    "2026-11-24T21:00:00Z".parse().unwrap()
}

fn after(ms: i64, event: Event) -> Happening {
    Happening {
        at: began() + SignedDuration::from_millis(ms),
        event,
    }
}

fn written(happenings: &[Happening]) -> String {
    let mut writer = Writer::new(began(), Private::default());
    let lines = happenings.iter().filter_map(|it| writer.line(it));
    Header::new(began(), Some((80, 24)), Origin::Real).line() + &lines.collect::<String>()
}

fn line(pod: &str, text: &str) -> LogLine {
    LogLine {
        at: began(),
        pod: pod.to_owned(),
        text: text.to_owned(),
        highlight: None,
    }
}

#[test]
fn what_is_written_is_read_again() {
    let happenings = [
        after(0, Event::Tick),
        after(1_500, Event::NoLab { name: "x".into() }),
        after(2_000, Event::Log(vec![line("jm", "2026-11-24 INFO hello")])),
    ];
    let read = Recording::read("a", written(&happenings).as_bytes()).unwrap();
    assert_eq!(read.happenings, happenings);
    assert_eq!(read.length(), 2_000_000);
    assert_eq!(read.remarks(), Vec::<String>::new());
}

#[test]
fn a_cut_file_plays_to_its_last_whole_line() {
    let text = written(&[after(0, Event::Tick), after(9, Event::Tick)]);
    let read = Recording::read("a", &text.as_bytes()[..text.len() - 4]).unwrap();
    assert_eq!(read.happenings.len(), 1);
    assert!(read.remarks()[0].contains("not whole"), "{read:?}");
    // a whole line whose break is missing is whole
    let read = Recording::read("a", text.trim_end().as_bytes()).unwrap();
    assert_eq!((read.happenings.len(), read.cut), (2, None));
}

#[test]
fn what_a_newer_program_says_is_passed_over_and_told() {
    let mut text = written(&[after(0, Event::Tick)]);
    text.push_str("{\"us\":5,\"event\":{\"teleported\":{}}}\n{\"us\":6,\"event\":\"tick\"}\n");
    let read = Recording::read("a", text.as_bytes()).unwrap();
    assert_eq!(read.happenings.len(), 2);
    let remark = read.remarks().remove(0);
    assert!(
        remark.contains("line 3") && remark.contains("teleported"),
        "{remark}"
    );
}

#[test]
fn other_files_and_newer_formats_are_refused_with_the_reason() {
    let refused = |text: &str| Recording::read("a", text.as_bytes()).unwrap_err();
    for text in [
        "",
        "\n",
        "PK\u{3}",
        "{}",
        "[1]",
        "{\"flinklab\":\"recording\"}",
    ] {
        assert_eq!(refused(text).code, "no-recording", "{text:?}");
    }
    let newer = written(&[]).replace("\"version\":2", "\"version\":7");
    let fault = refused(&newer);
    assert_eq!(fault.code, "recording-too-new");
    assert!(fault.why.contains("format 7"), "{fault}");
}

#[test]
fn time_never_runs_backwards_and_never_overflows() {
    let text = written(&[])
        + "{\"us\":5000,\"event\":\"tick\"}\n{\"us\":-9,\"event\":\"tick\"}\n"
        + "{\"us\":9223372036854775807,\"event\":\"tick\"}\n";
    let read = Recording::read("a", text.as_bytes()).unwrap();
    let at = |n: usize| read.since(read.happenings[n].at);
    assert_eq!((at(0), at(1), at(2)), (5000, 5000, LONGEST));
}

#[test]
fn escape_sequences_of_a_recording_do_nothing() {
    let hostile = "\u{1b}[2J\u{1b}]52;c;cm0=\u{7}hello\u{9b}1m\u{7f}";
    let text = written(&[after(0, Event::Log(vec![line("jm", hostile)]))]);
    let read = Recording::read("a", text.as_bytes()).unwrap();
    let Event::Log(lines) = &read.happenings[0].event else {
        panic!("a log line")
    };
    assert_eq!(lines[0].text, "[2J]52;c;cm0=hello1m");
}

#[test]
fn a_flood_is_thinned_by_pod_and_second() {
    let many: Vec<LogLine> = (0..1000)
        .map(|n| line("tm", &format!("record {n}")))
        .collect();
    let happenings = [
        after(0, Event::Log(many.clone())),
        after(100, Event::Log(many.clone())),
        after(1_100, Event::Log(many)),
        after(
            1_200,
            Event::Log(vec![line("jm", "2026-11-24 21:00:00 INFO leads")]),
        ),
    ];
    let read = Recording::read("a", written(&happenings).as_bytes()).unwrap();
    let count = |happening: &Happening| match &happening.event {
        Event::Log(lines) => lines.len(),
        _ => 0,
    };
    let counts: Vec<usize> = read.happenings.iter().map(count).collect();
    assert_eq!(counts, [3, 3, 1]);
}

#[test]
fn a_recording_of_the_first_format_is_read() {
    let text = "{\"flinklab\":\"recording\",\"version\":1,\"program\":\"0.1.0\",\
                \"began\":\"2026-11-24T21:00:00Z\"}\n\
                {\"us\":1,\"event\":{\"failures\":[{\"key\":\"jm-crash\",\"title\":\"old words\"}]}}\n";
    let read = Recording::read("a", text.as_bytes()).unwrap();
    let Event::Failures(failures) = &read.happenings[0].event else {
        panic!("failures")
    };
    assert_eq!(
        failures[0],
        *flinklab_lab::failure::find("jm-crash").unwrap()
    );
    assert_eq!(read.remarks(), Vec::<String>::new());
}

#[test]
fn a_line_is_read_the_same_on_the_short_way() {
    let demo = include_bytes!("../../../../assets/demo.flinklab.gz");
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&demo[..]), &mut text).unwrap();
    let lines = text.split(|byte| *byte == b'\n').skip(1);
    let (mut short, mut all) = (0, 0);
    for line in lines.filter(|line| !line.is_empty()) {
        all += 1;
        if is_plain(line) {
            short += 1;
            let read: Entry<Event> = serde_json::from_slice(line).unwrap();
            let long = changed(VERSION, line).unwrap();
            assert_eq!((read.us, read.event), (long.us, long.event));
        }
    }
    assert!(short * 10 > all * 9, "{short} of {all}");
    for evil in [
        r#""\u001b[2J""#,
        r#""\r""#,
        "\"\u{9b}2J\"",
        "\"\u{7f}\"",
        r#""\"#,
        "\"a\u{202e}b\"",
        "\"a\u{e0041}b\"",
    ] {
        assert!(!is_plain(evil.as_bytes()), "{evil}");
    }
    assert!(is_plain("\"a \\n \\\" \\\\ ★ ä\"".as_bytes()));
}

#[test]
fn a_recording_is_read_as_far_as_one_may_be_written() {
    let text = written(&[after(0, Event::Tick), after(9, Event::Tick)]);
    let lines: Vec<&[u8]> = text
        .as_bytes()
        .split_inclusive(|byte| *byte == b'\n')
        .collect();
    for near in [
        Size {
            bytes: LARGEST - lines[0].len() as u64 - lines[1].len() as u64,
            lines: 0,
        },
        Size {
            bytes: 0,
            lines: MOST_LINES - 2,
        },
    ] {
        let mut reading = Reading::new("a");
        reading.size = near;
        let more: Vec<bool> = lines
            .iter()
            .map(|line| reading.line(line).unwrap())
            .collect();
        assert_eq!(more, [true, true, false]);
        let read = reading.end(None).unwrap();
        assert_eq!(read.happenings.len(), 1);
        assert!(read.cut.unwrap().contains("the most"));
    }
}

#[test]
fn what_turns_text_around_or_hides_in_it_does_nothing_in_a_recording() {
    let hostile = "a\u{202e}b\u{2066}c\u{200f}d\u{e0041}e\u{2028}f\u{feff}g";
    let text = written(&[after(0, Event::Log(vec![line(hostile, hostile)]))]);
    for text in [text.clone(), text.replace('\u{202e}', "\\u202e")] {
        let read = Recording::read("a", text.as_bytes()).unwrap();
        let Event::Log(lines) = &read.happenings[0].event else {
            panic!("a log line")
        };
        let told = (lines[0].pod.as_str(), lines[0].text.as_str());
        assert_eq!(told, ("abcdefg", "abcdefg"));
    }
}
