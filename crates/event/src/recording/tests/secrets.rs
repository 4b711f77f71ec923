//! What a recording never holds, however it is cut into lines, and what it keeps word for word.
#![allow(clippy::unwrap_used)]

use super::super::*;
use crate::{Deed, Event, LogLine, PreviousLog};
use proptest::prelude::*;

const LEFT_OUT: &str = "[left out]";

fn writer(home: &str) -> Writer {
    let private = Private::new(&[], Some(home));
    Writer::new(Timestamp::UNIX_EPOCH, private)
}

fn line(pod: &str, text: &str) -> LogLine {
    LogLine {
        at: Timestamp::UNIX_EPOCH,
        pod: pod.to_owned(),
        text: text.to_owned(),
        // lines that speak of something are never thinned as output
        highlight: Some(crate::Highlight::Error),
    }
}

/// What a recording holds of lines of pods that come in batches.
fn kept(home: &str, batches: &[Vec<LogLine>]) -> Vec<String> {
    let mut writer = writer(home);
    let mut texts = Vec::new();
    for lines in batches {
        let event = Event::Log(lines.clone());
        let happening = Happening {
            at: Timestamp::UNIX_EPOCH,
            event,
        };
        let Some(line) = writer.line(&happening) else {
            continue;
        };
        let entry: Entry<Event> = serde_json::from_str(&line).unwrap();
        let Event::Log(lines) = entry.event else {
            panic!("a log stays a log")
        };
        texts.extend(lines.into_iter().map(|line| line.text));
    }
    texts
}

/// What becomes of one text.
fn clean(text: &str) -> String {
    kept("/home/ada", &[vec![line("jm", text)]]).remove(0)
}

/// What becomes of lines that one pod prints one after the other.
fn cleaned(texts: &[&str]) -> Vec<String> {
    let lines: Vec<Vec<LogLine>> = texts.iter().map(|text| vec![line("jm", text)]).collect();
    kept("/home/ada", &lines)
}

/// Letters and figures that no compression makes smaller, always the same.
fn noise(seed: u64, alphabet: &str, length: usize) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = seed | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        letters[usize::try_from(state >> 33).unwrap() % letters.len()]
    };
    (0..length).map(step).collect()
}

const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[test]
fn a_key_that_is_printed_line_by_line_is_left_out() {
    let body = noise(7, BASE64, 150);
    let lines = [
        "2026-11-24 21:00:00 INFO  Main [] - the key is -----BEGIN RSA PRIVATE KEY-----",
        "Proc-Type: 4,ENCRYPTED",
        "",
        &body[..64],
        &body[64..128],
        &body[128..],
        "-----END RSA PRIVATE KEY----- and that was it",
        "after it",
    ];
    let left = cleaned(&lines);
    assert_eq!(
        left,
        [
            "2026-11-24 21:00:00 INFO  Main [] - the key is [left out]",
            LEFT_OUT,
            LEFT_OUT,
            LEFT_OUT,
            LEFT_OUT,
            LEFT_OUT,
            "[left out] and that was it",
            "after it",
        ]
    );
}

#[test]
fn another_pod_goes_on_meanwhile_and_a_key_without_an_end_ends_all_the_same() {
    let mut batches = vec![vec![line("jm", "-----BEGIN EC PRIVATE KEY-----")]];
    batches.extend((0..180).map(|_| vec![line("jm", "xyz"), line("tm", "as it was")]));
    let texts = kept("/home/ada", &batches);
    let of_other = texts.iter().filter(|text| *text == "as it was").count();
    assert_eq!(of_other, 180);
    assert_eq!(
        texts.iter().rev().find(|it| *it != "as it was").unwrap(),
        "xyz"
    );
    let left_out = texts.iter().filter(|text| *text == LEFT_OUT).count();
    assert!((100..150).contains(&left_out), "{left_out}");
}

/// A log that is read from somewhere within a key has no line that announces it.
#[test]
fn a_line_of_a_key_is_known_without_its_first_one() {
    let body = noise(11, BASE64, 64);
    assert_eq!(clean(&body), LEFT_OUT);
    assert_eq!(clean(&format!("data: {body}")), "data: [left out]");
}

