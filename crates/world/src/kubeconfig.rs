//! The kubeconfig for the host, made from the node's own: kind's names, the published port.
//! Text in, text out; reads and writes no file of anybody.

use flinklab_base::advice;
use flinklab_base::fault::Fault;
use serde_json::{Value, json};

/// Where kubeadm leaves the administrator's kubeconfig in a control plane.
pub const ADMIN: &str = "/etc/kubernetes/admin.conf";

/// The same credentials under kind's names, for a server that the host reaches. JSON, which every
/// reader of YAML takes.
pub fn external(admin_conf: &str, cluster: &str, server: &str) -> Result<String, Fault> {
    let mut config: Value = serde_yaml::from_str(admin_conf).map_err(|error| broken(&error))?;
    let name = format!("kind-{cluster}");
    for list in ["clusters", "users", "contexts"] {
        let entries = config[list]
            .as_array_mut()
            .filter(|entries| entries.len() == 1);
        let entry = entries
            .and_then(|entries| entries.first_mut())
            .ok_or_else(|| broken(&format!("it does not hold exactly one of `{list}`")))?;
        entry["name"] = json!(name);
        match list {
            "clusters" => {
                // Where it is, is ours to say; how it speaks is its own: a simulated one is plain.
                let own = entry["cluster"]["server"].as_str().unwrap_or_default();
                let plain = own.starts_with("http://");
                let server = match server.strip_prefix("https://") {
                    Some(rest) if plain => format!("http://{rest}"),
                    _ => server.to_owned(),
                };
                entry["cluster"]["server"] = json!(server);
            }
            "contexts" => {
                entry["context"]["cluster"] = json!(name);
                entry["context"]["user"] = json!(name);
            }
            _ => {}
        }
    }
    config["current-context"] = json!(name);
    Ok(format!("{config:#}\n"))
}

fn broken(why: &dyn std::fmt::Display) -> Fault {
    Fault::unable("kubeconfig", "The cluster's own kubeconfig cannot be read.")
        .why(why)
        .hint(advice!(
            "Run `flinklab up` again; if it stays so, `flinklab down` and `flinklab up`."
        ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ADMIN_CONF: &str = "
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0E=
    server: https://lab-control-plane:6443
  name: lab
contexts:
- context:
    cluster: lab
    user: kubernetes-admin
  name: kubernetes-admin@lab
current-context: kubernetes-admin@lab
kind: Config
preferences: {}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
";

    #[test]
    fn names_and_server_change_and_nothing_else() {
        let text = external(ADMIN_CONF, "lab", "https://127.0.0.1:40123").unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            config,
            json!({
                "apiVersion": "v1",
                "kind": "Config",
                "preferences": {},
                "clusters": [{"name": "kind-lab", "cluster": {
                    "certificate-authority-data": "Q0E=", "server": "https://127.0.0.1:40123",
                }}],
                "contexts": [{"name": "kind-lab", "context": {"cluster": "kind-lab", "user": "kind-lab"}}],
                "current-context": "kind-lab",
                "users": [{"name": "kind-lab", "user": {
                    "client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ",
                }}],
            })
        );
        kube::config::Kubeconfig::from_yaml(&text).unwrap();
    }

    #[test]
    fn a_half_written_file_is_a_fault() {
        let half = &ADMIN_CONF[..ADMIN_CONF.len() / 2];
        assert_eq!(external(half, "lab", "x").unwrap_err().code, "kubeconfig");
        assert_eq!(external("", "lab", "x").unwrap_err().code, "kubeconfig");
    }
}
