//! A node container as the `docker run` that makes the same one: for people who want to know what
//! was done, and to do it themselves.

use super::{CLUSTER_LABEL, LAB_LABEL, NodePlan, ROLE_LABEL, role_word};
use flinklab_base::shell;

impl NodePlan {
    /// The command, in one line. Ports are those that the plan has chosen by now.
    #[must_use]
    pub fn command(&self) -> String {
        let mut words: Vec<String> = ["docker", "run", "--detach", "--tty", "--privileged"]
            .map(str::to_owned)
            .to_vec();
        let mut say = |option: &str, value: &str| words.push(format!("--{option}={value}"));
        say("name", &self.name);
        say("hostname", &self.name);
        say("network", &self.network);
        say("label", &format!("{CLUSTER_LABEL}={}", self.cluster));
        say("label", &format!("{ROLE_LABEL}={}", role_word(self.role)));
        say("label", &format!("{LAB_LABEL}={}", self.lab_id));
        say("security-opt", "seccomp=unconfined");
        say("security-opt", "apparmor=unconfined");
        say("cgroupns", "private");
        if self.daemon.remaps_users {
            say("userns", "host");
        }
        if self.daemon.rootless {
            say("device", "/dev/fuse");
        }
        say("init", "false");
        say("restart", "on-failure:1");
        say("tmpfs", "/tmp");
        say("tmpfs", "/run");
        say("volume", "/var");
        say("volume", "/lib/modules:/lib/modules:ro");
        for bind in &self.binds {
            say("volume", &shell::word(bind));
        }
        if self.daemon.device_mapper {
            say("volume", "/dev/mapper:/dev/mapper");
        }
        for variable in &self.environment {
            say("env", &shell::word(&without_user(variable)));
        }
        for port in &self.ports {
            say(
                "publish",
                &format!("{}:{}:{}", port.address, port.host, port.key()),
            );
        }
        words.push(self.image.clone());
        words.join(" ")
    }
}

/// A variable without the name and password that a proxy's address may hold.
fn without_user(variable: &str) -> String {
    let Some((name, value)) = variable.split_once('=') else {
        return variable.to_owned();
    };
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), value),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match rest[..authority.len()].rfind('@') {
        Some(at) => format!("{name}={scheme}***{}", &rest[at..]),
        None => variable.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reads_a_proxys_password() {
        for (given, shown) in [
            (
                "HTTP_PROXY=http://me:pa@ss@proxy:3128",
                "HTTP_PROXY=http://***@proxy:3128",
            ),
            ("https_proxy=me:pass@proxy", "https_proxy=***@proxy"),
            (
                "HTTP_PROXY=http://proxy:3128/@x",
                "HTTP_PROXY=http://proxy:3128/@x",
            ),
            ("NO_PROXY=a,.svc", "NO_PROXY=a,.svc"),
        ] {
            assert_eq!(without_user(given), shown);
        }
    }
}