#[test]
fn a_container_that_was_restarted_is_listened_to_from_its_first_line() {
    let body = noise(3, BASE64, 20);
    let lines = vec![
        line("jm", "-----BEGIN PRIVATE KEY-----"),
        line("jm", &body),
        line("jm", "-----END PRIVATE KEY-----"),
        line("jm", "password:"),
        line("jm", "hunter2"),
    ];
    let event = Event::Previous(PreviousLog {
        uid: "u".to_owned(),
        asked: Timestamp::UNIX_EPOCH,
        lines: Ok(lines),
    });
    let at = Timestamp::UNIX_EPOCH;
    let text = writer("/home/ada").line(&Happening { at, event }).unwrap();
    assert!(!text.contains(&body) && !text.contains("hunter2"), "{text}");
}

/// What output is thinned away still opens and ends a key.
#[test]
fn a_key_in_a_flood_is_followed_through_what_is_not_kept() {
    let quiet = |text: &str| LogLine {
        highlight: None,
        ..line("tm", text)
    };
    let mut flood: Vec<LogLine> = (0..20).map(|n| quiet(&format!("record {n}"))).collect();
    flood.push(quiet("-----BEGIN PRIVATE KEY-----"));
    let mut writer = writer("/home/ada");
    let mut take = |seconds: i64, lines: Vec<LogLine>| {
        let at = Timestamp::from_second(seconds).unwrap();
        let event = Event::Log(lines);
        writer.line(&Happening { at, event }).unwrap_or_default()
    };
    take(0, flood);
    assert!(take(2, vec![quiet("c2hvcnQ=")]).contains(LEFT_OUT));
    let mut flood: Vec<LogLine> = (0..20).map(|n| quiet(&format!("{n}"))).collect();
    flood.push(quiet("-----END PRIVATE KEY-----"));
    take(4, flood);
    assert!(take(6, vec![quiet("record 9")]).contains("record 9"));
}

#[test]
fn the_value_of_a_name_may_stand_on_the_next_line() {
    assert_eq!(
        cleaned(&["password:", "hunter2", "hunter3"]),
        ["password:", LEFT_OUT, "hunter3"]
    );
    assert_eq!(
        cleaned(&["s3.secret-key =", "  abc def", "x"]),
        ["s3.secret-key =", "  [left out] def", "x"]
    );
    // what Flink logs meanwhile is no value of it, but what it says may be one
    assert_eq!(
        cleaned(&["Password:", "", "hunter2"]),
        ["Password:", "", LEFT_OUT]
    );
    let flink = "2026-11-24 21:00:00,123 INFO  org.apache.flink.Main [] - ";
    assert_eq!(
        cleaned(&["Password:", &format!("{flink}hunter2 it is")]),
        ["Password:", &format!("{flink}[left out] it is")]
    );
    assert_eq!(
        clean("a\npassword:\n  hunter2\nb"),
        "a\npassword:\n  [left out]\nb"
    );
}

#[test]
fn tokens_of_well_known_shapes_are_left_out_wherever_they_stand() {
    for token in tokens(5) {
        for (before, after) in [
            ("", ""),
            ("uses ", " now"),
            ("(", ")"),
            ("x=", "&y=1"),
            ("'", "',"),
        ] {
            let text = clean(&format!("{before}{token}{after}"));
            assert_eq!(text, format!("{before}{LEFT_OUT}{after}"), "{token}");
        }
    }
}

/// One token of each shape.
fn tokens(seed: u64) -> Vec<String> {
    let of = |length| noise(seed, LETTERS, length);
    let upper = |length| noise(seed, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length);
    let hex = |length| noise(seed, "0123456789abcdef", length);
    let jwt = |length| format!("eyJ{}", of(length));
    vec![
        format!("AKIA{}", upper(16)),
        format!("ASIA{}", upper(16)),
        format!("ghp_{}", of(36)),
        format!("gho_{}", of(36)),
        format!("ghs_{}", of(36)),
        format!("github_pat_{}_{}", of(22), of(59)),
        format!("xoxb-123456789012-1234567890123-{}", of(24)),
        format!("xoxp-123456789012-{}", of(32)),
        format!("{}.{}.{}", jwt(17), jwt(30), of(43)),
        format!("AIza{}", of(35)),
        format!("ya29.{}", of(60)),
        format!("glpat-{}", of(20)),
        format!("sk-{}", of(48)),
        format!("sk-proj-{}", of(48)),
        format!("sk-ant-api03-{}-{}", of(40), of(40)),
        format!("sk_live_{}", of(24)),
        format!("npm_{}", of(36)),
        format!("pypi-AgEIcHlwaS5vcmc{}", of(60)),
        format!("hf_{}", of(34)),
        format!("dckr_pat_{}", of(27)),
        format!("dop_v1_{}", hex(64)),
        format!("hvs.{}", of(90)),
        format!("SG.{}.{}", of(22), of(43)),
        format!("dapi{}", hex(32)),
    ]
}

