//! What a recording leaves out: host paths, the user's name, and everything that looks like a key
//! or a token. Works on every string of an event, so that a new kind of event needs nothing.

use super::tokens::{LEFT_OUT, without_tokens};
use serde_json::Value;

/// Names that say nothing about a person, or that the lab itself uses in its words.
const COMMON: [&str; 10] = [
    "root", "user", "admin", "ubuntu", "debian", "docker", "flink", "flinklab", "kube", "node",
];
/// Folders that stay.
const EVERYWHERE: [&str; 4] = ["/tmp", "/var/tmp", "/opt", "/data"];
/// What is private on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Private {
    /// Folders and what is written in their place, the longest first.
    folders: Vec<(String, &'static str)>,
    /// The user's name, where it is a word of its own.
    user: Option<String>,
}

impl Private {
    /// Folders of this machine with what is written for them, and the user's home folder.
    #[must_use]
    pub fn new(places: &[(&str, &'static str)], user_home: Option<&str>) -> Self {
        let mut folders = Vec::new();
        let home = user_home.map(|home| (home, "~"));
        for (folder, shown) in places.iter().copied().chain(home) {
            let folder = folder.trim_end_matches('/');
            // what every machine has tells nothing of this one, and pods have it, too
            if folder.len() > 1 && !EVERYWHERE.contains(&folder) {
                folders.push((folder.to_owned(), shown));
            }
        }
        folders.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        let user = user_home.and_then(|home| home.trim_end_matches('/').rsplit('/').next());
        let telling = |name: &&str| name.len() >= 3 && !COMMON.contains(name);
        Self {
            folders,
            user: user.filter(telling).map(ToOwned::to_owned),
        }
    }

    /// Takes everything private out of a value.
    pub fn leave_out(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Some(clean) = self.cleaned(text) {
                    *text = clean;
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|one| self.leave_out(one)),
            Value::Object(all) => all.values_mut().for_each(|one| self.leave_out(one)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// The text without what is private; none where it may stay as it is.
    fn cleaned(&self, text: &str) -> Option<String> {
        let mut clean = text.to_owned();
        for (folder, shown) in &self.folders {
            clean = without_folder(&clean, folder, shown);
        }
        for root in ["/home/", "/Users/"] {
            clean = without_home(&clean, root);
        }
        if let Some(user) = &self.user {
            clean = without_word(&clean, user);
        }
        if clean.contains("-----BEGIN ") {
            clean = without_pem(&clean);
        }
        clean = without_tokens(&clean);
        (clean != text).then_some(clean)
    }
}

/// A folder and what is in it; not one whose name only begins or ends alike.
fn without_folder(text: &str, folder: &str, shown: &str) -> String {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(folder) {
        let after = &rest[at + folder.len()..];
        let alone = !rest[..at].ends_with(is_part) && !after.starts_with(goes_on);
        clean.push_str(&rest[..at]);
        clean.push_str(if alone { shown } else { folder });
        rest = after;
    }
    clean + rest
}

/// Somebody's home folder, whoever it is.
fn without_home(text: &str, root: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(root) {
        let name = &rest[at + root.len()..];
        let end = name.find(|c: char| !is_part(c)).unwrap_or(name.len());
        clean.push_str(&rest[..at]);
        clean.push_str(if end == 0 { root } else { "~" });
        rest = &name[end..];
    }
    clean + rest
}

fn without_word(text: &str, word: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let after = &rest[at + word.len()..];
        let alone = !rest[..at].ends_with(is_part) && !after.starts_with(is_part);
        clean.push_str(&rest[..at]);
        clean.push_str(if alone { "user" } else { word });
        rest = after;
    }
    clean + rest
}

/// A key in its usual armour, with all that is between begin and end.
fn without_pem(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("-----BEGIN ") {
        clean.push_str(&rest[..at]);
        clean.push_str(LEFT_OUT);
        let armour = &rest[at..];
        // up to the dashes that close the END line; an open one reaches to the end
        let end = armour
            .find("-----END ")
            .and_then(|end| Some(end + 9 + armour[end + 9..].find("-----")? + 5));
        rest = end.map_or("", |end| &armour[end..]);
    }
    clean + rest
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

#[cfg(test)]
mod tests {
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
        private.leave_out(&mut value);
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
        assert_eq!(clean("denied for ada here"), "denied for user here");
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
        private.leave_out(&mut value);
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
}
