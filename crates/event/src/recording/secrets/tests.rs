//! Private things in single texts.

use super::*;
use serde_json::json;

fn clean(text: &str) -> String {
    let places = [
        ("/home/ada/.local/share/flinklab", "$FLINKLAB_HOME"),
        ("/srv/acme/labs/orders", "$LAB"),
        ("/srv/acme", "$PWD"),
        ("/tmp", "$TMPDIR"),
    ];
    let private = Private::new(&places, Some("/home/ada"));
    let mut value = json!([{ "deep": text }]);
    private.redact(&mut value);
    value[0]["deep"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn folders_and_names_of_a_person_are_left_out() {
    let home = "/home/ada/.local/share/flinklab/flinklab/kubeconfig";
    assert_eq!(clean(home), "$FLINKLAB_HOME/flinklab/kubeconfig");
    assert_eq!(clean("see /home/ada/x"), "see ~/x");
    assert_eq!(clean("/Users/Bob.Smith/y: denied"), "~/y: denied");
    assert_eq!(
        clean("permission denied for ada."),
        "permission denied for ada."
    );
    // a word of a sentence says nothing of a person, whoever is called so
    assert_eq!(clean("denied for ada here"), "denied for ada here");
    assert_eq!(clean("ada@laptop:~$"), "user@laptop:~$");
    assert_eq!(clean("adaptive scheduler"), "adaptive scheduler");
    assert_eq!(
        clean("/srv/acme/labs/orders/lab.yaml:3 and /srv/acme/x, /srv/acme-2, /tmp/x"),
        "$LAB/lab.yaml:3 and $PWD/x, /srv/acme-2, /tmp/x"
    );
}

#[test]
fn a_users_name_that_the_lab_uses_itself_stays() {
    let private = Private::new(
        &[("/home/flink/labs", "$FLINKLAB_HOME")],
        Some("/home/flink"),
    );
    let mut value = json!("flink:2.2.1 in /home/flink/labs/a");
    private.redact(&mut value);
    assert_eq!(value, "flink:2.2.1 in $FLINKLAB_HOME/a");
}

#[test]
fn keys_and_tokens_are_left_out() {
    let pem = "key -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- end";
    assert_eq!(clean(pem), "key [left out] end");
    assert_eq!(clean("-----BEGIN CERTIFICATE-----\nMII"), "[left out]");
    assert_eq!(
        clean("kubeadm join --token abcdef.0123456789abcdef --x"),
        "kubeadm join --token [left out] --x"
    );
    assert_eq!(
        clean("Authorization: Bearer s3cr3t-s3cr3t"),
        "Authorization: Bearer [left out]"
    );
    for (text, left) in [
        (
            r#"{"password":"hunter2hunter2"}"#,
            r#"{"password":"[left out]"}"#,
        ),
        (
            r#"{"token" : "a b,c=d", "x":"y"}"#,
            r#"{"token" : "[left out]", "x":"y"}"#,
        ),
        (
            r#"{"password":"","name":"ok"}"#,
            r#"{"password":"","name":"ok"}"#,
        ),
        ("password:x", "password:[left out]"),
        ("password=x y", "password=[left out] y"),
        ("password=ab=cd:ef, z", "password=[left out], z"),
        ("--password pw next", "--password [left out] next"),
        (
            "Authorization: Basic YTpi",
            "Authorization: Basic [left out]",
        ),
        ("authorization:Basic YTpi", "authorization:Basic [left out]"),
        ("s3.secret-key: abc", "s3.secret-key: [left out]"),
        ("s3.access.key=abc", "s3.access.key=[left out]"),
        (
            "fs.azure.account.key: abc",
            "fs.azure.account.key: [left out]",
        ),
        (
            "AWS_SECRET_ACCESS_KEY=abc",
            "AWS_SECRET_ACCESS_KEY=[left out]",
        ),
        ("GET /x?token=abc&y=1", "GET /x?token=[left out]&y=1"),
    ] {
        assert_eq!(clean(text), left);
    }
    assert_eq!(
        clean("password=hunter2hunter2 ok"),
        "password=[left out] ok"
    );
    assert_eq!(
        clean("proxy http://ada:pw@proxy:3128/ used"),
        "proxy http://[left out]@proxy:3128/ used"
    );
    let jwt = format!(
        "eyJ{}.{}.{}",
        "a".repeat(20),
        "b".repeat(20),
        "c".repeat(20)
    );
    assert_eq!(clean(&jwt), "[left out]");
    assert_eq!(
        clean(&format!("data: {}", "QUJD".repeat(60))),
        "data: [left out]"
    );
}

#[test]
fn what_tells_the_story_stays() {
    for text in [
        "Completed checkpoint 107 for job c506b6c2d1a84e4f9a0b7c6d5e4f3a2b (8338 bytes)",
        "flinklab-jobmanager-7f9c6d5b8-abcde",
        "pekko.tcp://flink@10.244.0.7:6123/user/rpc/dispatcher_1",
        "http://127.0.0.1:40213",
        "checkpoints/c506b6c2/chk-107/_metadata",
        "the token of the gate was taken",
        "registry.local/tools/token:1.2 at 21:00:59",
        "open /etc/kubernetes/pki/apiserver.key: not there",
    ] {
        assert_eq!(clean(text), text);
    }
}