#[test]
fn names_of_objects_are_looked_at_like_what_they_hold() {
    let token = tokens(3).remove(2);
    let mut value = serde_json::json!({
        "/home/ada/x": {"deep": 1},
        token.clone(): "a",
        "s3.secret-key": "abc",
    });
    Private::new(&[], Some("/home/ada")).redact(&mut value);
    let text = value.to_string();
    assert!(!text.contains(&token) && !text.contains("ada"), "{text}");
    assert_eq!(value["~/x"]["deep"], 1);
    assert_eq!(value[LEFT_OUT], "a");
    assert_eq!(value["s3.secret-key"], LEFT_OUT);
}

/// A user may be called like anything that the lab says.
#[test]
fn a_users_name_stays_a_word() {
    for user in ["will", "test", "default", "grant", "running", "jobmanager"] {
        let home = format!("/home/{user}");
        for text in [
            format!("it {user} start, {user}."),
            format!("lab {user} on {user}-control-plane"),
            format!("/flink-shared/{user}/chk-1"),
            format!("$FLINKLAB_HOME/{user}/kubeconfig"),
            user.to_owned(),
        ] {
            let left = kept(&home, &[vec![line("jm", &text)]]);
            assert_eq!(left, [text], "{user}");
        }
        for (text, left) in [
            (format!("/home/{user}/x"), "~/x".to_owned()),
            (
                format!("{user}@laptop:~$ ls"),
                "user@laptop:~$ ls".to_owned(),
            ),
            (format!("/media/{user}/DISK"), "/media/user/DISK".to_owned()),
            (
                format!("{{\"user\":\"{user}\"}}"),
                "{\"user\":\"user\"}".to_owned(),
            ),
            (format!("USER={user} x"), "USER=user x".to_owned()),
        ] {
            assert_eq!(kept(&home, &[vec![line("jm", &text)]]), [left]);
        }
    }
    let mut value = serde_json::to_value(Event::NoLab {
        name: "default".to_owned(),
    })
    .unwrap();
    let before = value.clone();
    Private::new(&[], Some("/home/default")).redact(&mut value);
    assert_eq!(value, before);
}

/// What Flink, Kubernetes and flinklab say, without a secret in it.
fn plain() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "Completed checkpoint 107 for job c506b6c2d1a84e4f9a0b7c6d5e4f3a2b (8338 bytes)",
        "flinklab-jobmanager-7f9c6d5b8-abcde",
        "pekko.tcp://flink@10.244.0.7:6123/user/rpc/dispatcher_1",
        "sha256:3f2b0e1d5c4a39287f6e5d4c3b2a19087f6e5d4c3b2a19087f6e5d4c3b2a1908",
        "org.apache.flink.streaming.examples.statemachine.StateMachineExample",
        "/opt/flink/examples/streaming/StateMachineExample.jar",
        "java.lang.IllegalStateException: not now",
        "at org.apache.flink.runtime.taskmanager.Task.run(Task.java:568)",
        "the token of the gate was taken",
        "open /etc/kubernetes/pki/apiserver.key: not there",
        "http://127.0.0.1:40213/jobs?x=1&y=2",
        "2026-11-24T21:00:00.123456789Z",
        "test",
        "will",
        "default",
        "日本語",
        "key",
        "a-b",
        "{\"x\": [1, 2]}",
        "=",
        "--",
        "'",
        "\n",
    ]);
    prop::collection::vec(words, 0..8).prop_map(|words| words.join(" "))
}

