//! How the engine describes a container: inspect and list, with the fields that clients read.

use super::containers::{Container, State};
use serde_json::{Value, json};

impl Container {
    pub(crate) fn runs(&self) -> bool {
        self.state == State::Running
    }

    pub(super) fn labels(&self) -> Value {
        match &self.body["Labels"] {
            Value::Object(labels) => Value::Object(labels.clone()),
            _ => json!({}),
        }
    }

    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.body["Labels"][name].as_str()
    }

    pub(super) fn network(&self) -> &str {
        match self.body["HostConfig"]["NetworkMode"].as_str() {
            Some("" | "default") | None => "bridge",
            Some(name) => name,
        }
    }

    pub(super) fn status(&self) -> &'static str {
        match self.state {
            State::Created => "created",
            State::Running if self.paused => "paused",
            State::Running => "running",
            State::Exited { .. } => "exited",
        }
    }

    fn stamps(&self) -> (String, String) {
        let zero = || "0001-01-01T00:00:00Z".to_owned();
        let finished = match self.state {
            State::Exited { at, .. } => at.to_string(),
            State::Created | State::Running => zero(),
        };
        (
            self.started.map_or_else(zero, |at| at.to_string()),
            finished,
        )
    }

    fn mounts(&self) -> Value {
        let mut mounts: Vec<Value> = self
            .binds()
            .into_iter()
            .map(|(source, target)| {
                json!({"Type": "bind", "Source": source, "Destination": target, "Mode": "",
                    "RW": target != "/lib/modules", "Propagation": "rprivate"})
            })
            .collect();
        for volume in self.body["Volumes"].as_object().into_iter().flatten() {
            mounts.push(
                json!({"Type": "volume", "Name": self.volume, "Destination": volume.0,
                "Source": format!("/var/lib/docker/volumes/{}/_data", self.volume),
                "Driver": "local", "Mode": "", "RW": true, "Propagation": ""}),
            );
        }
        json!(mounts)
    }

    pub(super) fn inspect(&self) -> Value {
        let (started, finished) = self.stamps();
        let code = match self.state {
            State::Exited { code, .. } => code,
            State::Created | State::Running => 0,
        };
        let ports = if self.runs() {
            self.body["HostConfig"]["PortBindings"].clone()
        } else {
            json!({})
        };
        let network = self.network().to_owned();
        let address = if self.runs() {
            self.address.as_str()
        } else {
            ""
        };
        json!({"Id": self.id, "Created": self.created.to_string(), "Path": "/usr/local/bin/entrypoint",
            "Args": ["/sbin/init"], "Image": self.image_id, "Name": format!("/{}", self.name),
            "RestartCount": 0, "Driver": "overlay2", "Platform": "linux",
            "State": {"Status": self.status(), "Running": self.runs(), "Paused": self.paused,
                "Restarting": false, "OOMKilled": false, "Dead": false,
                "Pid": if self.runs() { 9705 } else { 0 }, "ExitCode": code, "Error": "",
                "StartedAt": started, "FinishedAt": finished},
            "HostConfig": self.body["HostConfig"], "Mounts": self.mounts(),
            "Config": config(&self.body),
            "NetworkSettings": {"Bridge": "", "Ports": ports, "IPAddress": "",
                "Networks": {network: {"Aliases": [&self.id[..12], self.name],
                    "NetworkID": "", "EndpointID": "", "Gateway": "172.18.0.1",
                    "IPAddress": address, "IPPrefixLen": 16, "IPv6Gateway": "",
                    "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "MacAddress": "",
                    "DNSNames": [self.name, &self.id[..12]]}}}})
    }

    pub(super) fn listed(&self) -> Value {
        let ports: Vec<Value> = self.published().into_iter().map(|(inside, ip, port)| {
            json!({"IP": ip, "PrivatePort": inside, "PublicPort": port, "Type": "tcp"})
        }).collect();
        json!({"Id": self.id, "Names": [format!("/{}", self.name)], "Image": self.body["Image"],
            "ImageID": self.image_id, "Command": "/usr/local/bin/entrypoint /sbin/init",
            "Created": self.created.as_second(), "Ports": if self.runs() { ports } else { vec![] },
            "Labels": self.labels(), "State": self.status(),
            "Status": if self.runs() { "Up 1 minute" } else { self.status() },
            "HostConfig": {"NetworkMode": self.network()}, "Mounts": self.mounts(),
            "NetworkSettings": {"Networks": {self.network(): {"IPAddress": self.address}}}})
    }

    /// Published TCP ports: in the container, address, on the host.
    pub(crate) fn published(&self) -> Vec<(u16, String, u16)> {
        let bindings = self.body["HostConfig"]["PortBindings"].as_object();
        let mut found = Vec::new();
        for (inside, all) in bindings.into_iter().flatten() {
            let Some(inside) = inside
                .strip_suffix("/tcp")
                .and_then(|port| port.parse().ok())
            else {
                continue;
            };
            for binding in all.as_array().into_iter().flatten() {
                let ip = binding["HostIp"]
                    .as_str()
                    .filter(|ip| !ip.is_empty())
                    .unwrap_or("0.0.0.0");
                let port = binding["HostPort"]
                    .as_str()
                    .and_then(|port| port.parse().ok());
                found.push((inside, ip.to_owned(), port.unwrap_or(0)));
            }
        }
        found
    }
}

/// The part of the create body that inspect calls Config.
fn config(body: &Value) -> Value {
    let mut config = body.clone();
    if let Some(map) = config.as_object_mut() {
        map.remove("HostConfig");
        map.remove("NetworkingConfig");
    }
    config
}