/// Anything, with many pieces that look like a secret or stand before one.
fn anything() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        plain(),
        prop::sample::select(vec![
            "password",
            "password:",
            "token=",
            "\"",
            "--token",
            "Bearer",
            "basic ",
            ": ",
            "{",
            "}",
            "-----BEGIN ",
            "-----END ",
            "-----",
            "[left out]",
            "[",
            "]",
            "/home/",
            "/home/ada",
            "://a:b@",
            "ada@",
            "secret-key",
            ",",
            "&",
            "\n",
            " ",
            ".key:",
            "eyJ",
            "=>",
            "[left",
            "out]",
        ])
        .prop_map(str::to_owned),
        (0..1000_u64)
            .prop_map(|seed| tokens(seed).swap_remove(usize::try_from(seed % 24).unwrap())),
        (0..1000_u64).prop_map(|seed| noise(seed, BASE64, usize::try_from(seed % 90).unwrap())),
    ];
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_holds_no_secret_is_kept_word_for_word(texts in prop::collection::vec(plain(), 1..6)) {
        let lines: Vec<Vec<LogLine>> = texts.iter().map(|text| vec![line("jm", text)]).collect();
        prop_assert_eq!(kept("/home/will", &lines), texts);
    }

    /// A recording of what a recording plays is the same recording.
    #[test]
    fn what_was_cleaned_stays_as_it_is(text in anything()) {
        let once = clean(&text);
        prop_assert_eq!(clean(&once), once);
    }

    /// Cut anywhere into lines and batches, with another pod between, and before or after anything.
    #[test]
    fn a_planted_key_never_survives(
        seed in any::<u64>(),
        length in 100..1600_usize,
        width in 20..100_usize,
        prefix in plain(),
        batch in 1..5_usize,
    ) {
        let body = noise(seed, BASE64, length);
        let prefix = prefix.replace('\n', " ");
        let mut lines = vec![line("jm", &format!("{prefix} -----BEGIN PRIVATE KEY-----"))];
        for piece in body.as_bytes().chunks(width) {
            lines.push(line("jm", std::str::from_utf8(piece).unwrap()));
            lines.push(line("tm", &prefix));
        }
        lines.push(line("jm", "-----END PRIVATE KEY-----"));
        lines.push(line("jm", "and on"));
        let batches: Vec<Vec<LogLine>> = lines.chunks(batch).map(<[_]>::to_vec).collect();
        let texts = kept("/home/ada", &batches);
        let all = texts.join("\n");
        for piece in body.as_bytes().chunks(width).map(|it| std::str::from_utf8(it).unwrap()) {
            prop_assert!(piece.len() < 8 || !all.contains(piece), "{} in {}", piece, all);
        }
        prop_assert_eq!(texts.iter().filter(|text| **text == prefix).count(), length.div_ceil(width));
        prop_assert_eq!(texts.last().map(String::as_str), Some("and on"));
    }

    /// A token, or what a name is given, on the same line or the next.
    #[test]
    fn a_planted_token_never_survives(
        seed in any::<u64>(),
        (before, after) in (plain(), plain()),
        name in prop::sample::select(vec![
            "password:", "password=", "token =", "\"secret\": ", "--api-key", "s3.access-key:",
            "Authorization: Bearer",
        ]),
        cut in any::<bool>(),
    ) {
        let of_shape = tokens(seed).swap_remove(usize::try_from(seed % 24).unwrap());
        let text = clean(&format!("{before} {of_shape} {after}"));
        prop_assert!(!text.contains(&of_shape), "{} in {}", of_shape, text);
        let value = noise(seed, LETTERS, 12);
        let texts = if cut {
            cleaned(&[&format!("{before} {name}"), &format!("{value} {after}")])
        } else {
            cleaned(&[&format!("{before} {name} {value} {after}")])
        };
        prop_assert!(!texts.concat().contains(&value), "{} in {:?}", value, texts);
    }
}

#[test]
fn a_deed_names_nobody() {
    let event = Event::Did(Deed {
        what: "x".to_owned(),
        command: "kubectl --kubeconfig /home/ada/a --token abc get pods".to_owned(),
    });
    let at = Timestamp::UNIX_EPOCH;
    let text = writer("/home/ada").line(&Happening { at, event }).unwrap();
    assert!(
        text.contains("--kubeconfig ~/a --token [left out] get pods"),
        "{text}"
    );
}

/// Sessions on real clusters: what is left out of them by mistake would be missed there.
#[test]
fn real_sessions_are_kept_word_for_word() {
    let sessions: [&[u8]; 6] = [
        include_bytes!("../../../../../assets/demo.flinklab.gz"),
        include_bytes!("../../../../../tests/recordings/jm-crash.flinklab.gz"),
        include_bytes!("../../../../../tests/recordings/jm-stop.flinklab.gz"),
        include_bytes!("../../../../../tests/recordings/outages.flinklab.gz"),
        include_bytes!("../../../../../tests/recordings/pointer-lost.flinklab.gz"),
        include_bytes!("../../../../../tests/recordings/tm-crash.flinklab.gz"),
    ];
    let private = Private::new(&[], Some("/home/test"));
    for session in sessions {
        let mut text = String::new();
        let mut packed = flate2::read::MultiGzDecoder::new(session);
        std::io::Read::read_to_string(&mut packed, &mut text).unwrap();
        for line in text.lines() {
            let before: serde_json::Value = serde_json::from_str(line).unwrap();
            let mut after = before.clone();
            private.redact(&mut after);
            assert_eq!(after, before);
        }
    }
}
